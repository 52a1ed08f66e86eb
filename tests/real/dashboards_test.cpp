// No panel of the dashboards is empty: each query, with its variables filled in, is asked of tocsin and of a
// Prometheus that scrapes tocsin, while real servers are probed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "real/dashboards.hpp"
#include "real/house.hpp"
#include "support/certificates.hpp"
#include "support/kafka.hpp"
#include "support/kafka_client.hpp"
#include "support/postgres.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

/// As it is shipped, but for the address and for how often.
std::unique_ptr<Child> start_prometheus(std::uint16_t port, std::uint16_t tocsin, const TempDir& folder) {
  std::string scrape = read_text(TOCSIN_SOURCE_DIR "/examples/prometheus/scrape.yml");
  const std::string shipped = "localhost:9477";
  scrape.replace(scrape.find(shipped), shipped.size(), fmt::format("127.0.0.1:{}", tocsin));
  const std::string file = folder.write("prometheus.yml", "global: {scrape_interval: 1s}\n" + scrape);
  auto child = std::make_unique<Child>(
      std::vector<std::string>{"prometheus", "--config.file=" + file, "--storage.tsdb.path=" + (folder / "prometheus"),
                               fmt::format("--web.listen-address=127.0.0.1:{}", port), "--log.level=warn"});
  child->wait_for_port(port);
  return child;
}

class Dashboards : public testing::Test {
 protected:
  TempDir folder;
  std::uint16_t prometheus_port = free_port(), alertmanager_port = free_port();
  std::unique_ptr<Child> alertmanager = start_alertmanager(alertmanager_port, folder);
  std::unique_ptr<Child> prometheus;
  std::unique_ptr<Tocsin> tocsin;

  void start(const std::string& probes, const std::string& more = "") {
    tocsin = std::make_unique<Tocsin>(
        fmt::format("global: {{probe_interval: 1s, probe_timeout: 1s, evaluation_interval: 1s}}\nprobes:\n{}"
                    "alertmanagers: ['http://127.0.0.1:{}']\n{}",
                    probes, alertmanager_port, more));
    tocsin->wait_ready();
    prometheus = start_prometheus(prometheus_port, tocsin->port(), folder);
  }

  /// What the dashboards that people have ask for, by the names of the exporters.
  void expect_metrics_of_public_dashboards(const std::vector<std::string>& kinds) {
    const auto names = values_of(tocsin->port(), {"", "{__name__!=\"\"}", "__name__"});
    std::istringstream lines(read_text(TOCSIN_SOURCE_DIR "/tests/real/data/public_dashboards.tsv"));
    std::size_t checked = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream columns(line);
      std::string kind, dashboard, metric;
      std::getline(columns, kind, '\t');
      std::getline(columns, dashboard, '\t');
      std::getline(columns, metric, '\t');
      if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) continue;
      ++checked;
      EXPECT_TRUE(names.contains(metric)) << dashboard << " asks for " << metric;
    }
    EXPECT_GT(checked, 10U);
  }

  /// tocsin's own metrics come every 15 s: two of them, at least, must be there for a rate.
  void expect_no_empty_panel(const std::vector<std::string>& names) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (const std::string& name : names) {
      const Dashboard dashboard = read_dashboard(TOCSIN_SOURCE_DIR "/dashboards/" + name + ".json");
      EXPECT_GT(dashboard.panels.size(), 10U) << name;
      const auto left = [&] {
        return std::max(std::chrono::milliseconds(2),
                        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
      };
      for (const VariableQuestion& variable : dashboard.variables) {
        EXPECT_TRUE(wait_until([&] { return !values_of(tocsin->port(), variable).empty(); }, left()))
            << name << ": tocsin has no " << variable.name << " of " << variable.selector;
        EXPECT_TRUE(wait_until(
            [&] { return values_of(prometheus_port, variable) == values_of(tocsin->port(), variable); }, left()))
            << name << ": Prometheus has not the same " << variable.name << " of " << variable.selector;
      }
      for (const Question& panel : dashboard.panels) {
        EXPECT_TRUE(wait_until([&] { return series_of(tocsin->port(), panel) > 0; }, left()))
            << name << ": empty on tocsin: " << panel.panel << ": " << panel.expression;
        EXPECT_TRUE(wait_until([&] { return series_of(prometheus_port, panel) > 0; }, left()))
            << name << ": empty on Prometheus: " << panel.panel << ": " << panel.expression;
      }
    }
  }
};

constexpr const char* tls_server = R"(
server {{ listen 127.0.0.1:{0}; location /health {{ return 200 "ok\n"; }} }}
server {{ listen 127.0.0.1:{1} ssl; ssl_certificate {2}; ssl_certificate_key {3};
         location /health {{ return 200 "ok\n"; }} }}
)";

TEST_F(Dashboards, ShowSomethingInEveryPanel) {
  const std::uint16_t redis_port = free_port(), replica_port = free_port(), web_port = free_port(),
                      tls_port = free_port();
  const TempDir replica_folder;
  const auto redis = start_redis(redis_port, folder, {"--appendonly", "yes", "--maxmemory", "64mb"});
  const auto replica =
      start_redis(replica_port, replica_folder, {"--replicaof", "127.0.0.1", std::to_string(redis_port)});
  const auto cli = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"redis-cli", "-p", std::to_string(redis_port)});
    return std::make_unique<Child>(std::move(more));
  };
  ASSERT_EQ(cli({"set", "ends", "x", "ex", "1000"})->wait_exit(), 0);
  const auto hits = cli({"-r", "100000", "-i", "0.2", "get", "ends"});
  const auto misses = cli({"-r", "100000", "-i", "0.2", "get", "nothing"});

  // Only these have what they have: a node of a cluster, and a Sentinel.
  const std::uint16_t node_port = free_port(), sentinel_port = free_port();
  const TempDir node_folder, sentinel_folder;
  // Its own choice of a port, 10000 above, may be none.
  const auto node =
      start_redis(node_port, node_folder, {"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_port())});
  const std::string sentinel_file = sentinel_folder.write(
      "sentinel.conf",
      fmt::format("port {}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n", sentinel_port, redis_port));
  Child sentinel({"redis-server", sentinel_file, "--sentinel"});
  sentinel.wait_for_port(sentinel_port);

  Certificates certificates;
  const CertificateFiles leaf = certificates.issue({});
  const Nginx nginx(fmt::format(tls_server, web_port, tls_port, leaf.cert, leaf.key), tls_port);

  PostgresSetup setup;
  setup.settings = {"shared_preload_libraries=pg_stat_statements"};
  const PostgresServer postgres(setup);
  postgres.sql(
      "create extension pg_stat_statements; create table t (a int primary key); "
      "insert into t select generate_series(1, 1000); delete from t where a < 100; "
      "select pg_create_physical_replication_slot('slot')");
  const auto standby = PostgresServer::replica_of(postgres, setup);

  const std::string rules = folder.write(
      "rules.yml", "groups: [{name: g, rules: [{alert: TooSmall, expr: 'redis_connected_clients > 0'}]}]\n");
  folder.write("state", "small\n");
  start(
      fmt::format(
          R"(  - {{job: cache, targets: ["redis://127.0.0.1:{}", "redis://127.0.0.1:{}", "redis://127.0.0.1:{}", "redis://127.0.0.1:{}"]}}
  - {{job: web, targets: ["http://127.0.0.1:{}/health"]}}
  - {{job: web-tls, targets: ["https://localhost:{}/health"], tls: {{ca_file: {}}}}}
  - job: db
    targets: ["postgresql://postgres@127.0.0.1:{}/postgres", "postgresql://postgres@127.0.0.1:{}/postgres"]
    collectors: {{with: [postmaster, long_running_transactions, statio_user_indexes, stat_statements]}}
    legacy_names: true
)",
          redis_port, replica_port, node_port, sentinel_port, web_port, tls_port, certificates.ca_file(),
          postgres.port(), standby->port()),
      fmt::format(R"(rule_files: ['{}']
actions:
  - {{name: grow, when: TooSmall, target: the-cache, mode: shadow, ladder: [small, large],
     read: {{exec: [cat, {}]}}, set: {{exec: [/bin/true, "{{to}}"]}}, timeout: 5s, verify: {{clears_within: 10s}}}}
)",
                  rules, folder / "state"));
  expect_no_empty_panel({"redis", "http", "postgres", "overview", "alerts"});
  expect_metrics_of_public_dashboards({"redis", "http", "postgres"});
}

class KafkaDashboard : public Dashboards {
 protected:
  void SetUp() override {
    if (!kafka_folder().empty()) return;
    if (in_ci()) FAIL() << "Apache Kafka could not be fetched, and CI=true";
    GTEST_SKIP() << "Apache Kafka could not be fetched (tests/kafka/fetch.sh)";
  }
};

TEST_F(KafkaDashboard, ShowsSomethingInEveryPanel) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 2);
  client.produce("orders", 0, 20);
  client.produce("orders", 1, 5);
  client.commit("shop", "orders", {{0, 5}, {1, 5}});
  start(
      fmt::format("  - {{job: messages, kind: kafka, name: main, brokers: ['{}'],"
                  " metric_names: [kafka_exporter, grafana, kafka_lag_exporter]}}\n",
                  brokers.bootstrap()));
  client.produce("orders", 0, 5);
  expect_no_empty_panel({"kafka"});
  expect_metrics_of_public_dashboards({"kafka"});
}

/// What is edited is panels/*.py.
TEST(DashboardFiles, AreAsTheirDescriptionsSay) {
  Child build({"python3", TOCSIN_SOURCE_DIR "/dashboards/build.py", "--check"});
  EXPECT_EQ(build.wait_exit(), 0) << build.output();
}

}  // namespace
}  // namespace tocsin::test
