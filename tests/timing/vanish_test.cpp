// A host that vanishes: its packets are dropped, no FIN and no RST tells of it. Needs root, for a network namespace of
// its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "real/house.hpp"
#include "support/other_host.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(VanishingHost, IsAtAlertmanagerWithinIntervalTimeoutAndConfirm) {
  if (!OtherHost::possible()) GTEST_SKIP() << "needs root and network namespaces";
  TempDir folder;
  const OtherHost host;
  const auto port = free_port(), alertmanager_port = free_port();
  Child redis({"ip", "netns", "exec", host.name(), "redis-server", "--port", std::to_string(port), "--bind",
               host.address(), "--protected-mode", "no", "--save", "", "--dir", folder.path().string()});
  auto alertmanager = start_alertmanager(alertmanager_port, folder);
  const std::string rules =
      folder.write("rules.yml", "groups: [{name: g, rules: [{alert: Gone, expr: 'redis_up == 0', for: 0m}]}]\n");
  Tocsin tocsin(
      fmt::format(R"(global: {{probe_interval: 2s, probe_timeout: 1s, confirm: 500ms, evaluation_interval: 15s}}
packs: []
probes: [{{job: cache, targets: ['redis://{}:{}']}}]
rule_files: ['{}']
alertmanagers: ['http://127.0.0.1:{}']
)",
                  host.address(), port, rules, alertmanager_port));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("redis_up") == 1.0; })) << tocsin.child().output();
  const auto vanished = Clock::now();
  host.vanish();
  ASSERT_TRUE(wait_until([&] { return !alerts_at(alertmanager_port, "Gone").empty(); })) << tocsin.child().output();
  const auto took = Clock::now() - vanished;
  // interval + timeout + confirm, 0.1 s for the way, and 0.1 s for asking Alertmanager's API here.
  EXPECT_LE(took, 2s + 1s + 500ms + 200ms) << std::chrono::duration<double>(took).count() << " s";
  RecordProperty("seconds", std::to_string(std::chrono::duration<double>(took).count()));
}

}  // namespace
}  // namespace tocsin::test
