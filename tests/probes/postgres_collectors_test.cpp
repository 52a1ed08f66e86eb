// What the collectors ask, by the server's version, and what they make of answers; without a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "postgres/special.hpp"
#include "postgres/table_collector.hpp"
#include "probes/postgres_recorded.hpp"

namespace tocsin::probes::postgres {
namespace {

using test::Collected;
using test::one_collector;
using test::Recording;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using Values = std::map<std::string, double>;

ServerInfo server(int version) {
  ServerInfo info;
  info.version_num = version * 10'000 + 4;
  info.server = "db:5432";
  info.database = "app";
  return info;
}

std::string query(std::string_view collector, int version, unsigned attempt = 0) {
  return one_collector(collector)->query(server(version), attempt).value_or("none");
}

Values read(const Collector& collector, const std::vector<std::string>& columns,
            const std::vector<std::vector<std::optional<std::string>>>& cells, int version = 15) {
  Collected collected;
  const OwnedRows rows = make_rows(columns, cells);
  EXPECT_TRUE(collected.read(collector, rows.rows, server(version)));
  return collected.take();
}

TEST(PostgresSettings, AreNamedAndConvertedAsPostgresExporterDoes) {
  struct Case {
    const char *name, *value, *unit, *vartype, *metric;
    double expected;
  };
  const Case cases[] = {
      {"max_connections", "100", "", "integer", "pg_settings_max_connections", 100},
      {"shared_buffers", "16384", "8kB", "integer", "pg_settings_shared_buffers_bytes", 134'217'728},
      {"max_wal_size", "1024", "MB", "integer", "pg_settings_max_wal_size_bytes", 1'073'741'824},
      {"wal_segment_size", "16777216", "B", "integer", "pg_settings_wal_segment_size_bytes", 16'777'216},
      {"some_size", "2", "16MB", "integer", "pg_settings_some_size_bytes", 33'554'432},
      {"some_size", "1", "GB", "integer", "pg_settings_some_size_bytes", 1'073'741'824},
      {"some_size", "1", "TB", "integer", "pg_settings_some_size_bytes", 1'099'511'627'776},
      {"temp_file_limit", "-1", "kB", "integer", "pg_settings_temp_file_limit_bytes", -1},
      {"log_min_duration_statement", "-1", "ms", "integer", "pg_settings_log_min_duration_statement_seconds", -1},
      {"deadlock_timeout", "1000", "ms", "integer", "pg_settings_deadlock_timeout_seconds", 1},
      {"autovacuum_vacuum_cost_delay", "2", "ms", "real", "pg_settings_autovacuum_vacuum_cost_delay_seconds", 0.002},
      {"checkpoint_timeout", "300", "s", "integer", "pg_settings_checkpoint_timeout_seconds", 300},
      {"log_rotation_age", "1440", "min", "integer", "pg_settings_log_rotation_age_seconds", 86'400},
      {"x", "2", "h", "integer", "pg_settings_x_seconds", 7200},
      {"x", "2", "d", "integer", "pg_settings_x_seconds", 172'800},
      {"random_page_cost", "1.1", "", "real", "pg_settings_random_page_cost", 1.1},
      {"autovacuum", "on", "", "bool", "pg_settings_autovacuum", 1},
      {"transaction_read_only", "off", "", "bool", "pg_settings_transaction_read_only", 0},
      {"pg_stat_statements.max", "5000", "", "integer", "pg_settings_pg_stat_statements_max", 5000},
      {"rds.some-thing", "1", "", "integer", "pg_settings_rds_some_thing", 1},
      // Aurora writes the unit into the value.
      {"apg_x", "500 ms", "ms", "integer", "pg_settings_apg_x_seconds", 0.5},
      {"apg_y", "64MB", "MB", "integer", "pg_settings_apg_y_bytes", 67'108'864},
  };
  for (const Case& c : cases) {
    const auto setting = read_setting(c.name, c.value, c.unit, c.vartype);
    ASSERT_TRUE(setting) << c.name;
    EXPECT_EQ(setting->metric, c.metric);
    EXPECT_EQ(setting->value, c.expected) << c.name << " " << c.value << c.unit;
  }
  EXPECT_FALSE(read_setting("sync_commit_cancel_wait", "maybe", "", "integer"));
  EXPECT_FALSE(read_setting("x", "1", "parsecs", "integer"));
  EXPECT_FALSE(read_setting("x", "1", "", "string"));
  EXPECT_FALSE(read_setting("x\xc3\xa9", "1", "", "integer")) << "no name of a metric";
  EXPECT_FALSE(read_setting(std::string(300, 'x'), "1", "", "integer")) << "a server makes names up";
}

TEST(PostgresSettings, AreAskedAsTheyAreOutsideTheProbesTransaction) {
  EXPECT_THAT(query("settings", 15), HasSubstr("reset_val"));
  EXPECT_THAT(query("settings", 15), HasSubstr("default_transaction_read_only"));
  EXPECT_EQ(one_collector("settings")->every(), std::chrono::seconds(60));
}

TEST(PostgresCollectors, AskWhatTheVersionHas) {
  EXPECT_THAT(query("stat_bgwriter", 16), HasSubstr("buffers_backend_fsync"));
  EXPECT_THAT(query("stat_bgwriter", 16), Not(HasSubstr("pg_stat_io")));
  EXPECT_THAT(query("stat_bgwriter", 17), HasSubstr("pg_stat_checkpointer"));
  EXPECT_THAT(query("stat_bgwriter", 17), HasSubstr("sum(writes) + sum(extends)"));
  EXPECT_THAT(query("stat_bgwriter", 18), HasSubstr("write_bytes"));
  EXPECT_EQ(query("stat_checkpointer", 16), "none");
  EXPECT_THAT(query("stat_checkpointer", 17), HasSubstr("restartpoints_req"));
  EXPECT_THAT(query("stat_statements", 12), HasSubstr("s.total_time"));
  EXPECT_THAT(query("stat_statements", 13), HasSubstr("s.total_exec_time"));
  EXPECT_THAT(query("stat_statements", 13), HasSubstr("s.blk_read_time"));
  EXPECT_THAT(query("stat_statements", 17), HasSubstr("s.shared_blk_read_time"));
  EXPECT_THAT(query("stat_database", 13), Not(HasSubstr("active_time")));
  EXPECT_THAT(query("stat_database", 14), HasSubstr("active_time"));
  EXPECT_THAT(query("replication_slots", 12), Not(HasSubstr("wal_status")));
  EXPECT_THAT(query("replication_slots", 13), HasSubstr("wal_status"));
  EXPECT_THAT(query("stat_progress_vacuum", 16), HasSubstr("num_dead_tuples"));
  EXPECT_THAT(query("stat_progress_vacuum", 17), HasSubstr("num_dead_item_ids"));
  EXPECT_THAT(query("stat_wal_receiver", 12), HasSubstr("received_lsn"));
  EXPECT_THAT(query("stat_wal_receiver", 13), HasSubstr("flushed_lsn"));
  EXPECT_THAT(query("stat_ssl", 13), HasSubstr("compression"));
  EXPECT_EQ(query("stat_ssl", 14), "none");
  EXPECT_EQ(query("buffercache_summary", 15), "none");
  EXPECT_THAT(query("buffercache_summary", 16), HasSubstr("pg_buffercache_summary"));
}

TEST(PostgresCollectors, FallBackToWhatIsThere) {
  EXPECT_THAT(query("replication", 15, 1), Not(HasSubstr("pg_last_xact_replay_timestamp")));
  EXPECT_THAT(query("replication_slots", 15, 1), Not(HasSubstr("lsn")));
  EXPECT_THAT(query("stat_user_tables", 15, 1), Not(HasSubstr("pg_table_size")));
  EXPECT_THAT(query("stat_bgwriter", 17, 1), Not(HasSubstr("pg_stat_io")));
  // The extension is older than the server: an upgrade left it as it was.
  EXPECT_THAT(query("stat_statements", 17, 1), HasSubstr("s.blk_read_time"));
  EXPECT_THAT(query("stat_statements", 17, 2), HasSubstr("s.total_time"));
  for (const auto& collector : test::every_collector()) {
    for (const int version : {12, 13, 14, 15, 16, 17, 18}) {
      EXPECT_FALSE(collector->query(server(version), 5)) << collector->name() << ": no end of attempts";
    }
  }
}

TEST(PostgresCollectors, AskOneStatement) {
  for (const auto& collector : test::every_collector()) {
    for (const int version : {12, 18}) {
      for (unsigned attempt = 0; attempt < 4; ++attempt) {
        const auto text = collector->query(server(version), attempt);
        if (text) {
          EXPECT_EQ(text->find(';'), std::string::npos) << collector->name();
        }
      }
    }
  }
}

TEST(PostgresCollectors, BoundTheRowsThatTheyAskFor) {
  PostgresOptions options;
  options.max_series = 2100;
  options.max_statements = 7;
  EXPECT_THAT(*one_collector("stat_user_tables", options)->query(server(15), 0), HasSubstr("LIMIT 101)"));
  EXPECT_THAT(*one_collector("stat_statements", options)->query(server(15), 0), HasSubstr("LIMIT 7)"));
}

TEST(PostgresCollectors, CanBeSwitched) {
  const auto names = [](const PostgresOptions& options) {
    std::set<std::string> found;
    for (const auto& collector : make_collectors(options)) EXPECT_TRUE(found.emplace(collector->name()).second);
    return found;
  };
  PostgresOptions options;
  std::set<std::string> by_default;
  for (const auto& one : postgres_collector_names()) {
    if (one.default_on) by_default.emplace(one.name);
  }
  EXPECT_EQ(names(options), by_default);
  EXPECT_THAT(by_default, IsSupersetOf({"database", "locks", "postmaster", "settings", "stat_user_tables", "txid"}));
  options.collectors_off = {"settings", "roles"};
  options.collectors_on = {"bloat_table"};
  options.queries.emplace_back();
  options.queries.back().name = "mine";
  auto expected = by_default;
  expected.erase("settings");
  expected.erase("roles");
  expected.insert({"bloat_table", "mine"});
  EXPECT_EQ(names(options), expected);
  EXPECT_EQ(make_collectors(options).back()->name(), "mine") << "the operator's own come last";
  EXPECT_TRUE(
      std::equal(std::begin(postgres_collectors), std::end(postgres_collectors), postgres_collector_names().begin(),
                 postgres_collector_names().end(),
                 [](const auto& a, const auto& b) { return a.name == b.name && a.default_on == b.default_on; }));
}

TEST(PostgresCollectors, ReadEveryVersionsAnswers) {
  for (const int version : {12, 13, 14, 15, 16, 17, 18}) {
    const Recording recording(version);
    const Values values = test::collected_from(recording);
    const auto at = [&](const std::string& series) {
      const auto found = values.find(series);
      return found == values.end() ? -1234 : found->second;
    };
    SCOPED_TRACE(version);
    EXPECT_EQ(at(R"(pg_database_connection_limit{datname="app"})"), -1);
    EXPECT_GT(at(R"(pg_database_size_bytes{datname="template0"})"), 7e6);
    EXPECT_EQ(at(R"(pg_locks_count{datname="app", mode="rowsharelock"})"), 1);
    EXPECT_EQ(at(R"(pg_locks_count{datname="postgres", mode="sireadlock"})"), 0);
    EXPECT_EQ(at("pg_settings_max_connections"), 100);
    EXPECT_EQ(at("pg_settings_shared_buffers_bytes"), 134'217'728);
    EXPECT_EQ(at("pg_settings_statement_timeout_seconds"), 0) << "not that of the probe";
    EXPECT_EQ(at("pg_settings_transaction_read_only"), 0) << "not that of the probe";
    EXPECT_EQ(at("pg_replication_is_replica"), 0);
    EXPECT_EQ(at("pg_replication_lag_seconds"), 0);
    EXPECT_EQ(at(R"(pg_replication_slots_active{database="app", slot_name="feed"})"), 0);
    EXPECT_EQ(at(R"(pg_replication_slots_active{slot_name="standby"})"), 0) << "an empty label is none";
    EXPECT_EQ(at(R"(pg_replication_slots_slot_is_active{slot_name="standby", slot_type="physical"})"), 0);
    EXPECT_EQ(values.contains(R"(pg_replication_slots_wal_status{slot_name="feed", slot_type="logical", )"
                              R"(wal_status="reserved"})"),
              version >= 13);
    // Alive in every version, wherever the server has moved them.
    for (const char* const name : {"checkpoints_timed", "checkpoints_req", "checkpoint_write_time",
                                   "checkpoint_sync_time", "buffers_checkpoint", "buffers_clean", "maxwritten_clean",
                                   "buffers_backend", "buffers_backend_fsync", "buffers_alloc", "stats_reset"}) {
      EXPECT_GE(at("pg_stat_bgwriter_" + std::string(name) + "_total"), 0) << name;
    }
    EXPECT_GT(at("pg_stat_bgwriter_buffers_backend_total"), 0);
    EXPECT_EQ(values.contains("pg_stat_checkpointer_num_timed_total"), version >= 17);
    EXPECT_EQ(at(R"(pg_stat_user_tables_n_tup_ins{datname="app", relname="orders", schemaname="public"})"), 3000);
    EXPECT_GT(at(R"(pg_stat_user_tables_table_size_bytes{datname="app", relname="orders", schemaname="public"})"), 1e5);
    EXPECT_EQ(at(R"(pg_stat_user_tables_last_vacuum{datname="app", relname="orders", schemaname="public"})"), 0);
    EXPECT_EQ(at(R"(pg_stat_progress_vacuum_phase{datname="app", phase="scanning heap", relname="orders"})"), 1);
    EXPECT_EQ(at(R"(pg_stat_progress_vacuum_phase{datname="app", phase="truncating heap", relname="orders"})"), 0);
    EXPECT_EQ(at(R"(pg_stat_progress_vacuum_heap_blks{datname="app", relname="orders"})"), 74);
    EXPECT_GT(at(R"(pg_stat_progress_vacuum_num_dead_tuples{datname="app", relname="orders"})"), 200);
    EXPECT_EQ(values.contains(R"(pg_stat_progress_vacuum_num_dead_item_ids{datname="app", relname="orders"})"),
              version >= 17);
    EXPECT_GT(at("pg_txid_current"), 500);
    EXPECT_GT(at("pg_postmaster_start_time_seconds"), 1.7e9);
    EXPECT_GE(at("pg_long_running_transactions"), 1);
    EXPECT_EQ(at(R"(pg_stat_activity_count{application_name="worker", backend_type="client backend", datname="app", )"
                 R"(state="active", usename="postgres", wait_event="PgSleep", wait_event_type="Timeout"})"),
              1);
    EXPECT_EQ(at(R"(pg_stat_activity_count{datname="app", state="disabled"})"), 0);
    EXPECT_GE(at(R"(pg_bloat_table_bloat_pct{datname="app", relname="orders", schemaname="public"})"), 0);
    EXPECT_GE(at(R"(pg_bloat_btree_real_size{datname="app", idxname="orders_expr", relname="orders", )"
                 R"(schemaname="public"})"),
              8192);
    EXPECT_EQ(at(R"(pg_general_index_info_valid{datname="app", indexrelname="orders_pkey", relname="orders", )"
                 R"(schemaname="public"})"),
              1);
  }
  EXPECT_TRUE(test::metrics_of(test::collected_from(Recording(16)))
                  .contains("pg_stat_database_conflicts_confl_active_logicalslot"))
      << "columns that came later pass through";
}

TEST(PostgresCollectors, HaveAType) {
  std::map<std::string_view, core::MetricType> types;
  for (const auto& meta : collector_metadata()) {
    EXPECT_TRUE(types.emplace(meta.name, meta.type).second) << meta.name << " is there twice";
    EXPECT_FALSE(meta.help.empty()) << meta.name;
  }
  for (const int version : {12, 18}) {
    for (const std::string& name : test::metrics_of(test::collected_from(Recording(version)))) {
      EXPECT_TRUE(types.contains(name) || name.starts_with("pg_process_idle_seconds_")) << name;
    }
  }
}

TEST(PostgresCollectors, RefuseAnswersToOtherQuestions) {
  const OwnedRows strange = make_rows({"a", "b"}, {{"1", "2"}});
  for (const auto& collector : test::every_collector()) {
    Collected collected;
    EXPECT_FALSE(collected.read(*collector, strange.rows, server(15))) << collector->name();
    EXPECT_TRUE(collected.take().empty()) << collector->name();
  }
}

TEST(PostgresCollectors, LeaveOutWhatIsNull) {
  EXPECT_THAT(read(*one_collector("database"), {"datname", "datconnlimit", "size"},
                   {{"app", "-1", "8000"}, {"rdsadmin", "-1", std::nullopt}}),
              ElementsAre(Pair(R"(pg_database_connection_limit{datname="app"})", -1),
                          Pair(R"(pg_database_connection_limit{datname="rdsadmin"})", -1),
                          Pair(R"(pg_database_size_bytes{datname="app"})", 8000)));
  EXPECT_THAT(read(*one_collector("replication"), {"is_replica", "lag"}, {{"1", std::nullopt}}),
              ElementsAre(Pair("pg_replication_is_replica", 1)))
      << "Aurora";
}

TEST(PostgresCollectors, GiveAnIdleHistogram) {
  const auto values =
      read(*one_collector("process_idle"),
           {"state", "application_name", "sessions", "seconds", "1", "2", "5", "15", "30", "60", "90", "120", "300"},
           {{"idle", "app", "3", "400.5", "0", "1", "1", "1", "1", "1", "2", "2", "2"}});
  EXPECT_EQ(values.at(R"(pg_process_idle_seconds_bucket{application_name="app", le="90", state="idle"})"), 2);
  EXPECT_EQ(values.at(R"(pg_process_idle_seconds_bucket{application_name="app", le="+Inf", state="idle"})"), 3);
  EXPECT_EQ(values.at(R"(pg_process_idle_seconds_sum{application_name="app", state="idle"})"), 400.5);
  EXPECT_EQ(values.at(R"(pg_process_idle_seconds_count{application_name="app", state="idle"})"), 3);
}

TEST(PostgresCollectors, GiveSlotsThatAreActive) {
  const auto values =
      read(*one_collector("replication_slots"),
           {"slot_name", "slot_type", "database", "active", "behind", "current_lsn", "flushed_lsn", "safe_wal_size"},
           {{"s", "physical", std::nullopt, "t", "100", "5000", "0", "123"}});
  EXPECT_THAT(
      values,
      ElementsAre(Pair(R"(pg_replication_slots_active{slot_name="s"})", 1),
                  Pair(R"(pg_replication_slots_pg_wal_lsn_diff{slot_name="s"})", 100),
                  Pair(R"(pg_replication_slots_safe_wal_size_bytes{slot_name="s", slot_type="physical"})", 123),
                  Pair(R"(pg_replication_slots_slot_confirmed_flush_lsn{slot_name="s", slot_type="physical"})", 0),
                  Pair(R"(pg_replication_slots_slot_current_wal_lsn{slot_name="s", slot_type="physical"})", 5000),
                  Pair(R"(pg_replication_slots_slot_is_active{slot_name="s", slot_type="physical"})", 1)));
}

TEST(PostgresCollectors, NameADatabaseWithIndexesWhereThereAreMore) {
  PostgresOptions options;
  EXPECT_THAT(*one_collector("statio_user_indexes", options)->query(server(15), 0), HasSubstr("NULL AS datname"));
  options.databases = PostgresOptions::Databases::all;
  EXPECT_THAT(*one_collector("statio_user_indexes", options)->query(server(15), 0),
              HasSubstr("current_database() AS datname"));
}

TEST(PostgresLegacyNames, AreGivenBesides) {
  PostgresOptions options;
  const auto without = test::metrics_of(test::collected_from(Recording(18), options));
  options.legacy_names = true;
  const Recording recording(18);
  const auto values = test::collected_from(recording, options);
  auto with = test::metrics_of(values);
  EXPECT_EQ(values.at("pg_stat_bgwriter_buffers_alloc"), values.at("pg_stat_bgwriter_buffers_alloc_total"));
  EXPECT_EQ(values.at("pg_replication_lag"), 0);
  EXPECT_EQ(values.at(R"(pg_replication_slot_slot_is_active{slot_name="feed", slot_type="logical"})"), 0);
  // What Grafana's dashboard 9628 and the mixins ask for.
  EXPECT_THAT(with, IsSupersetOf({"pg_stat_bgwriter_buffers_backend", "pg_stat_bgwriter_buffers_alloc",
                                  "pg_stat_bgwriter_buffers_backend_fsync", "pg_stat_bgwriter_buffers_checkpoint",
                                  "pg_stat_bgwriter_buffers_clean", "pg_stat_bgwriter_checkpoint_sync_time",
                                  "pg_stat_bgwriter_checkpoint_write_time", "pg_replication_lag"}));
  for (const auto& meta : legacy_metrics()) {
    EXPECT_FALSE(without.contains(std::string(meta.name))) << meta.name;
    with.erase(std::string(meta.name));
  }
  EXPECT_EQ(with, without);
  EXPECT_EQ(legacy_name("pg_up"), "");
}

PostgresQuery own(std::string name, std::vector<std::string> labels = {}) {
  PostgresQuery query;
  query.name = std::move(name);
  query.sql = "SELECT 1 AS value ;\n";
  query.labels = std::move(labels);
  return query;
}

TEST(PostgresOwnQueries, MakeASampleOfEachNumber) {
  const auto collector = make_custom_collector(own("budget", {"tenant"}));
  EXPECT_TRUE(collector->alone());
  EXPECT_EQ(collector->query(server(15), 0), "SELECT 1 AS value");
  EXPECT_FALSE(collector->query(server(15), 1));
  EXPECT_THAT(read(*collector, {"tenant", "value", "left", "note"},
                   {{"a", "0.5", "3", "text"}, {"b", std::nullopt, "t", std::nullopt}}),
              ElementsAre(Pair(R"(budget_left{tenant="a"})", 3), Pair(R"(budget_left{tenant="b"})", 1),
                          Pair(R"(budget{tenant="a"})", 0.5)));
}

TEST(PostgresOwnQueries, AreBoundAndMayFailAlone) {
  auto limited = own("many", {"n"});
  limited.max_rows = 2;
  std::vector<std::vector<std::optional<std::string>>> rows;
  for (int i = 0; i < 5; ++i) rows.push_back({std::to_string(i), "1"});
  EXPECT_EQ(read(*make_custom_collector(limited), {"n", "value"}, rows).size(), 2U);

  Collected collected;
  const OwnedRows no_label = make_rows({"value"}, {{"1"}});
  EXPECT_FALSE(collected.read(*make_custom_collector(own("x", {"tenant"})), no_label.rows));
  const OwnedRows no_value = make_rows({"tenant"}, {{"1"}});
  EXPECT_FALSE(collected.read(*make_custom_collector(own("x", {"tenant"})), no_value.rows));
  const OwnedRows no_name = make_rows({"?column?"}, {{"1"}});
  EXPECT_FALSE(collected.read(*make_custom_collector(own("x")), no_name.rows)) << "\"x_?column?\" is no name";
  const OwnedRows nothing = make_rows({"value"}, {});
  EXPECT_TRUE(collected.read(*make_custom_collector(own("x")), nothing.rows));
}

TEST(PostgresOwnQueries, SayWhatTheirMetricsAre) {
  auto query = own("jobs", {"queue"});
  query.counters = {"done"};
  core::SeriesTable table;
  Samples samples{core::Labels{}};
  table.begin();
  samples.begin(table);
  const OwnedRows rows = make_rows({"queue", "value", "done"}, {{"mail", "3", "70"}});
  EXPECT_TRUE(make_custom_collector(query)->read(rows.rows, server(15), samples));
  const auto described = samples.take_described();
  ASSERT_EQ(described.size(), 2U);
  EXPECT_EQ(described[0].name, "jobs");
  EXPECT_EQ(described[0].type, core::MetricType::gauge);
  EXPECT_EQ(described[1].name, "jobs_done");
  EXPECT_EQ(described[1].type, core::MetricType::counter);
  EXPECT_TRUE(make_custom_collector(query)->read(rows.rows, server(15), samples));
  EXPECT_TRUE(samples.take_described().empty()) << "nothing new";
}

TEST(PostgresOwnQueries, SayWhichDatabaseTheyWereAskedIn) {
  auto each = own("rows");
  each.each_database = true;
  const auto collector = make_custom_collector(each);
  EXPECT_EQ(collector->scope(), Scope::database);
  EXPECT_THAT(read(*collector, {"value"}, {{"7"}}), ElementsAre(Pair(R"(rows{datname="app"})", 7)));
  each.labels = {"datname"};
  EXPECT_THAT(read(*make_custom_collector(each), {"datname", "value"}, {{"mine", "7"}}),
              ElementsAre(Pair(R"(rows{datname="mine"})", 7)));
}

}  // namespace
}  // namespace tocsin::probes::postgres
