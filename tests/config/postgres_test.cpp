// What a job of PostgreSQL targets may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using probes::PostgresOptions;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using SslMode = PostgresOptions::SslMode;

struct LoadedServer {
  std::optional<Config> config;
  std::string said;
};
LoadedServer load_servers(const std::string& text) {
  const test::TempDir dir;
  dir.write("ca.pem", "");
  core::Diagnostics diagnostics;
  LoadedServer loaded{load_config(dir.write("t.yml", text), {{}, true}, {}, diagnostics), {}};
  loaded.said = diagnostics.render();
  return loaded;
}
LoadedServer load_server(const std::string& url, const std::string& more = "") {
  return load_servers("probes:\n  - job: db\n    targets: [\"" + url + "\"]\n" + more);
}
PostgresOptions options_of(const LoadedServer& loaded) {
  EXPECT_TRUE(loaded.config) << loaded.said;
  if (!loaded.config) return {};
  return std::get<PostgresOptions>(*loaded.config->targets.at(0).options);
}

TEST(PostgresConfig, TakesAUrlApart) {
  const auto loaded = load_server("postgresql://mon:p%40ss@db.example/app?sslmode=verify-full&sslrootcert=/ca.pem");
  const auto options = options_of(loaded);
  EXPECT_EQ(options.address.host, "db.example");
  EXPECT_EQ(options.address.port, 5432);
  EXPECT_EQ(options.user, "mon");
  EXPECT_EQ(options.password.value.reveal(), "p@ss");
  EXPECT_EQ(options.database, "app");
  EXPECT_EQ(options.sslmode, SslMode::verify_full);
  EXPECT_EQ(options.sslrootcert, "/ca.pem");
  const TargetConfig& target = loaded.config->targets[0];
  EXPECT_EQ(target.kind, "postgres");
  EXPECT_EQ(target.display, "postgresql://db.example:5432/app");
  EXPECT_EQ(target.labels.get("instance"), "db.example:5432");
  EXPECT_TRUE(target.sentinel);
}

TEST(PostgresConfig, HasLibpqsDefaults) {
  const auto options = options_of(load_server("postgres://db:6000"));
  EXPECT_EQ(options.user, "postgres");
  EXPECT_EQ(options.database, "postgres");
  EXPECT_EQ(options.address.port, 6000);
  EXPECT_EQ(options.sslmode, SslMode::prefer);
  EXPECT_EQ(options.databases, PostgresOptions::Databases::connected);
}

TEST(PostgresConfig, KnowsSockets) {
  for (const char* const url :
       {"postgresql:///app?host=/run/postgresql", "postgresql://u:p@/app?host=%2Frun%2Fpostgresql",
        "postgresql://%2Frun%2Fpostgresql/app"}) {
    const auto loaded = load_server(url);
    const auto options = options_of(loaded);
    EXPECT_TRUE(options.address.unix_socket);
    EXPECT_EQ(options.address.host, "/run/postgresql");
    EXPECT_EQ(options.database, "app");
    EXPECT_EQ(loaded.config->targets.at(0).labels.get("instance"), "/run/postgresql:5432");
  }
}

TEST(PostgresConfig, AcceptsWhatProvidersHandOut) {
  const auto options = options_of(load_server(
      "postgresql://u:p@ep-x.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require&connect_timeout=10"));
  EXPECT_EQ(options.sslmode, SslMode::require);
  EXPECT_EQ(options.channel_binding, "require");
}

TEST(PostgresConfig, TakesTlsForVerifyFull) {
  EXPECT_EQ(options_of(load_server("postgres://db", "    tls: {ca_file: ca.pem}\n")).sslmode, SslMode::verify_full);
  EXPECT_EQ(options_of(load_server("postgres://db", "    tls: {insecure_skip_verify: true}\n")).sslmode,
            SslMode::require);
  EXPECT_EQ(options_of(load_server("postgres://db", "    sslmode: disable\n")).sslmode, SslMode::disable);
}

TEST(PostgresConfig, HasKeysOfItsOwn) {
  const auto options = options_of(load_server("postgres://db", R"(    user: mon
    password: secret
    databases: [app_*, other]
    databases_every: 5m
    collectors: {with: [stat_statements], without: wal}
    max_statements: 20
    max_series: 500
    legacy_names: true
    queries:
      - {name: budget_spent_ratio, sql: "SELECT tenant, spent/budget AS value FROM b", labels: [tenant], every: 1m}
      - {name: jobs, sql: "SELECT count(*) AS done FROM jobs", counters: done, each_database: true, max_rows: 5}
)"));
  EXPECT_EQ(options.user, "mon");
  EXPECT_EQ(options.databases, PostgresOptions::Databases::patterns);
  EXPECT_THAT(options.database_patterns, ElementsAre("app_*", "other"));
  EXPECT_EQ(options.databases_every, std::chrono::minutes(5));
  EXPECT_THAT(options.collectors_on, ElementsAre("stat_statements"));
  EXPECT_THAT(options.collectors_off, ElementsAre("wal"));
  EXPECT_EQ(options.max_statements, 20U);
  EXPECT_EQ(options.max_series, 500U);
  EXPECT_TRUE(options.legacy_names);
  ASSERT_EQ(options.queries.size(), 2U);
  EXPECT_EQ(options.queries[0].name, "budget_spent_ratio");
  EXPECT_THAT(options.queries[0].labels, ElementsAre("tenant"));
  EXPECT_EQ(options.queries[0].every, std::chrono::minutes(1));
  EXPECT_TRUE(options.queries[1].each_database);
  EXPECT_THAT(options.queries[1].counters, ElementsAre("done"));
  EXPECT_EQ(options.queries[1].max_rows, 5U);
  EXPECT_EQ(options_of(load_server("postgres://db", "    databases: all\n")).databases,
            PostgresOptions::Databases::all);
}

TEST(PostgresConfig, SaysWhatIsWrong) {
  const auto says = [](const LoadedServer& loaded, const std::string& words) {
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(loaded.said, HasSubstr(words));
    EXPECT_THAT(loaded.said, Not(HasSubstr("geheim")));
  };
  says(load_server("postgres://u:geheim@db?sslmod=require"), "not known here: sslmod");
  says(load_server("postgres://u:geheim@db?sslmode=yes"), "disable, allow, prefer");
  says(load_server("postgres://u:geheim@one,two/db"), "one target for each host");
  says(load_server("postgres:///db"), "without a host");
  says(load_server("postgres://db?port=70000"), "no port");
  says(load_server("postgres://u:geheim@db", "    password: other\n"), "another one beside it");
  says(load_server("postgres://db?sslmode=require", "    sslmode: disable\n"), "stands in the URL, too");
  says(load_server("postgres://db", "    tls: {server_name: other}\n"), "server_name");
  says(load_server("postgres://db", "    collectors: {with: stat_statement}\n"), "stat_statements");
  says(load_server("postgres://db", "    queries: [{name: \"a b\", sql: \"SELECT 1\"}]\n"), "name of a metric");
  says(load_server("postgres://db", "    queries: [{name: wal, sql: \"SELECT 1\"}]\n"), "built-in");
  says(load_server("postgres://db", "    queries: [{name: a, sql: x}, {name: a, sql: y}]\n"), "a second query");
  says(load_server("postgres://db", "    queries: [{name: a, sql: ' ; '}]\n"), "must not be empty");
  says(load_server("redis://db", "    queries: [{name: a, sql: x}]\n"), "postgres");
}

TEST(PostgresConfig, ShowsNoPassword) {
  const auto loaded = load_server("postgres://u:geheim@db/app?password=geheim2", "");
  EXPECT_FALSE(loaded.config && loaded.said.find("geheim") != std::string::npos);
  const auto good = load_server("postgres://u:geheim@db/app");
  ASSERT_TRUE(good.config);
  EXPECT_THAT(dump_config(*good.config), Not(HasSubstr("geheim")));
}

}  // namespace
}  // namespace tocsin::daemon
