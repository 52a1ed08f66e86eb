// A PostgreSQL server in the real daemon: on its page, in its rules, and when it dies.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

#include "real/house.hpp"
#include "support/postgres.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

TEST(Postgres, IsProbedWatchedAndJudged) {
  PostgresServer server;
  server.sql("CREATE ROLE mon LOGIN PASSWORD 'geheim'; GRANT pg_monitor TO mon");
  server.sql("CREATE DATABASE app");
  server.sql("CREATE TABLE things (n int)", "app");
  const std::string config =
      fmt::format(R"(global: {{probe_interval: 500ms, probe_timeout: 500ms, confirm: 0s, evaluation_interval: 500ms}}
probes:
  - job: db
    targets: ['postgresql://mon:geheim@127.0.0.1:{}/postgres?sslmode=disable']
    databases: all
    queries: [{{name: budget, sql: "SELECT 'a' AS tenant, 0.5 AS value", labels: [tenant]}}]
)",
                  server.port());
  Tocsin tocsin(config);
  tocsin.wait_ready();
  const std::string target = fmt::format("instance=\"127.0.0.1:{}\",job=\"db\"", server.port());
  ASSERT_TRUE(wait_until([&] { return tocsin.query("pg_up") == 1; }));
  EXPECT_TRUE(wait_until([&] { return tocsin.query("pg_settings_max_connections") == 40; }));
  EXPECT_TRUE(wait_until([&] { return tocsin.query("budget{tenant=\"a\"}") == 0.5; }));
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(pg_stat_user_tables_seq_scan{datname=\"app\"})") == 1; }));
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("pg_settings_max_connections{" + target + "}") == 40; }));
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("budget{" + target + ",tenant=\"a\"}") == 0.5; }));
  const std::string page = http(tocsin.port(), "/metrics").body;
  EXPECT_THAT(page, testing::HasSubstr("# TYPE pg_stat_database_xact_commit counter\n"));
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("geheim")));
  // Our own session is not counted, so somebody else's must be there.
  const auto session = server.session("SELECT pg_sleep(60)");
  EXPECT_TRUE(wait_until([&] { return tocsin.query("postgres:connections:ratio") == 1.0 / 37; }));
  // The watched connection tells of its end before the next probe is due.
  server.stop(SIGQUIT);
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(ALERTS{alertname=\"PostgresInstanceDown\"})") == 1; }));
  EXPECT_EQ(tocsin.query("pg_up"), 0);
  server.start();
  EXPECT_TRUE(wait_until([&] { return tocsin.query("pg_up") == 1; }));
  EXPECT_THAT(tocsin.child().output(), testing::Not(testing::HasSubstr("geheim")));
}

TEST(Postgres, IsProbedOnceFromTheCommandLine) {
  const PostgresServer server;
  TempDir folder;
  const std::string config = folder.write(
      "t.yml", fmt::format("probes: [{{job: db, targets: ['postgres://127.0.0.1:{}']}}]\n", server.port()));
  const auto [status, output] = run_tocsin({"probe", "--config", config, "db"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, testing::HasSubstr("pg_up{"));
}

}  // namespace
}  // namespace tocsin::test
