// The collectors on real servers: what needs a follower, locks, missing rights, extensions, bloat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/postgres_probe.hpp"
#include "support/postgres.hpp"

namespace tocsin::probes {
namespace {

using test::PostgresProbe;
using test::PostgresServer;
using test::PostgresSetup;
using namespace std::chrono_literals;

constexpr const char* orders = R"(datname="app", relname="orders", schemaname="public"})";

std::string of_orders(const std::string& name) { return "pg_stat_user_tables_" + name + "{" + orders; }

PostgresOptions app_of(const PostgresServer& server, const std::string& user = "postgres") {
  auto options = PostgresProbe::to(server.port(), user);
  options.database = "app";
  return options;
}

void make_app(const PostgresServer& server) {
  server.sql("CREATE DATABASE app");
  server.sql(
      "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders SELECT i, 'note ' || i FROM "
      "generate_series(1, 2000) i; ANALYZE orders",
      "app");
}

TEST(PostgresRealCollectors, APrimaryAndItsReplicaTellOfEachOther) {
  PostgresSetup setup;
  setup.settings = {"archive_mode=on", "archive_command=true", "max_slot_wal_keep_size=1GB", "wal_level=logical"};
  const PostgresServer primary(setup);
  make_app(primary);
  const auto replica = PostgresServer::replica_of(primary);
  primary.sql("SELECT pg_create_physical_replication_slot('standby')");
  ASSERT_TRUE(primary.becomes("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1"));
  primary.sql("SELECT pg_switch_wal()");
  ASSERT_TRUE(primary.becomes("SELECT archived_count > 0 FROM pg_stat_archiver", "t"));
  primary.sql("UPDATE orders SET note = 'y' WHERE id = 1", "app");
  ASSERT_TRUE(replica->becomes("SELECT pg_last_xact_replay_timestamp() IS NOT NULL", "t"));
  ASSERT_TRUE(primary.becomes("SELECT count(replay_lsn) FROM pg_stat_replication", "1"));

  PostgresProbe of_primary(app_of(primary));
  auto observation = of_primary();
  ASSERT_TRUE(observation.good()) << observation.detail;
  EXPECT_EQ(observation.detail, "");
  EXPECT_EQ(of_primary.value("pg_replication_is_replica"), 0);
  EXPECT_NE(of_primary.find(R"(pg_stat_replication_pg_current_wal_lsn_bytes{application_name="walreceiver", pid=")"),
            "");
  EXPECT_NE(of_primary.find(R"(pg_stat_replication_pg_wal_lsn_diff{application_name="walreceiver", pid=")"), "");
  EXPECT_GE(of_primary.value("pg_stat_archiver_last_archive_age"), 0);
  EXPECT_GT(of_primary.value(R"(pg_replication_slots_safe_wal_size_bytes{slot_name="standby", slot_type="physical"})"),
            -1234);

  auto options = app_of(*replica);
  options.collectors_on = {"stat_wal_receiver"};
  PostgresProbe of_replica(options);
  observation = of_replica();
  ASSERT_TRUE(observation.good()) << observation.detail;
  EXPECT_EQ(of_replica.value("pg_replication_is_replica"), 1);
  EXPECT_GE(of_replica.value("pg_replication_lag_seconds"), 0);
  EXPECT_GT(of_replica.value("pg_replication_last_replay_seconds"), 0);
  EXPECT_EQ(of_replica.value("pg_settings_transaction_read_only"), 1);
  const auto receiver = of_replica.find("pg_stat_wal_receiver_flushed_lsn{status=\"streaming\", upstream_host=\"");
  EXPECT_NE(receiver, "");
  EXPECT_GT(of_replica.value(receiver), 0);
  EXPECT_EQ(of_replica.value(of_orders("n_live_tup")), 0) << "a replica counts for itself";

  // All that was received is replayed: no lag, however long ago that was. What is held back counts.
  replica->sql("SELECT pg_wal_replay_pause()");
  ASSERT_TRUE(replica->becomes("SELECT pg_get_wal_replay_pause_state()", "paused"));
  primary.sql("INSERT INTO orders VALUES (9000, 'x')", "app");
  ASSERT_TRUE(replica->becomes("SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()", "t"));
  static_cast<void>(of_replica());
  EXPECT_GT(of_replica.value("pg_replication_lag_seconds"), 0);
}

TEST(PostgresRealCollectors, ATableThatIsAlteredKeepsItsCountersAndTheOthersTheirSizes) {
  const PostgresServer server;
  make_app(server);
  server.sql("CREATE TABLE other (id int)", "app");
  PostgresProbe probe(app_of(server));
  static_cast<void>(probe());
  EXPECT_GT(probe.value(of_orders("table_size_bytes")), 8192);
  EXPECT_GT(probe.value(of_orders("index_size_bytes")), 8192);

  const auto alter = server.session("BEGIN; ALTER TABLE orders ADD COLUMN c int; SELECT pg_sleep(60)", "app");
  ASSERT_TRUE(
      server.becomes("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND "
                     "relation = 'orders'::regclass",
                     "1", "app"));
  const auto observation = probe();
  ASSERT_TRUE(observation.good()) << observation.detail;
  EXPECT_TRUE(probe.success("stat_user_tables"));
  EXPECT_EQ(probe.value(of_orders("n_tup_ins")), 2000);
  EXPECT_FALSE(probe.has(of_orders("table_size_bytes"))) << "nobody can say without waiting";
  EXPECT_TRUE(
      probe.has(R"(pg_stat_user_tables_table_size_bytes{datname="app", relname="other", schemaname="public"})"));
  EXPECT_LT(observation.took, 1s);
  EXPECT_EQ(probe.value(R"(pg_locks_count{datname="app", mode="accessexclusivelock"})"), 1);
  EXPECT_EQ(probe.value(R"(pg_locks_count{datname="app", mode="accesssharelock"})"), 0) << "ours are not counted";
}

TEST(PostgresRealCollectors, WhoMayNotSeeAllSeesTheRest) {
  const PostgresServer server;
  make_app(server);
  server.sql("CREATE ROLE weak LOGIN; REVOKE CONNECT ON DATABASE template1 FROM PUBLIC");
  PostgresProbe probe(app_of(server, "weak"));
  const auto observation = probe();
  ASSERT_TRUE(observation.good()) << observation.detail;
  EXPECT_FALSE(probe.has("pg_wal_segments"));
  EXPECT_TRUE(probe.success("database"));
  EXPECT_TRUE(probe.has(R"(pg_database_size_bytes{datname="app"})"));
  EXPECT_FALSE(probe.has(R"(pg_database_size_bytes{datname="template1"})"));
  EXPECT_TRUE(probe.has(R"(pg_database_connection_limit{datname="template1"})"));
  EXPECT_EQ(probe.value(of_orders("n_tup_ins")), 2000);
  EXPECT_EQ(probe.value("pg_settings_max_connections"), 40);
  server.sql("GRANT pg_monitor TO weak");
  static_cast<void>(probe(5s, true));
  EXPECT_GE(probe.value("pg_wal_segments"), 1) << "a fresh probe asks again";
  EXPECT_TRUE(probe.has(R"(pg_database_size_bytes{datname="template1"})"));
}

TEST(PostgresRealCollectors, EveryDatabaseShowsItsTables) {
  const PostgresServer server;
  make_app(server);
  server.sql("CREATE DATABASE shop");
  server.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)", "shop");
  auto options = app_of(server);
  options.databases = PostgresOptions::Databases::all;
  options.collectors_on = {"statio_user_indexes"};
  PostgresProbe probe(options);
  static_cast<void>(probe());
  EXPECT_EQ(probe.value(of_orders("n_tup_ins")), 2000);
  EXPECT_EQ(probe.value(R"(pg_stat_user_tables_n_tup_ins{datname="shop", relname="orders", schemaname="public"})"), 1);
  EXPECT_TRUE(
      probe.has(R"(pg_statio_user_tables_heap_blocks_hit{datname="shop", relname="orders", schemaname="public"})"));
  EXPECT_TRUE(probe.has(R"(pg_statio_user_indexes_idx_blks_hit_total{datname="app", indexrelname="orders_pkey", )"
                        R"(relname="orders", schemaname="public"})"));
}

TEST(PostgresRealCollectors, StatementsAreCounted) {
  PostgresSetup setup;
  setup.settings = {"shared_preload_libraries=pg_stat_statements"};
  const PostgresServer server(setup);
  make_app(server);
  auto options = app_of(server);
  options.collectors_on = {"stat_statements", "stat_statements_query", "process_idle",       "stat_activity_autovacuum",
                           "xlog_location",   "stat_wal_receiver",     "buffercache_summary"};
  PostgresProbe probe(options);
  auto observation = probe();
  ASSERT_TRUE(observation.good()) << observation.detail;
  EXPECT_EQ(probe.find("pg_stat_statements_calls_total"), "") << "the extension is not there";
  EXPECT_GT(probe.value("pg_xlog_location_bytes"), 0);
  server.sql("CREATE EXTENSION pg_stat_statements", "app");
  server.sql("SELECT count(*) AS how_many FROM orders", "app");
  server.sql("SELECT count(*) AS how_many FROM orders", "app");
  observation = probe(5s, true);
  const auto text =
      probe.find(R"(pg_stat_statements_query_id{query="SELECT count(*) AS how_many FROM orders", queryid=")");
  ASSERT_NE(text, "");
  const auto id = text.substr(text.find("queryid="), text.rfind('}') - text.find("queryid="));
  EXPECT_EQ(probe.value("pg_stat_statements_calls_total{datname=\"app\", " + id + ", user=\"postgres\"}"), 2);
  EXPECT_EQ(probe.value("pg_stat_statements_rows_total{datname=\"app\", " + id + ", user=\"postgres\"}"), 2);
  EXPECT_GT(probe.value("pg_stat_statements_seconds_total{datname=\"app\", " + id + ", user=\"postgres\"}"), 0);
}

TEST(PostgresRealCollectors, BloatIsSeenWhereItIs) {
  PostgresSetup setup;
  setup.settings = {"autovacuum=off"};
  const PostgresServer server(setup);
  make_app(server);
  server.sql(
      "CREATE TABLE lean AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 20000) i;"
      "CREATE INDEX lean_id ON lean (id); ANALYZE lean;"
      "CREATE TABLE fat AS SELECT * FROM lean; CREATE INDEX fat_id ON fat (id);"
      "CREATE INDEX fat_twice ON fat (id, lower(note)); DELETE FROM fat WHERE id <= 18000",
      "app");
  server.sql("VACUUM (ANALYZE, TRUNCATE false) fat", "app");
  // What an index build that failed leaves behind.
  server.sql("INSERT INTO lean VALUES (1, 'twice')", "app");
  EXPECT_THROW(server.sql("CREATE UNIQUE INDEX CONCURRENTLY lean_ccnew ON lean (id)", "app"), std::runtime_error);

  auto options = app_of(server);
  options.collectors_on = {"bloat_table", "bloat_btree", "general_index_info"};
  PostgresProbe probe(options);
  const auto observation = probe();
  ASSERT_TRUE(observation.good()) << observation.detail;
  const auto table = [&](const std::string& metric, const std::string& name) {
    return probe.value("pg_bloat_table_" + metric + R"({datname="app", relname=")" + name +
                       R"(", schemaname="public"})");
  };
  const auto index = [&](const std::string& metric, const std::string& name, const std::string& of) {
    return probe.value("pg_bloat_btree_" + metric + R"({datname="app", idxname=")" + name + R"(", relname=")" + of +
                       R"(", schemaname="public"})");
  };
  EXPECT_NEAR(table("bloat_pct", "lean"), 0, 5);
  EXPECT_NEAR(table("bloat_pct", "fat"), 90, 5);
  EXPECT_NEAR(table("real_size", "fat"), std::stod(server.sql("SELECT pg_relation_size('fat')", "app")), 8192);
  EXPECT_NEAR(index("bloat_pct", "lean_id", "lean"), 0, 10);
  EXPECT_NEAR(index("bloat_pct", "fat_id", "fat"), 88, 7);
  EXPECT_NEAR(index("bloat_pct", "fat_twice", "fat"), 88, 7) << "an index on an expression";
  const std::string broken = R"({datname="app", indexrelname="lean_ccnew", relname="lean", schemaname="public"})";
  EXPECT_GT(probe.value("pg_general_index_info_pg_relation_size" + broken), 0);
  EXPECT_EQ(probe.value("pg_general_index_info_valid" + broken), 0);
}

TEST(PostgresRealCollectors, ShowAVacuumAndWhoIdles) {
  const PostgresServer server;
  make_app(server);
  server.sql("DELETE FROM orders WHERE id % 2 = 0", "app");
  const auto idle = server.session("BEGIN; SELECT 1; SELECT pg_sleep(60)", "app");
  // A statement of its own each: VACUUM cannot run in a block.
  const test::Child vacuum({test::postgres_program("psql"), "-X", "-h", server.socket_dir(), "-p",
                            std::to_string(server.port()), "-U", "postgres", "-d", "app", "-c",
                            "SET vacuum_cost_delay = 100", "-c", "SET vacuum_cost_limit = 1", "-c", "VACUUM orders"});
  ASSERT_TRUE(server.becomes("SELECT count(*) FROM pg_stat_progress_vacuum", "1"));
  PostgresProbe probe(app_of(server));
  static_cast<void>(probe());
  EXPECT_GT(probe.value(R"(pg_stat_progress_vacuum_heap_blks{datname="app", relname="orders"})"), 5);
  double phases = 0;
  for (const auto& [series, value] : probe.values) {
    if (series.starts_with("pg_stat_progress_vacuum_phase{")) phases += value;
  }
  EXPECT_EQ(phases, 1);
  EXPECT_GE(probe.value("pg_long_running_transactions"), 1);
  EXPECT_GT(probe.value("pg_long_running_transactions_oldest_timestamp_seconds"), 0);
  const auto txid = probe.value("pg_txid_current");
  EXPECT_EQ(txid, std::stod(server.sql("SELECT txid_snapshot_xmax(txid_current_snapshot())")));
  static_cast<void>(probe());
  EXPECT_EQ(probe.value("pg_txid_current"), txid) << "asking uses none up";
}

}  // namespace
}  // namespace tocsin::probes
