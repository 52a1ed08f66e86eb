// Rules that people use, as they are: those for which we have the metrics fire on them, and Prometheus's tool agrees.
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

using test::Input;
using test::Scenario;

constexpr const char* one = R"({instance="10.0.0.1:6379",job="cache"})";
constexpr const char* two = R"({instance="10.0.0.2:6379",job="cache"})";

std::string of(const std::string& name, const std::string& labels = one) { return name + labels; }
std::string info(const std::string& host, const std::string& role) {
  return R"(redis_instance_info{instance=")" + host + R"(:6379",job="cache",role=")" + role +
         R"(",redis_version="7.0.15",redis_build_id="a",redis_mode="standalone",os="Linux",maxmemory_policy="noeviction",tcp_port="6379",)"
         R"(run_id="b",process_id="1",master_replid="c"})";
}
std::string web(const std::string& name, const std::string& more = "") {
  return name + R"({instance="https://example.org/",job="web")" + more + "}";
}

TEST(PublicRules, RedisRulesFire) {
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/oliver006-redis-exporter.yml",
      {
          {"RedisDown", {{of("redis_up"), 0}, {of("redis_up", two), 1}}},
          {"RedisMissingMaster", {{info("10.0.0.1", "slave"), 1}}},
          {"RedisTooManyMasters", {{info("10.0.0.1", "master"), 1}, {info("10.0.0.2", "master"), 1}}},
          {"RedisDisconnectedSlaves",
           {{of("redis_connected_slaves"), 1},
            {of("redis_connected_slaves", two), 0},
            {of("redis_connected_slaves", R"({instance="c:1",job="cache"})"), 0}}},
          {"RedisReplicationBroken", {{of("redis_connected_slaves"), 2, 0, 400, 1}}},
          {"RedisClusterFlapping", {{of("redis_connected_slaves"), 1, 1}}},
          {"RedisMissingBackup", {{of("redis_rdb_last_save_timestamp_seconds"), -200'000}}},
          {"RedisOutOfSystemMemory",
           {{of("redis_memory_used_bytes"), 95e8}, {of("redis_total_system_memory_bytes"), 1e10}}},
          {"RedisOutOfConfiguredMaxmemory", {{of("redis_memory_used_bytes"), 95}, {of("redis_memory_max_bytes"), 100}}},
          {"RedisTooManyConnections", {{of("redis_connected_clients"), 95}, {of("redis_config_maxclients"), 100}}},
          {"RedisNotEnoughConnections", {{of("redis_connected_clients"), 4}}},
          {"RedisRejectedConnections", {{of("redis_rejected_connections_total"), 10, 3}}},
      });
}

// As the PostgreSQL probe labels them.
std::string db(const std::string& name, const std::string& more = "") {
  return name + R"({instance="db:5432",job="db")" + (more.empty() ? "" : "," + more) + "}";
}
std::string of_database(const std::string& name) { return db(name, R"(datid="16384",datname="app")"); }
std::string of_table(const std::string& name) {
  return db("pg_stat_user_tables_" + name, R"(datname="app",schemaname="public",relname="orders")");
}
std::string session(const std::string& state) {
  return db("pg_stat_activity_count", R"(datname="app",state=")" + state +
                                          R"(",usename="app",application_name="shop",backend_type="client backend",)"
                                          R"(wait_event_type="Client",wait_event="ClientRead")");
}
std::string of_bloat(const std::string& name) {
  return db(name, R"(datname="app",schemaname="public",relname="orders",idxname="orders_pkey")");
}
constexpr const char* postgres_rules = TOCSIN_SOURCE_DIR "/tests/rules/public/postgres-exporter.yml";

/// What the four rules speak of that can never fire.
std::vector<std::pair<std::string, std::vector<Input>>> never_fire() {
  return {
      {"PostgresqlTableNotAutoVacuumed",
       {{of_table("n_tup_del"), 5000},
        {of_table("n_tup_upd"), 5000},
        {of_table("n_tup_hot_upd"), 5000},
        {of_table("n_dead_tup"), 8000},
        {of_table("n_live_tup"), 10'000},
        {of_table("last_autovacuum"), -900'000},
        {db("pg_settings_autovacuum_vacuum_scale_factor"), 0.2},
        {db("pg_settings_autovacuum_vacuum_threshold"), 50}}},
      {"PostgresqlTableNotAutoAnalyzed",
       {{of_table("n_tup_del"), 5000},
        {of_table("n_tup_upd"), 5000},
        {of_table("n_tup_hot_upd"), 5000},
        {of_table("n_mod_since_analyze"), 8000},
        {of_table("n_live_tup"), 10'000},
        {of_table("last_autoanalyze"), -900'000},
        {db("pg_settings_autovacuum_analyze_scale_factor"), 0.1},
        {db("pg_settings_autovacuum_analyze_threshold"), 50}}},
      {"PostgresqlUnusedReplicationSlot",
       {{db("pg_replication_slots_active", R"(slot_name="feed",database="app")"), 0},
        {db("pg_replication_is_replica"), 0}}},
      {"PostgresqlTooManyLocksAcquired",
       {{db("pg_locks_count", R"(datname="app",mode="accesssharelock")"), 3000},
        {db("pg_locks_count", R"(datname="app",mode="rowexclusivelock")"), 1000},
        {db("pg_settings_max_locks_per_transaction"), 64},
        {db("pg_settings_max_connections"), 100}}},
  };
}

TEST(PublicRules, PostgresRulesFire) {
  test::expect_agreement(
      postgres_rules,
      {
          {"PostgresqlDown", {{db("pg_up"), 0}}},
          {"PostgresqlRestarted", {{db("pg_postmaster_start_time_seconds"), 400}}},
          {"PostgresqlExporterError", {{db("pg_exporter_last_scrape_error"), 1}}},
          {"PostgresqlTooManyConnections",
           {{session("active"), 50}, {session("idle"), 31}, {db("pg_settings_max_connections"), 100}}},
          {"PostgresqlNotEnoughConnections", {{session("active"), 1}, {session("idle"), 3}}},
          {"PostgresqlDeadLocks", {{of_database("pg_stat_database_deadlocks"), 0, 2}}},
          {"PostgresqlHighRollbackRate",
           {{of_database("pg_stat_database_xact_rollback"), 0, 3},
            {of_database("pg_stat_database_xact_commit"), 0, 100}}},
          {"PostgresqlCommitRateLow", {{of_database("pg_stat_database_xact_commit"), 7}}},
          {"PostgresqlLowXidConsumption", {{db("pg_txid_current"), 800, 1}}},
          {"PostgresqlTooManyDeadTuples", {{of_table("n_dead_tup"), 20'000}, {of_table("n_live_tup"), 100'000}}},
          {"PostgresqlConfigurationChanged", {{db("pg_settings_work_mem_bytes"), 4'194'304, 0, 300, 8'388'608}}},
          {"PostgresqlSslCompressionActive", {{db("pg_stat_ssl_compression", R"(pid="77")"), 1}}},
          {"PostgresqlReplicationLag", {{db("pg_replication_lag_seconds"), 6}}},
      });
}

TEST(PublicRules, PostgresRulesOnBloatFire) {
  test::expect_agreement(
      postgres_rules,
      {
          {"PostgresqlBloatIndexHigh(>80%)",
           {{of_bloat("pg_bloat_btree_bloat_pct"), 88}, {of_bloat("pg_bloat_btree_real_size"), 2e8}},
           3780},
          {"PostgresqlBloatTableHigh(>80%)",
           {{db("pg_bloat_table_bloat_pct", R"(datname="app",schemaname="public",relname="orders")"), 88},
            {db("pg_bloat_table_real_size", R"(datname="app",schemaname="public",relname="orders")"), 3e8}},
           3780},
          {"PostgresqlInvalidIndex",
           {{db("pg_general_index_info_pg_relation_size",
                R"(datname="app",schemaname="public",relname="orders",indexrelname="orders_ccnew")"),
             8192}},
           21'735},
      });
}

TEST(PublicRules, FourPostgresRulesFireOnlyAsCorrected) {
  const std::string published = tocsin::test::read_text(postgres_rules);
  std::vector<Scenario> scenarios;
  for (const auto& [alert, inputs] : never_fire()) {
    const auto firing = test::play({alert, inputs, 3780}, published);
    ASSERT_TRUE(firing.contains(alert));
    EXPECT_TRUE(firing.at(alert).empty()) << alert << " fires as published: its corrected copy is not needed any more";
    scenarios.push_back({alert, inputs, 3780});
  }
  test::expect_agreement(TOCSIN_SOURCE_DIR "/rules/packs/postgres_corrected.yml", scenarios);
}

TEST(PublicRules, BlackboxRulesFire) {
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/blackbox-exporter.yml",
      {
          {"BlackboxProbeFailed", {{web("probe_success"), 0}}},
          {"BlackboxConfigurationReloadFailure",
           {{"blackbox_exporter_config_last_reload_successful{instance=\"a\",job=\"b\"}", 0}}},
          {"BlackboxSlowProbe", {{web("probe_duration_seconds"), 1.5}}},
          {"BlackboxProbeHttpFailure", {{web("probe_http_status_code"), 503}}},
          {"BlackboxSslCertificateWillExpireSoon", {{web("probe_ssl_earliest_cert_expiry"), 864'000}}},
          {"BlackboxSslCertificateWillExpireVerySoon", {{web("probe_ssl_earliest_cert_expiry"), 100'000}}},
          {"BlackboxSslCertificateExpired", {{web("probe_ssl_earliest_cert_expiry"), -10'000}}},
          {"BlackboxProbeSlowHttp",
           {{web("probe_http_duration_seconds", ",phase=\"transfer\""), 1.25},
            {web("probe_http_duration_seconds", ",phase=\"tls\""), 0.1}}},
          {"BlackboxProbeSlowPing", {{web("probe_icmp_duration_seconds", ",phase=\"rtt\""), 2}}},
      });
}

}  // namespace
}  // namespace tocsin::rules
