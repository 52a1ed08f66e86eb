// The loop on real servers: probe, judge, tell, scale.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "real/house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Loop : public testing::Test {
 protected:
  TempDir folder;
  std::uint16_t redis_port = free_port(), http_port = free_port(), alertmanager_port = free_port();
  std::unique_ptr<Child> alertmanager = start_alertmanager(alertmanager_port, folder);

  std::string config(const std::string& more = "") const {
    return fmt::format(R"(global: {{probe_interval: 1s, probe_timeout: 1s, evaluation_interval: 1s}}
probes:
  - {{job: cache, targets: ["redis://127.0.0.1:{}"]}}
alertmanagers: ["http://127.0.0.1:{}"]
{})",
                       redis_port, alertmanager_port, more);
  }
  bool told(const std::string& alert) const { return !alerts_at(alertmanager_port, alert).empty(); }
};

TEST_F(Loop, SmallestConfigurationAlreadyAlerts) {
  auto redis = start_redis(redis_port, folder);
  Tocsin tocsin(config());
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("redis_up") == 1.0; })) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return told("TocsinWatchdog"); })) << "the watchdog always fires";
  redis->kill();
  const auto killed = Clock::now();
  ASSERT_TRUE(wait_until([&] {
    for (const auto& alert : boost::json::array(http_json(alertmanager_port, "/api/v2/alerts").as_array())) {
      if (alert.at("labels").as_object().contains("job") && alert.at("labels").at("job").as_string() == "cache")
        return true;
    }
    return false;
  })) << tocsin.child().output();
  EXPECT_LT(Clock::now() - killed, 5s);
  EXPECT_EQ(tocsin.query("redis_up"), 0.0);
  redis = start_redis(redis_port, folder);
  EXPECT_TRUE(wait_until([&] { return tocsin.query("redis_up") == 1.0; }));
}

TEST_F(Loop, ScalesOnceVerifiesAndDoesNotRepeat) {
  auto redis = start_redis(redis_port, folder);
  folder.write("state", "small\n");
  folder.write("log", "");
  const std::string set =
      folder.write("set.sh", fmt::format("#!/bin/sh\necho \"$1\" > {0}/state\necho run >> {0}/log\nexec redis-cli -p "
                                         "{1} config set slowlog-max-len 777\n",
                                         folder.path().string(), redis_port));
  std::filesystem::permissions(set, std::filesystem::perms::owner_all);
  const std::string rules = folder.write(
      "rules.yml", "groups: [{name: g, rules: [{alert: TooSmall, expr: 'redis_connected_clients > 0', for: 0s}]}]\n");
  Tocsin tocsin(config(fmt::format(R"(rule_files: ['{}']
actions:
  - name: grow
    when: TooSmall
    target: the-cache
    mode: auto
    ladder: [small, large]
    read: {{exec: [cat, {}/state]}}
    set: {{exec: [{}, "{{to}}"]}}
    timeout: 5s
    cooldown: {{up: 1h}}
    verify: {{clears_within: 1s}}
)",
                                   rules, folder.path().string(), set)));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return read_text(folder / "state") == "large\n"; }, 20s)) << tocsin.child().output();
  // The alert does not clear, so the run ends as ineffective; at the top rung, and in cooldown, nothing is repeated.
  ASSERT_TRUE(wait_until(
      [&] { return http(tocsin.port(), "/api/v1/tocsin/actions").body.find("ineffective") != std::string::npos; }, 20s))
      << http(tocsin.port(), "/api/v1/tocsin/actions").body;
  EXPECT_EQ(read_text(folder / "log"), "run\n");
  // A restart remembers.
  tocsin.restart();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("ALERTS{alertname=\"TooSmall\",alertstate=\"firing\"}") == 1.0; }));
  ASSERT_TRUE(wait_until(
      [&] { return http(tocsin.port(), "/api/v1/tocsin/actions").body.find("\"reason\":\"\"") == std::string::npos; },
      20s));
  EXPECT_EQ(read_text(folder / "log"), "run\n");
}

TEST_F(Loop, SilencedAlertCausesNothing) {
  auto redis = start_redis(redis_port, folder);
  (void)silence(alertmanager_port, "TooSmall");
  folder.write("state", "small\n");
  const std::string set = folder.write("set.sh", fmt::format("#!/bin/sh\ntouch {}/ran\n", folder.path().string()));
  std::filesystem::permissions(set, std::filesystem::perms::owner_all);
  const std::string rules = folder.write(
      "rules.yml", "groups: [{name: g, rules: [{alert: TooSmall, expr: 'redis_connected_clients > 0'}]}]\n");
  Tocsin tocsin(config(fmt::format(R"(rule_files: ['{}']
actions:
  - name: grow
    when: TooSmall
    target: the-cache
    mode: auto
    ladder: [small, large]
    read: {{exec: [cat, {}/state]}}
    set: {{exec: [{}, "{{to}}"]}}
    timeout: 5s
    verify: {{clears_within: 10s}}
)",
                                   rules, folder.path().string(), set)));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until(
      [&] { return http(tocsin.port(), "/api/v1/tocsin/actions").body.find("silenced") != std::string::npos; }, 20s))
      << http(tocsin.port(), "/api/v1/tocsin/actions").body;
  EXPECT_FALSE(std::filesystem::exists(folder / "ran"));
}

TEST_F(Loop, ServesWhatPrometheusReads) {
  auto redis = start_redis(redis_port, folder);
  auto nginx = start_nginx(http_port);
  Tocsin tocsin(config(fmt::format(
      "probe_files: ['{}']\n",
      folder.write("more.yml", fmt::format("- {{job: shop, targets: ['http://127.0.0.1:{}/health']}}\n", http_port)))));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("probe_success") == 1.0 && tocsin.query("redis_up") == 1.0; }))
      << tocsin.child().output();
  // promtool reads it all. What its linter minds (exit status 3) are names that redis_exporter gave, and that
  // dashboards know.
  const std::string page = folder.write("metrics.txt", http(tocsin.port(), "/metrics").body);
  Child promtool({"sh", "-c", "promtool check metrics < " + page});
  const auto checked = promtool.wait_exit();
  EXPECT_TRUE(checked == 0 || checked == 3) << promtool.output();
  std::istringstream complaints(promtool.output());
  for (std::string line; std::getline(complaints, line);)
    EXPECT_TRUE(line.empty() || line.starts_with("redis_")) << line;

  // A real Prometheus that scrapes with the shipped job keeps job and instance.
  const auto prometheus_port = free_port();
  std::string job = read_text(std::filesystem::path(TOCSIN_SOURCE_DIR) / "examples/prometheus/scrape.yml");
  const std::string placeholder = "localhost:9477";
  job.replace(job.find(placeholder), placeholder.size(), fmt::format("127.0.0.1:{}", tocsin.port()));
  const std::string prometheus_config = folder.write("prometheus.yml", "global: {scrape_interval: 1s}\n" + job);
  Child prometheus({"prometheus", "--config.file=" + prometheus_config, "--storage.tsdb.path=" + (folder / "tsdb"),
                    fmt::format("--web.listen-address=127.0.0.1:{}", prometheus_port)});
  prometheus.wait_for_port(prometheus_port);
  const std::string expected = fmt::format("\"instance\":\"127.0.0.1:{}\",\"job\":\"cache\"", redis_port);
  EXPECT_TRUE(wait_until(
      [&] { return http(prometheus_port, "/api/v1/query?query=redis_up").body.find(expected) != std::string::npos; },
      30s))
      << http(prometheus_port, "/api/v1/query?query=redis_up").body << prometheus.output();
  EXPECT_NE(http(prometheus_port, "/api/v1/query?query=ALERTS").body.find("\"result\":[]"), std::string::npos)
      << "ALERTS are the scraper's own";

  EXPECT_NE(http(tocsin.port(), "/").body.find("Targets"), std::string::npos);
  EXPECT_EQ(http(tocsin.port(), "/-/healthy").status, 200U);
  EXPECT_EQ(http(tocsin.port(), "/nothing").status, 404U);
  EXPECT_EQ(http(tocsin.port(), "/metrics", "DELETE").status, 405U);
}

TEST_F(Loop, EvaluatesAllPublicRules) {
  auto redis = start_redis(redis_port, folder);
  Tocsin tocsin(config(fmt::format("rule_files: ['{}/tests/rules/public/*.yml']\n", TOCSIN_SOURCE_DIR)));
  tocsin.wait_ready();
  std::size_t rules = 0;
  ASSERT_TRUE(wait_until(
      [&] {
        rules = 0;
        const auto answer = http_json(tocsin.port(), "/api/v1/rules");
        for (const auto& group : answer.at("data").at("groups").as_array()) {
          if (group.at("file").as_string().starts_with("pack:")) continue;
          for (const auto& rule : group.at("rules").as_array()) rules += rule.at("health").as_string() == "ok" ? 1 : 0;
        }
        return rules == 45;
      },
      20s))
      << rules << " of 45 are healthy: " << http(tocsin.port(), "/api/v1/rules").body;
}

TEST_F(Loop, RuleThatJoinsEverythingFailsAloneAndTheJudgeGoesOn) {
  auto redis = start_redis(redis_port, folder);
  const std::string rules = folder.write("rules.yml", R"Y(groups:
  - name: heavy
    rules:
      - {record: everything, expr: 'count({__name__=~".+"} * on() group_left() {__name__=~".+"})'}
      - {alert: StillThere, expr: 'redis_up == 1'}
      - {alert: Twins, expr: 'label_replace({__name__=~"redis_(up|connected_clients)"}, "x", "y", "", "") >= 0'}
)Y");
  Tocsin tocsin(config(fmt::format("rule_files: ['{}']\n", rules)));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return told("StillThere"); }, 20s)) << tocsin.child().output();
  const std::string page = http(tocsin.port(), "/api/v1/rules").body;
  EXPECT_NE(page.find("\"health\":\"err\""), std::string::npos) << page;
  EXPECT_NE(page.find("vector contains metrics with the same labelset after applying alert labels"), std::string::npos)
      << page;
}

}  // namespace
}  // namespace tocsin::test
