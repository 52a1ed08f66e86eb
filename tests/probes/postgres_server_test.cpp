// Against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "probes/postgres_probe.hpp"
#include "support/certificates.hpp"
#include "support/postgres.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::PostgresProbe;
using test::PostgresServer;
using SslMode = PostgresOptions::SslMode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name='tocsin'";

core::SecretSource secret(const std::string& text) {
  core::SecretSource source;
  source.value = core::Secret(text);
  return source;
}

TEST(PostgresServerTest, GivesWhatTheServerSaysOverAKeptConnection) {
  const PostgresServer server;
  PostgresProbe probe(PostgresProbe::to(server.port()));
  const auto first = probe();
  ASSERT_EQ(first.outcome, Outcome::ok) << first.detail;
  EXPECT_EQ(first.detail, "");
  EXPECT_EQ(probe.value("pg_up"), 1);
  EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
  EXPECT_EQ(probe.value("pg_settings_max_connections"), 40);
  EXPECT_EQ(probe.value("pg_exporter_last_scrape_error"), 0);
  EXPECT_EQ(probe.value("pg_exporter_scrapes_total"), 1);
  EXPECT_TRUE(probe.success("stat_database"));
  EXPECT_NE(probe.find("pg_static{server=\"127.0.0.1:"), "");
  EXPECT_NE(probe.find("pg_stat_database_xact_commit{"), "");
  const std::string pid = "SELECT pid FROM pg_stat_activity WHERE application_name='tocsin'";
  const std::string backend = server.sql(pid);
  const auto series = probe.values.size();
  for (int i = 0; i < 3; ++i) {
    const auto again = probe();
    ASSERT_EQ(again.outcome, Outcome::ok) << again.detail;
    EXPECT_TRUE(again.batch.fresh.empty()) << again.batch.fresh[0].labels.to_string();
    EXPECT_EQ(probe.values.size(), series);
  }
  EXPECT_EQ(server.sql(pid), backend);
  EXPECT_NE(backend, "");
  // A fresh probe starts anew.
  ASSERT_EQ(probe(5s, true).outcome, Outcome::ok);
  EXPECT_NE(server.sql(pid), backend);
}

TEST(PostgresServerTest, LeavesNoTransactionOpenBehind) {
  const PostgresServer server;
  PostgresProbe probe(PostgresProbe::to(server.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(server.sql("SELECT state, xact_start IS NULL FROM pg_stat_activity WHERE application_name='tocsin'"),
            "idle|t");
}

TEST(PostgresServerTest, ConnectsOverAUnixSocket) {
  const PostgresServer server;
  auto options = PostgresProbe::to(server.port());
  options.address.host = server.socket_dir();
  options.address.unix_socket = true;
  PostgresProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

TEST(PostgresServerTest, SaysWhyItIsNotLetIn) {
  test::PostgresSetup setup;
  setup.hba = "local all all trust\nhost all nobody 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n";
  const PostgresServer server(setup);
  server.sql("CREATE ROLE mon LOGIN PASSWORD 'right one'; GRANT pg_monitor TO mon");
  auto options = PostgresProbe::to(server.port(), "mon");
  options.password = secret("right one");
  {
    PostgresProbe probe(options);
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  }
  const auto fails = [&](const PostgresOptions& with, Outcome outcome, const std::string& words) {
    PostgresProbe probe(with);
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, outcome) << observation.detail;
    EXPECT_EQ(observation.phase, Phase::auth);
    EXPECT_THAT(observation.detail, HasSubstr(words));
    EXPECT_THAT(observation.detail, Not(HasSubstr("wrong one")));
    EXPECT_EQ(probe.value("pg_up"), 0);
    EXPECT_EQ(probe.value("pg_exporter_last_scrape_error"), 1);
    EXPECT_FALSE(probe.success("stat_database"));
    EXPECT_EQ(probe.value("tocsin_probe_failures_total{class=\"" + std::string(core::to_string(outcome)) + "\"}"), 1);
  };
  options.password = secret("wrong one");
  fails(options, Outcome::auth, "password authentication failed");
  options.password = {};
  fails(options, Outcome::auth, "no password supplied");
  options.user = "nobody";
  fails(options, Outcome::auth, "pg_hba.conf rejects");
  options.user = "mon";
  options.password = secret("right one");
  options.database = "elsewhere";
  fails(options, Outcome::unexpected, "3D000");
}

TEST(PostgresServerTest, ReadsThePasswordAnewForEachConnection) {
  test::PostgresSetup setup;
  setup.hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
  const PostgresServer server(setup);
  const test::TempDir dir;
  server.sql("CREATE ROLE mon LOGIN PASSWORD 'old'");
  auto options = PostgresProbe::to(server.port(), "mon");
  options.password.file = dir.write("password", "old\n");
  PostgresProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  server.sql("ALTER ROLE mon PASSWORD 'new'");
  EXPECT_EQ(probe(5s, true).outcome, Outcome::auth);
  dir.write("password", "new\n");
  EXPECT_EQ(probe(5s, true).outcome, Outcome::ok);
}

TEST(PostgresServerTest, SpeaksTlsAsSslmodeSays) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  test::PostgresSetup setup;
  setup.cert = files.cert;
  setup.key = files.key;
  setup.hba = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
  const PostgresServer server(setup);
  const auto outcome = [&](SslMode mode, const std::string& root = "", const std::string& host = "127.0.0.1") {
    auto options = PostgresProbe::to(server.port());
    options.sslmode = mode;
    options.sslrootcert = root;
    options.address.host = host;
    PostgresProbe probe(options);
    return probe();
  };
  const std::string& ca = certificates.ca_file();
  EXPECT_EQ(outcome(SslMode::disable).outcome, Outcome::auth);  // pg_hba.conf wants TLS
  EXPECT_EQ(outcome(SslMode::allow).outcome, Outcome::ok);
  EXPECT_EQ(outcome(SslMode::prefer).outcome, Outcome::ok);
  EXPECT_EQ(outcome(SslMode::require).outcome, Outcome::ok);
  EXPECT_EQ(outcome(SslMode::verify_ca, ca).outcome, Outcome::ok);
  EXPECT_EQ(outcome(SslMode::verify_full, ca, "localhost").outcome, Outcome::ok);
  // The system's authorities do not know ours.
  const auto unknown = outcome(SslMode::verify_full);
  EXPECT_EQ(unknown.outcome, Outcome::tls) << unknown.detail;
  EXPECT_EQ(unknown.phase, Phase::tls);
  const auto missing = outcome(SslMode::verify_ca, "/nonexistent/ca.pem");
  EXPECT_EQ(missing.outcome, Outcome::tls) << missing.detail;
}

TEST(PostgresServerTest, ShowsACertificateWhereTheServerWantsOne) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  test::CertificateWish wish;
  wish.name = "mon";
  wish.alternative.clear();
  const auto client = certificates.issue(wish);
  ::chmod(client.key.c_str(), 0600);
  test::PostgresSetup setup;
  setup.cert = files.cert;
  setup.key = files.key;
  setup.client_ca = certificates.ca_file();
  setup.hba = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n";
  const PostgresServer server(setup);
  server.sql("CREATE ROLE mon LOGIN");
  auto options = PostgresProbe::to(server.port(), "mon");
  options.sslmode = SslMode::require;
  {
    PostgresProbe probe(options);
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, Outcome::auth) << observation.detail;
  }
  options.sslcert = client.cert;
  options.sslkey = client.key;
  PostgresProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

TEST(PostgresServerTest, RefusesAServerWithoutTlsThatMustHaveIt) {
  const PostgresServer server;
  auto options = PostgresProbe::to(server.port());
  options.sslmode = SslMode::require;
  PostgresProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::tls) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::tls);
}

TEST(PostgresServerTest, CallsAFullServerThrottled) {
  test::PostgresSetup setup;
  setup.settings = {"max_connections=5", "superuser_reserved_connections=1"};
  const PostgresServer server(setup);
  server.sql("CREATE ROLE mon LOGIN");
  std::vector<std::unique_ptr<test::Child>> sessions;
  for (int i = 0; i < 5; ++i) sessions.push_back(server.session("SELECT pg_sleep(60)"));
  PostgresProbe probe(PostgresProbe::to(server.port(), "mon"));
  core::Observation observation;
  ASSERT_TRUE(test::wait_until([&] {
    observation = probe(5s, true);
    return observation.outcome != Outcome::ok;
  }));
  EXPECT_EQ(observation.outcome, Outcome::throttled) << observation.detail;
}

TEST(PostgresServerTest, TakesAKilledSessionForNoFailure) {
  const PostgresServer server;
  PostgresProbe probe(PostgresProbe::to(server.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='tocsin'");
  ASSERT_TRUE(server.becomes(waiting, "0"));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("pg_up"), 1);
}

TEST(PostgresServerTest, WatchesTheIdleConnection) {
  PostgresServer server;
  PostgresProbe probe(PostgresProbe::to(server.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  ASSERT_TRUE(probe.prober().has_sentinel());
  // A setting that changes is told to idle sessions: that is no end.
  server.sql("ALTER SYSTEM SET timezone='Asia/Tokyo'");
  server.sql("SELECT pg_reload_conf()");
  probe.loop().loop().post_after(200ms, [&] { probe.prober().stop_watching(); });
  EXPECT_FALSE(probe.loop().run(probe.prober().watch()));
  EXPECT_TRUE(probe.prober().has_sentinel());
  ASSERT_EQ(probe().outcome, Outcome::ok);
  std::thread stop([&] { server.stop(SIGQUIT); });
  EXPECT_TRUE(probe.loop().run(probe.prober().watch()));
  stop.join();
  EXPECT_FALSE(probe.prober().has_sentinel());
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::connect);
}

TEST(PostgresServerTest, NeverWaitsBehindALock) {
  const PostgresServer server;
  server.sql("CREATE TABLE busy (n int); INSERT INTO busy VALUES (1)");
  const auto locker = server.session("BEGIN; ALTER TABLE busy ADD COLUMN more int; SELECT pg_sleep(60)");
  ASSERT_TRUE(
      server.becomes("SELECT count(*) FROM pg_locks WHERE mode='AccessExclusiveLock' AND granted AND "
                     "relation='busy'::regclass",
                     "1"));
  auto options = PostgresProbe::to(server.port());
  PostgresQuery stuck;
  stuck.name = "stuck";
  stuck.sql = "SELECT count(*) AS value FROM busy";
  options.queries = {stuck};
  PostgresProbe probe(options);
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe(2s);
    EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_LT(observation.took, 1500ms);
    EXPECT_THAT(observation.detail, HasSubstr("55P03"));  // lock_timeout
    EXPECT_EQ(probe.value("pg_up"), 1);
    EXPECT_FALSE(probe.has("stuck"));
    EXPECT_TRUE(probe.success("stat_database"));
    EXPECT_TRUE(probe.success("settings"));
  }
  EXPECT_EQ(server.sql(waiting), "1") << "connections pile up";
}

TEST(PostgresServerTest, EndsWhatItAbandonsOnTheServerToo) {
  const PostgresServer server;
  auto options = PostgresProbe::to(server.port());
  PostgresQuery slow;
  slow.name = "slow";
  slow.sql = "SELECT count(pg_sleep(30)) AS value";
  options.queries = {slow};
  PostgresProbe probe(options);
  const auto observation = probe(500ms);
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_THAT(observation.detail, HasSubstr("57014"));
  EXPECT_EQ(probe.value("pg_exporter_last_scrape_error"), 1);
  EXPECT_TRUE(probe.success("stat_database"));
  EXPECT_TRUE(
      server.becomes("SELECT count(*) FROM pg_stat_activity WHERE state='active' AND query LIKE '%pg_sleep(30)%'"
                     " AND pid<>pg_backend_pid()",
                     "0"));
  EXPECT_EQ(server.sql(waiting), "1");
}

TEST(PostgresServerTest, DegradesCollectorByCollector) {
  const PostgresServer server;
  server.sql("CREATE ROLE mon LOGIN; REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM PUBLIC");
  auto options = PostgresProbe::to(server.port(), "mon");
  PostgresQuery missing;
  missing.name = "missing";
  missing.sql = "SELECT 1 AS value FROM no_such_table";
  PostgresQuery nonsense;
  nonsense.name = "nonsense";
  nonsense.sql = "SELEKT 1";
  PostgresQuery good;
  good.name = "good";
  good.sql = "SELECT 5 AS value; -- done";
  PostgresQuery twice;
  twice.name = "twice";
  twice.sql = "SELECT generate_series(1, 3) AS value";
  options.queries = {missing, nonsense, good, twice};
  PostgresProbe probe(options);
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_FALSE(probe.success("wal"));
    EXPECT_TRUE(probe.success("stat_database"));
    EXPECT_TRUE(probe.success("statio_user_tables"));
    EXPECT_EQ(probe.value("good"), 5);
    EXPECT_EQ(probe.value("twice"), 1);
    EXPECT_EQ(probe.value("pg_exporter_last_scrape_error"), 1);
  }
  server.sql("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO mon");
  probe.later(60s);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_TRUE(probe.success("wal"));
}

TEST(PostgresServerTest, AsksAllDatabasesOverOneConnectionAtATime) {
  const PostgresServer server;
  server.sql("CREATE DATABASE one");
  server.sql("CREATE DATABASE two");
  server.sql("CREATE DATABASE closed");
  server.sql(
      "CREATE ROLE mon LOGIN CONNECTION LIMIT 1; GRANT pg_monitor TO mon; "
      "REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
  for (const char* const name : {"one", "two"}) server.sql("CREATE TABLE things (n int)", name);
  auto options = PostgresProbe::to(server.port(), "mon");
  options.databases = PostgresOptions::Databases::all;
  PostgresProbe probe(options);
  const auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  const auto tables = [&](const std::string& name) {
    return probe.has("pg_stat_user_tables_seq_scan{datname=\"" + name +
                     "\", relname=\"things\", schemaname=\"public\"}");
  };
  EXPECT_TRUE(tables("one"));
  EXPECT_TRUE(tables("two"));
  EXPECT_EQ(probe.value("tocsin_postgres_database_success{datname=\"one\"}"), 1);
  EXPECT_FALSE(probe.has("tocsin_postgres_database_success{datname=\"closed\"}"));
  EXPECT_TRUE(probe.prober().has_sentinel());
  EXPECT_TRUE(server.becomes(waiting, "1"));
  // Between its turns a database is given as it was.
  server.sql("DROP TABLE things", "one");
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_TRUE(tables("one"));
  EXPECT_EQ(probe.value("tocsin_postgres_database_age_seconds{datname=\"one\"}"), 15);
  probe.later(60s);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(tables("one"));
  EXPECT_TRUE(tables("two"));
  server.sql("DROP DATABASE two");
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(tables("two"));
}

TEST(PostgresServerTest, AsksTheDatabasesThatMatch) {
  const PostgresServer server;
  server.sql("CREATE DATABASE app_1");
  server.sql("CREATE DATABASE other");
  auto options = PostgresProbe::to(server.port());
  options.databases = PostgresOptions::Databases::patterns;
  options.database_patterns = {"app_*"};
  PostgresProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_TRUE(probe.has("tocsin_postgres_database_success{datname=\"app_1\"}"));
  EXPECT_FALSE(probe.has("tocsin_postgres_database_success{datname=\"other\"}"));
}

TEST(PostgresServerTest, WorksThroughPgBouncer) {
  const PostgresServer server;
  server.sql("CREATE TABLE things (n int)");
  const test::PgBouncer bouncer(server);
  auto options = PostgresProbe::to(bouncer.port());
  PostgresQuery pid;
  pid.name = "backend";
  pid.sql = "SELECT pg_backend_pid() AS value";
  options.queries = {pid};
  PostgresProbe probe(options);
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe(5s, i == 2);
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail << bouncer.output();
    EXPECT_EQ(observation.detail, "");
    EXPECT_EQ(probe.value("pg_up"), 1);
    EXPECT_NE(probe.find("pg_stat_user_tables_seq_scan{"), "");
  }
  // Nothing of ours stays behind in the session that others get.
  EXPECT_EQ(server.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"), "0");
}

TEST(PostgresServerTest, FollowsAStandbyThatIsPromoted) {
  const PostgresServer primary;
  const auto standby = PostgresServer::replica_of(primary);
  PostgresProbe probe(PostgresProbe::to(standby->port()));
  auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(observation.detail, "");
  EXPECT_EQ(probe.value("pg_replication_is_replica"), 1);
  standby->sql("SELECT pg_promote()");
  observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(observation.detail, "");
  EXPECT_EQ(probe.value("pg_replication_is_replica"), 0);
}

TEST(PostgresServerTest, KeepsTheLimitOfSeries) {
  const PostgresServer server;
  auto options = PostgresProbe::to(server.port());
  options.max_series = 50;
  PostgresProbe probe(options);
  for (int i = 0; i < 2; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_EQ(probe.value("pg_up"), 1);
    EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
    EXPECT_LT(probe.values.size(), 150U);
    EXPECT_GT(probe.value("tocsin_postgres_series_refused_total"), 50);
  }
}

TEST(PostgresServerTest, ConnectsAnewEachTimeWhereAsked) {
  const PostgresServer server;
  auto options = PostgresProbe::to(server.port());
  options.keep_connection = false;
  PostgresProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(probe.prober().has_sentinel());
  EXPECT_TRUE(server.becomes(waiting, "0"));
  ASSERT_EQ(probe().outcome, Outcome::ok);
}

}  // namespace
}  // namespace tocsin::probes
