// rules/packs/postgres.yml on samples made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

const std::string pack_file = TOCSIN_SOURCE_DIR "/rules/packs/postgres.yml";

std::string of_db(const std::string& name, const std::string& more = "") {
  return name + R"({instance="10.0.0.1:5432",job="db")" + more + "}";
}
std::string app(const std::string& name, const std::string& more = "") {
  return of_db(name, R"(,datid="5",datname="app")" + more);
}

std::vector<test::Input> connections(double active, double most) {
  return {{of_db("pg_stat_activity_count", R"(,datname="app",state="active",usename="u")"), active / 2},
          {of_db("pg_stat_activity_count", R"(,datname="app",state="idle",usename="u")"), active / 2},
          {of_db("pg_settings_max_connections"), most},
          {of_db("pg_settings_superuser_reserved_connections"), 3}};
}

TEST(PostgresPack, AlertsFire) {
  const std::string slot = R"(,slot_name="s",database="app")";
  test::expect_agreement(
      pack_file, {
                     {"PostgresInstanceDown", {{of_db("pg_up"), 0}}},
                     {"PostgresWasRestarted", {{of_db("pg_postmaster_start_time_seconds"), 300}}},
                     {"PostgresConnectionsNearlyUsedUp", connections(96, 103)},
                     {"PostgresReplicationLagging",
                      {{of_db("pg_replication_lag_seconds"), 90}, {of_db("pg_replication_is_replica"), 1}}},
                     {"PostgresReplicationSlotHoldsWal",
                      {{of_db("pg_replication_slots_active", slot), 0},
                       {of_db("pg_replication_slots_pg_wal_lsn_diff", slot), 2e9}},
                      1680},
                     {"PostgresStandbyPromoted", {{of_db("pg_replication_is_replica"), 1, 0, 210, 0}}},
                     {"PostgresDeadlocksRepeat", {{app("pg_stat_database_deadlocks"), 0, 1}}},
                     {"PostgresTransactionOpenTooLong",
                      {{of_db("pg_long_running_transactions_oldest_timestamp_seconds"), 4000, 7}}},
                     {"PostgresTransactionIdsRunningOut",
                      {{of_db("pg_database_wraparound_age_datfrozenxid_seconds", R"(,datname="app")"), 1.2e9}},
                      1680},
                     {"PostgresTransactionIdsRunningOut",
                      {{of_db("pg_database_wraparound_age_datminmxid_seconds", R"(,datname="app")"), 1.2e9}},
                      1680},
                     {"PostgresTransactionIdsNearlyGone",
                      {{of_db("pg_database_wraparound_age_datfrozenxid_seconds", R"(,datname="app")"), 1.9e9}}},
                     {"PostgresLocksNearlyUsedUp",
                      {{of_db("pg_locks_count", R"(,datname="app",mode="accesssharelock")"), 900},
                       {of_db("pg_settings_max_locks_per_transaction"), 10},
                       {of_db("pg_settings_max_connections"), 100}}},
                     {"PostgresWalArchivingFailing",
                      {{of_db("pg_stat_archiver_failed_count"), 0, 1}, {of_db("pg_stat_archiver_archived_count"), 50}}},
                     {"PostgresRollbacksMany",
                      {{app("pg_stat_database_xact_commit"), 0, 70}, {app("pg_stat_database_xact_rollback"), 0, 35}},
                      1680},
                     {"PostgresCollectorFailing",
                      {{of_db("pg_scrape_collector_success", R"(,collector="wal")"), 0}, {of_db("pg_up"), 1}},
                      1680},
                 });
}

/// A server that is well, and one of which little is known, page nobody.
TEST(PostgresPack, GuardsHold) {
  auto inputs = connections(20, 103);
  const std::vector<test::Input> more{
      {of_db("pg_up"), 1},
      {of_db("pg_postmaster_start_time_seconds"), -100'000},
      {of_db("pg_replication_lag_seconds"), 90},  // of a primary
      {of_db("pg_replication_is_replica"), 0},
      {of_db("pg_replication_slots_active", R"(,slot_name="s",database="app")"), 1},
      {of_db("pg_replication_slots_pg_wal_lsn_diff", R"(,slot_name="s",database="app")"), 2e9},
      {app("pg_stat_database_deadlocks"), 5},
      {app("pg_stat_database_xact_commit"), 0, 70},
      {app("pg_stat_database_xact_rollback"), 0, 1},
      {app("pg_stat_database_blks_hit"), 5},
      {app("pg_stat_database_blks_read"), 5},
      {of_db("pg_stat_archiver_failed_count"), 5},
      {of_db("pg_stat_archiver_archived_count"), 5},
      {of_db("pg_long_running_transactions_oldest_timestamp_seconds"), 0},
      {of_db("pg_scrape_collector_success", R"(,collector="wal")"), 1},
  };
  inputs.insert(inputs.end(), more.begin(), more.end());
  for (const auto& [name, alerts] : test::play({"", inputs, 2520}, tocsin::test::read_text(pack_file))) {
    EXPECT_TRUE(alerts.empty()) << name;
  }
  for (const auto& [name, alerts] :
       test::play({"", {{of_db("pg_up"), 0}, {of_db("pg_scrape_collector_success", R"(,collector="wal")"), 0}}, 1680},
                  tocsin::test::read_text(pack_file))) {
    EXPECT_EQ(alerts.empty(), name != "PostgresInstanceDown") << name;
  }
}

}  // namespace
}  // namespace tocsin::rules
