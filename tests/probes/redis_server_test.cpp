// The Redis probe against real servers.
#include <gtest/gtest.h>

#include <algorithm>

#include "probes/redis_probe.hpp"
#include "support/certificates.hpp"
#include "support/wait_until.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::RedisProbe;
using test::RedisServer;
using namespace std::chrono_literals;

net::Task<bool> watched(Prober& prober) { return prober.watch(); }

TEST(RedisServerProbe, AsksAPlainServerOverOneConnection) {
  const RedisServer server;
  server.cli({"SET", "a", "b"});
  RedisProbe probe(RedisProbe::to(server.port()));
  auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(observation.target, 9U);
  EXPECT_GT(observation.took.count(), 0);
  EXPECT_EQ(probe.values.at("redis_up"), 1);
  EXPECT_EQ(probe.values.at("tocsin_probe_success"), 1);
  EXPECT_EQ(probe.values.at("redis_config_maxclients"), 10000);
  EXPECT_EQ(probe.values.at("redis_config_io_threads"), 1);
  EXPECT_EQ(probe.values.at(R"(redis_db_keys{db="db0"})"), 1);
  EXPECT_EQ(probe.values.at(R"(redis_config_client_output_buffer_limit_bytes{class="pubsub", limit="hard"})"),
            33554432);
  EXPECT_GT(probe.values.at("redis_total_system_memory_bytes"), 0);
  EXPECT_GT(probe.values.at("redis_exporter_last_scrape_connect_time_seconds"), 0);
  const auto connections = probe.values.at("redis_connections_received_total");
  EXPECT_TRUE(probe.prober().has_sentinel());
  for (int i = 0; i < 3; ++i) {
    observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  }
  EXPECT_EQ(probe.values.at("redis_connections_received_total"), connections);
  EXPECT_EQ(probe.values.at("redis_exporter_last_scrape_connect_time_seconds"), 0);
  EXPECT_EQ(probe.values.at("redis_exporter_scrapes_total"), 4);
  EXPECT_EQ(probe.values.at(R"(redis_commands_total{cmd="config|get"})"), 1) << "CONFIG is not asked each time";
  EXPECT_EQ(probe.values.at("redis_config_io_threads"), 1) << "and its values are given each time";
  observation = probe(5s, true);
  EXPECT_EQ(probe.values.at("redis_connections_received_total"), connections + 1) << "a fresh probe connects anew";
  EXPECT_EQ(probe.values.at(R"(redis_commands_total{cmd="config|get"})"), 2) << "and asks CONFIG again";
}

TEST(RedisServerProbe, SeesAChangedLimitAtTheNextProbe) {
  const RedisServer server;
  RedisProbe probe(RedisProbe::to(server.port()));
  static_cast<void>(probe());
  EXPECT_EQ(probe.values.at("redis_memory_max_bytes"), 0);
  server.cli({"CONFIG", "SET", "maxmemory", "104857600"});
  server.cli({"CONFIG", "SET", "maxclients", "500"});
  static_cast<void>(probe());
  EXPECT_EQ(probe.values.at("redis_memory_max_bytes"), 104857600);
  EXPECT_EQ(probe.values.at("redis_config_maxmemory"), 104857600);
  EXPECT_EQ(probe.values.at("redis_config_maxclients"), 500);
}

TEST(RedisServerProbe, SaysThePassword) {
  const test::TempDir dir;
  const RedisServer server({"--requirepass", "s3cret"}, "s3cret");
  auto options = RedisProbe::to(server.port());
  options.password.file = dir.write("password", "wrong\n");
  RedisProbe probe(options);
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_EQ(observation.phase, Phase::auth);
  EXPECT_EQ(observation.detail.find("wrong"), std::string::npos) << observation.detail;
  EXPECT_EQ(probe.values.at("redis_up"), 0);
  EXPECT_EQ(probe.values.at(R"(redis_exporter_last_scrape_error{err="auth"})"), 1);
  EXPECT_EQ(probe.values.at(R"(tocsin_probe_failures_total{class="auth"})"), 1);
  EXPECT_FALSE(probe.has("redis_connected_clients"));
  EXPECT_FALSE(probe.prober().has_sentinel());
  dir.write("password", "s3cret\n");
  observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail << " (the file is read anew)";
  RedisProbe without(RedisProbe::to(server.port()));
  observation = without();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_NE(observation.detail.find("NOAUTH"), std::string::npos) << observation.detail;
  options.password.file = dir / "missing";
  RedisProbe unreadable(options);
  observation = unreadable();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_NE(observation.detail.find("missing"), std::string::npos) << observation.detail;
}

TEST(RedisServerProbe, APasswordThatTheServerDoesNotHaveIsAnAuthFailure) {
  const RedisServer server;
  auto options = RedisProbe::to(server.port());
  options.password.value = core::Secret("s3cret");
  RedisProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_NE(observation.detail.find("the server has none"), std::string::npos) << observation.detail;
  EXPECT_EQ(observation.detail.find("s3cret"), std::string::npos) << observation.detail;
}

TEST(RedisServerProbe, AUserWithoutConfigStillGetsMaxclients) {
  const RedisServer server;
  server.cli({"ACL", "SETUSER", "mon", "on", ">pw", "+info"});
  auto options = RedisProbe::to(server.port());
  options.user = "mon";
  options.password.value = core::Secret("pw");
  RedisProbe probe(options);
  for (int i = 0; i < 8; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  }
  EXPECT_EQ(probe.values.at("redis_config_maxclients"), 10000);
  EXPECT_FALSE(probe.has("redis_config_io_threads"));
  EXPECT_EQ(probe.values.at(R"(redis_errors_total{err="NOPERM"})"), 5) << "each asked once, two minutes of probes long";
  for (const std::string command :
       {"CONFIG GET", "LATENCY LATEST", "LATENCY HISTOGRAM", "SLOWLOG LEN", "SLOWLOG GET"}) {
    EXPECT_EQ(probe.values.at("tocsin_redis_command_available{command=\"" + command + "\"}"), 0) << command;
  }
  static_cast<void>(probe(5s, true));
  EXPECT_EQ(probe.values.at(R"(redis_errors_total{err="NOPERM"})"), 10) << "asked again on a fresh connection";
  static_cast<void>(probe(5s, true));
  EXPECT_EQ(probe.values.at(R"(redis_errors_total{err="NOPERM"})"), 10) << "but not on each";
}

TEST(RedisServerProbe, AUserWithTheDocumentedRightsIsRefusedNothing) {
  const RedisServer server;
  std::vector<std::string> rights{"ACL", "SETUSER", "mon", "on", ">pw", "~*"};
  for (const char* right :
       {"info", "config|get", "latency|latest", "latency|histogram", "slowlog|len", "slowlog|get", "cluster|info",
        "scan", "type", "llen", "scard", "zcard", "hlen", "xlen", "strlen", "xinfo"}) {
    rights.push_back("+" + std::string(right));
  }
  server.cli(rights);
  server.cli({"XADD", "s", "*", "f", "v"});
  auto options = RedisProbe::to(server.port());
  options.user = "mon";
  options.password.value = core::Secret("pw");
  options.keys = {"*"};
  RedisProbe probe(options);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at(R"(redis_key_size{db="db0", key="s"})"), 1);
  EXPECT_TRUE(probe.has(R"(redis_stream_length{db="db0", stream="s"})"));
  EXPECT_EQ(probe.find("redis_errors_total{"), "");
}

TEST(RedisServerProbe, AUserWithoutInfoIsRefused) {
  const RedisServer server;
  server.cli({"ACL", "SETUSER", "mon", "on", "nopass", "+ping"});
  auto options = RedisProbe::to(server.port());
  options.user = "mon";
  RedisProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::refused_command);
  EXPECT_EQ(observation.phase, Phase::query);
  EXPECT_NE(observation.detail.find("NOPERM"), std::string::npos) << observation.detail;
}

TEST(RedisServerProbe, DoesWithoutARenamedConfig) {
  const RedisServer server({"--rename-command", "CONFIG", ""});
  RedisProbe probe(RedisProbe::to(server.port()));
  for (int i = 0; i < 6; ++i) ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at("redis_config_maxclients"), 10000);
  EXPECT_EQ(probe.values.at(R"(redis_errors_total{err="ERR"})"), 1);
}

TEST(RedisServerProbe, SpeaksTls) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  const std::uint16_t port = test::free_port();
  const RedisServer server({"--tls-port", std::to_string(port), "--tls-cert-file", files.cert, "--tls-key-file",
                            files.key, "--tls-ca-cert-file", certificates.ca_file(), "--tls-auth-clients", "no"});
  auto options = RedisProbe::to(port);
  options.tls.emplace();
  options.tls->ca_file = certificates.ca_file();
  RedisProbe probe(options);
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  }
  EXPECT_EQ(probe.values.at("redis_connections_received_total"), 1);
  options.tls->ca_file.clear();
  RedisProbe distrustful(options);
  auto observation = distrustful();
  EXPECT_EQ(observation.outcome, Outcome::tls) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::tls);
  options.address.port = server.port();
  RedisProbe plain(options);
  observation = plain(200ms);  // a server without TLS takes the hello for the start of a command, and waits for its end
  EXPECT_EQ(observation.outcome, Outcome::timeout) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::tls);
}

TEST(RedisServerProbe, ShowsItsCertificate) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  test::CertificateWish wish;
  wish.name = "monitor";
  const auto mine = certificates.issue(wish);
  const std::uint16_t port = test::free_port();
  const RedisServer server({"--tls-port", std::to_string(port), "--tls-cert-file", files.cert, "--tls-key-file",
                            files.key, "--tls-ca-cert-file", certificates.ca_file(), "--tls-auth-clients", "yes"});
  auto options = RedisProbe::to(port);
  options.tls.emplace();
  options.tls->ca_file = certificates.ca_file();
  RedisProbe without(options);
  const auto outcome = without().outcome;
  // In TLS 1.3 the server's refusal comes after the handshake, and its close may overtake it.
  EXPECT_TRUE(outcome == Outcome::tls || outcome == Outcome::closed) << core::to_string(outcome);
  options.tls->cert_file = mine.cert;
  options.tls->key_file = mine.key;
  RedisProbe probe(options);
  for (int i = 0; i < 2; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  }
  EXPECT_EQ(probe.values.at("redis_slowlog_length"), 0);
}

TEST(RedisServerProbe, AsksAllInOneWriteAndOneCommandWhereEachCosts) {
  const RedisServer server;
  RedisProbe probe(RedisProbe::to(server.port()));
  EXPECT_EQ(probe().cost, 6U) << "INFO, CONFIG, LATENCY twice, SLOWLOG twice";
  EXPECT_EQ(probe().cost, 5U);
  EXPECT_TRUE(probe.has(R"(redis_commands_latencies_usec_bucket{cmd="info", le="+Inf"})"));
  EXPECT_TRUE(probe.has(R"(redis_commands_latencies_usec_sum{cmd="info"})"));
  EXPECT_EQ(probe.values.at("redis_slowlog_length"), 0);
  EXPECT_EQ(probe.values.at("redis_slowlog_last_id"), 0);
  EXPECT_EQ(probe.values.at("redis_last_slow_execution_duration_seconds"), 0);
  auto options = RedisProbe::to(server.port());
  options.minimal = true;
  options.latency_histograms = false;
  RedisProbe minimal(options);
  EXPECT_EQ(minimal().cost, 1U);
  EXPECT_FALSE(minimal.has("redis_slowlog_length"));
  options.minimal = false;
  RedisProbe without(options);
  EXPECT_EQ(without().cost, 5U);
  EXPECT_EQ(without.find("redis_commands_latencies_usec"), "");
  RedisProbe nobody(RedisProbe::to(test::free_port()));
  EXPECT_EQ(nobody().cost, 0U);
}

TEST(RedisServerProbe, AsksASickServerForItsInfoFirst) {
  RedisServer server;
  RedisProbe probe(RedisProbe::to(server.port()));
  ASSERT_TRUE(probe().good());
  server.child().signal(SIGSTOP);
  EXPECT_EQ(probe(100ms).outcome, Outcome::timeout);
  EXPECT_EQ(probe(100ms).cost, 6U);
  EXPECT_EQ(probe(100ms, false, true).cost, 1U);
  server.child().signal(SIGCONT);
  EXPECT_TRUE(probe(5s, false, true).good());
  EXPECT_TRUE(probe.has("redis_slowlog_length")) << "the rest was asked when that was answered";
}

TEST(RedisServerProbe, KeepsToTheLimitOfSeries) {
  const RedisServer server;
  auto options = RedisProbe::to(server.port());
  options.max_series = 100;
  RedisProbe probe(options);
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok);
    EXPECT_NE(observation.detail.find("max_series"), std::string::npos);
    EXPECT_EQ(probe.values.size(), 100U);
    EXPECT_EQ(probe.values.at("redis_up"), 1) << "what the probe itself says has its place";
    EXPECT_TRUE(probe.has("tocsin_probe_success"));
    const double left_out = probe.values.at("tocsin_redis_series_refused_total");
    EXPECT_TRUE(i == 0 ? left_out == 0 : left_out >= 50.0 * i) << left_out << ": those of the probes before";
  }
}

TEST(RedisServerProbe, ConnectsToAUnixSocket) {
  const test::TempDir dir;
  const RedisServer server({"--unixsocket", dir / "redis.sock", "--unixsocketperm", "700"});
  RedisOptions options;
  options.address.host = dir / "redis.sock";
  options.address.unix_socket = true;
  options.database = 3;
  RedisProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.values.at(R"(redis_commands_total{cmd="select"})"), 1);
}

TEST(RedisServerProbe, NamesADatabaseThatThereIsNot) {
  const RedisServer server;
  auto options = RedisProbe::to(server.port());
  options.database = 99;
  RedisProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::refused_command);
  EXPECT_NE(observation.detail.find("SELECT"), std::string::npos) << observation.detail;
}

TEST(RedisServerProbe, IsThrottledByAFullClientTable) {
  const RedisServer server({"--maxclients", "1"});
  RedisProbe first(RedisProbe::to(server.port()));
  ASSERT_EQ(first().outcome, Outcome::ok);
  RedisProbe second(RedisProbe::to(server.port()));
  const auto observation = second();
  EXPECT_EQ(observation.outcome, Outcome::throttled) << observation.detail;
  EXPECT_NE(observation.detail.find("max number of clients"), std::string::npos) << observation.detail;
  ASSERT_EQ(first().outcome, Outcome::ok);
}

TEST(RedisServerProbe, SeesADeathAtOnceAndTheRestartAfterIt) {
  auto server = std::make_unique<RedisServer>();
  const auto port = server->port();
  RedisProbe probe(RedisProbe::to(port));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  server->child().kill();
  EXPECT_TRUE(probe.loop().run(watched(probe.prober())));
  EXPECT_FALSE(probe.prober().has_sentinel());
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::connect);
  EXPECT_EQ(probe.values.at("redis_up"), 0);
  EXPECT_EQ(probe.values.at("tocsin_probe_success"), 0);
  EXPECT_GT(probe.values.size(), 15U);
}

TEST(RedisServerProbe, StopsWatchingWhenTold) {
  const RedisServer server;
  RedisProbe probe(RedisProbe::to(server.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  probe.loop().loop().post_after(20ms, [&] { probe.prober().stop_watching(); });
  EXPECT_FALSE(probe.loop().run(watched(probe.prober())));
  EXPECT_TRUE(probe.prober().has_sentinel());
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at(R"(redis_commands_total{cmd="info"})"), 1) << "the same connection serves on";
  probe.loop().loop().post_after(20ms, [&] { probe.prober().close(); });
  EXPECT_FALSE(probe.loop().run(watched(probe.prober())));
  EXPECT_FALSE(probe.prober().has_sentinel());
}

TEST(RedisServerProbe, AKilledConnectionIsNoFailure) {
  const RedisServer server;
  RedisProbe probe(RedisProbe::to(server.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  server.cli({"CLIENT", "KILL", "TYPE", "normal"});
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_GT(probe.values.at("redis_exporter_last_scrape_connect_time_seconds"), 0) << "on a new connection";
}

TEST(RedisServerProbe, ARotatedPasswordIsReadForANewConnection) {
  const test::TempDir dir;
  const RedisServer server({"--requirepass", "old"}, "old");
  auto options = RedisProbe::to(server.port());
  options.password.file = dir.write("password", "old");
  RedisProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  server.cli({"ACL", "SETUSER", "default", "resetpass", ">new"});
  dir.write("password", "new");
  ASSERT_EQ(probe().outcome, Outcome::ok) << "kept";
  ASSERT_EQ(probe(5s, true).outcome, Outcome::ok) << "fresh";
}

TEST(RedisServerProbe, LearnsTheServersIdleLimit) {
  const RedisServer server({"--timeout", "1"});
  RedisProbe probe(RedisProbe::to(server.port()));
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(probe().outcome, Outcome::ok);
    ASSERT_TRUE(probe.prober().has_sentinel());
    EXPECT_TRUE(probe.loop().run(watched(probe.prober()))) << "the server closes it";
  }
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(probe.prober().has_sentinel()) << "the connection is given up before the server does";
}

TEST(RedisServerProbe, ReadsAReplica) {
  const RedisServer primary;
  const RedisServer replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())});
  RedisProbe of_replica(RedisProbe::to(replica.port()));
  const std::string link =
      R"(redis_master_link_up{master_host="127.0.0.1", master_port=")" + std::to_string(primary.port()) + "\"}";
  EXPECT_TRUE(test::wait_until([&] { return of_replica().good() && of_replica.values[link] == 1; }));
  EXPECT_NE(of_replica.find("redis_slave_info{"), "");
  RedisProbe of_primary(RedisProbe::to(primary.port()));
  ASSERT_EQ(of_primary().outcome, Outcome::ok);
  EXPECT_EQ(of_primary.values.at("redis_connected_slaves"), 1);
  EXPECT_NE(of_primary.find("redis_connected_slave_offset_bytes{"), "");
}

TEST(RedisServerProbe, AsksAClusterForItsState) {
  const RedisServer server({"--cluster-enabled", "yes"});
  RedisProbe probe(RedisProbe::to(server.port()));
  for (int i = 0; i < 2; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_EQ(probe.values.at("redis_cluster_enabled"), 1);
    EXPECT_EQ(probe.values.at("redis_cluster_state"), 0) << "no slots, no service";
    EXPECT_EQ(probe.values.at("redis_cluster_known_nodes"), 1);
    EXPECT_FALSE(probe.has(R"(redis_db_keys{db="db1"})"));
  }
}

TEST(RedisServerProbe, CanConnectAnewEachTime) {
  const RedisServer server;
  auto options = RedisProbe::to(server.port());
  options.keep_connection = false;
  RedisProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(probe.prober().has_sentinel());
  const auto before = probe.values.at("redis_connections_received_total");
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at("redis_connections_received_total"), before + 1);
}

}  // namespace
}  // namespace tocsin::probes
