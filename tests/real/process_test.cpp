// The process: starting, bad input, reloading, stopping.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>

#include "real/house.hpp"
#include "support/fake_peer.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

std::string one_redis(std::uint16_t port, const std::string& more = "") {
  return fmt::format(
      "global: {{probe_interval: 1s, probe_timeout: 1s, evaluation_interval: 1s}}\nprobes:\n  - {{job: cache, targets: "
      "['redis://127.0.0.1:{}']}}\n{}",
      port, more);
}

TEST(Start, PortInUseIsToldWithWhatToDo) {
  TempDir folder;
  const auto port = free_port();
  auto redis = start_redis(port, folder);
  const auto [status, output] = run_tocsin(
      {"run", "--config", folder.write("t.yml", one_redis(port)), "--listen", fmt::format("127.0.0.1:{}", port)});
  EXPECT_EQ(status, 1);
  EXPECT_NE(output.find(fmt::format("127.0.0.1:{}", port)), std::string::npos) << output;
  EXPECT_NE(output.find("in use"), std::string::npos) << output;
}

TEST(Start, UnreadableSecretIsToldByItsFile) {
  TempDir folder;
  const std::string config = folder.write(
      "t.yml", "probes:\n  - job: cache\n    targets: ['redis://127.0.0.1:1']\n    password_file: /nowhere/secret\n");
  const auto [status, output] = run_tocsin({"run", "--config", config, "--listen", "127.0.0.1:0"});
  EXPECT_EQ(status, 1);
  EXPECT_NE(output.find("t.yml:4:"), std::string::npos) << output;
  EXPECT_NE(output.find("/nowhere/secret"), std::string::npos) << output;
  EXPECT_EQ(run_tocsin({"check", config}).first, 0) << "only the service has its credentials";
  EXPECT_EQ(run_tocsin({"check", "--as-service", config}).first, 1);
  EXPECT_EQ(run_tocsin({"check", "--lint-fatal", config}).first, 3);
}

TEST(CommandLine, WrongUsageIsTwo) {
  EXPECT_EQ(run_tocsin({}).first, 2);
  EXPECT_EQ(run_tocsin({"run", "--nonsense"}).first, 2);
  EXPECT_EQ(run_tocsin({"--help"}).first, 0);
  EXPECT_EQ(run_tocsin({"version"}).first, 0);
}

TEST(Check, PrintsTheEffectiveConfigurationWithoutSecrets) {
  TempDir folder;
  const std::string config =
      folder.write("t.yml", "probes:\n  - {job: cache, targets: ['redis://user:hunter2@127.0.0.1:1'], interval: 7s}\n");
  const auto [status, output] = run_tocsin({"check", "-T", config});
  EXPECT_EQ(status, 0) << output;
  EXPECT_NE(output.find("7s"), std::string::npos);
  EXPECT_EQ(output.find("hunter2"), std::string::npos) << output;
}

TEST(Check, HoldsTheUnitsStopTimeoutAgainstTheActions) {
  TempDir folder;
  const std::string config = folder.write("t.yml", R"(probes: [{job: cache, targets: ['redis://127.0.0.1:1']}]
actions:
  - {name: a, when: X, target: t, mode: auto, ladder: [s, l], read: {exec: [cat, x]}, set: {exec: [echo, "{to}"]}, timeout: 200s, verify: {clears_within: 10m}}
)");
  const std::string unit = std::string(TOCSIN_SOURCE_DIR) + "/systemd/tocsin.service";
  const auto [status, output] = run_tocsin({"check", "--unit", unit, config});
  EXPECT_EQ(status, 1);
  EXPECT_NE(output.find("TimeoutStopSec"), std::string::npos) << output;
}

class Reload : public testing::Test {
 protected:
  TempDir folder;
  std::uint16_t redis_port = free_port();
  std::unique_ptr<Child> redis = start_redis(redis_port, folder);
  std::string rules =
      folder.write("rules.yml", "groups: [{name: g, rules: [{alert: Slow, expr: 'redis_up == 1', for: 1h}]}]\n");

  std::string active_since(const Tocsin& tocsin) const {
    const auto answer = http_json(tocsin.port(), "/api/v1/alerts");
    for (const auto& alert : answer.at("data").at("alerts").as_array()) {
      if (alert.at("labels").at("alertname").as_string() == "Slow") return alert.at("activeAt").as_string().c_str();
    }
    return "";
  }
};

TEST_F(Reload, BadFileKeepsTheOldConfigurationAndLosesNothing) {
  const std::string good =
      one_redis(redis_port, fmt::format("rule_files: ['{}']\nweb: {{enable_lifecycle: true}}\n", rules));
  Tocsin tocsin(good);
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return !active_since(tocsin).empty(); }));
  const std::string since = active_since(tocsin);
  EXPECT_EQ(tocsin.metric("tocsin_config_last_reload_successful"), 1.0);

  tocsin.write_config(good + "nonsense: 1\n");
  const Answer refused = http(tocsin.port(), "/-/reload", "POST");
  EXPECT_EQ(refused.status, 500U);
  EXPECT_NE(refused.body.find("nonsense"), std::string::npos) << refused.body;
  EXPECT_EQ(tocsin.metric("tocsin_config_last_reload_successful"), 0.0);
  EXPECT_TRUE(wait_until([&] { return tocsin.query("blackbox_exporter_config_last_reload_successful") == 0.0; }))
      << "rules can judge it";
  EXPECT_EQ(active_since(tocsin), since);

  tocsin.write_config(good);
  const auto [status, output] = run_tocsin({"reload", "--wait", "--socket", tocsin.folder() / "tocsin.sock"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_EQ(tocsin.metric("tocsin_config_last_reload_successful"), 1.0);
  EXPECT_EQ(active_since(tocsin), since) << "a reload that changes nothing restarts nothing";
}

TEST_F(Reload, OnlyWhatChangedStartsAnew) {
  Tocsin tocsin(one_redis(redis_port, fmt::format("rule_files: ['{}']\n", rules)));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return !active_since(tocsin).empty(); }));
  const std::string since = active_since(tocsin);
  const auto connections = tocsin.query("redis_connections_received_total");
  const auto http_port = free_port();
  auto nginx = start_nginx(http_port);
  folder.write("rules.yml",
               "groups: [{name: g, rules: [{alert: Slow, expr: 'redis_up == 1', for: 1h, annotations: {a: b}}, {alert: "
               "Other, expr: 'vector(1)'}]}]\n");
  tocsin.write_config(one_redis(
      redis_port, fmt::format("  - {{job: shop, targets: ['http://127.0.0.1:{}/health']}}\nrule_files: ['{}']\n",
                              http_port, rules)));
  tocsin.child().signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return tocsin.query("probe_success") == 1.0; })) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("ALERTS{alertname=\"Other\"}") == 1.0; }));
  EXPECT_EQ(active_since(tocsin), since) << "an alert of a changed group keeps its timer";
  EXPECT_EQ(tocsin.query("redis_connections_received_total"), connections)
      << "the unchanged target kept its connection";
}

TEST_F(Reload, IsRefusedOverHttpUnlessEnabled) {
  Tocsin tocsin(one_redis(redis_port));
  tocsin.wait_ready();
  EXPECT_EQ(http(tocsin.port(), "/-/reload", "POST").status, 403U);
  EXPECT_EQ(http(tocsin.port(), "/-/reload").status, 405U);
}

TEST_F(Reload, RemovedTargetLeavesNoValues) {
  Tocsin tocsin(one_redis(redis_port));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("redis_up") == 1.0; }));
  tocsin.write_config("probes: []\n");
  tocsin.child().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return !tocsin.query("redis_up").has_value(); }));
}

class Stop : public testing::Test {
 protected:
  TempDir folder;
  std::uint16_t redis_port = free_port(), alertmanager_port = free_port();
  std::unique_ptr<Child> redis = start_redis(redis_port, folder);
  std::unique_ptr<Child> alertmanager = start_alertmanager(alertmanager_port, folder);

  std::string with_slow_action(const std::string& script, const std::string& timeout) {
    folder.write("state", "small\n");
    const std::string set = folder.write("set.sh", "#!/bin/sh\n" + script);
    std::filesystem::permissions(set, std::filesystem::perms::owner_all);
    const std::string rules =
        folder.write("rules.yml", "groups: [{name: g, rules: [{alert: TooSmall, expr: 'redis_up == 1'}]}]\n");
    return one_redis(redis_port, fmt::format(R"(rule_files: ['{0}']
alertmanagers: ['http://127.0.0.1:{1}']
actions:
  - name: grow
    when: TooSmall
    target: t
    mode: auto
    ladder: [small, large]
    read: {{exec: [cat, {2}/state]}}
    set: {{exec: [{3}, "{{to}}"]}}
    timeout: {4}
    verify: {{clears_within: 1h}}
)",
                                             rules, alertmanager_port, folder.path().string(), set, timeout));
  }
};

TEST_F(Stop, LetsARunningActionFinish) {
  const std::string go = folder / "go";
  Tocsin tocsin(with_slow_action(
      fmt::format("touch {0}/started\nwhile [ ! -e {1} ]; do sleep 0.05; done\necho \"$1\" > {0}/state\n",
                  folder.path().string(), go),
      "20s"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(folder / "started"); }, 20s)) << tocsin.child().output();
  tocsin.child().signal(SIGTERM);
  tocsin.child().wait_for_output("stopping");
  EXPECT_TRUE(tocsin.child().running());
  folder.write("go", "");
  EXPECT_EQ(tocsin.child().wait_exit(), 0) << tocsin.child().output();
  EXPECT_EQ(read_text(folder / "state"), "large\n");
}

TEST_F(Stop, JournalsUnknownWhenTheActionHangs) {
  Tocsin tocsin(with_slow_action(fmt::format("touch {}/started\nexec sleep 600\n", folder.path().string()), "1s"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(folder / "started"); }, 20s)) << tocsin.child().output();
  tocsin.child().signal(SIGTERM);
  EXPECT_EQ(tocsin.child().wait_exit(30s), 0);
  EXPECT_NE(tocsin.child().output().find("action unknown"), std::string::npos) << tocsin.child().output();
}

TEST_F(Stop, WithoutADataFolderEveryActionIsShadow) {
  const std::string config = with_slow_action("exit 1\n", "1s");
  Tocsin tocsin(config, {"--data-dir", "/proc/nowhere"});
  tocsin.wait_ready();
  EXPECT_TRUE(wait_until(
      [&] { return http(tocsin.port(), "/api/v1/tocsin/actions").body.find("shadow") != std::string::npos; }));
  EXPECT_EQ(tocsin.metric("tocsin_journal_usable"), 0.0);
}

TEST(Probing, TargetThatHangsIsATimeoutAndNothingElse) {
  TempDir folder;
  FakePeer mute([](FakeConnection& connection) { (void)connection.read_until("never said"); });
  Tocsin tocsin(
      fmt::format("global: {{probe_interval: 1s, probe_timeout: 300ms, confirm: 0s}}\nprobes: [{{job: cache, targets: "
                  "['redis://127.0.0.1:{}']}}]\n",
                  mute.port()));
  tocsin.wait_ready();
  EXPECT_TRUE(wait_until([&] {
    return tocsin.query("tocsin_probe_failures_total{class=\"timeout\",job=\"cache\"} > 0").has_value();
  })) << tocsin.child().output();
  EXPECT_EQ(tocsin.query("redis_up"), 0.0);
}

TEST(Probing, PasswordNeverShows) {
  TempDir folder;
  const auto port = free_port();
  auto redis = start_redis(port, folder, {"--requirepass", "correct-horse"});
  Tocsin tocsin(fmt::format("global: {{probe_interval: 1s, confirm: 0s}}\nprobes: [{{job: cache, targets: "
                            "['redis://:battery-staple@127.0.0.1:{}']}}]\n",
                            port),
                {"--log-level", "debug"});
  tocsin.wait_ready();
  EXPECT_TRUE(wait_until([&] {
    return tocsin.query("tocsin_probe_failures_total{class=\"auth\",job=\"cache\"} > 0").has_value();
  })) << tocsin.child().output();
  std::string everything = tocsin.child().output();
  for (const char* path : {"/", "/metrics", "/api/v1/targets", "/api/v1/rules", "/api/v1/alerts"})
    everything += http(tocsin.port(), path).body;
  EXPECT_EQ(everything.find("battery-staple"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::test
