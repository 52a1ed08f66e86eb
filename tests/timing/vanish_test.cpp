// A host that vanishes: its packets are dropped, no FIN and no RST tells of it. Needs root, for a network namespace of
// its own.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "real/house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A second host on this machine: a namespace, and a pair of virtual interfaces to it.
class OtherHost {
 public:
  OtherHost() {
    const auto id = static_cast<unsigned>(::getpid()) % 4096;
    name_ = fmt::format("tocsin{}", id);
    const std::string here = fmt::format("10.213.{}.{}", id / 64, id % 64 * 4 + 1);
    address_ = fmt::format("10.213.{}.{}", id / 64, id % 64 * 4 + 2);
    run(fmt::format("ip netns add {0} && ip link add {0}a type veth peer name {0}b netns {0}", name_));
    run(fmt::format("ip addr add {1}/30 dev {0}a && ip link set {0}a up", name_, here));
    run(fmt::format("ip -n {0} addr add {1}/30 dev {0}b && ip -n {0} link set {0}b up && ip -n {0} link set lo up",
                    name_, address_));
  }
  ~OtherHost() { static_cast<void>(std::system(fmt::format("ip netns del {} 2>/dev/null", name_).c_str())); }
  OtherHost(const OtherHost&) = delete;
  OtherHost& operator=(const OtherHost&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  void vanish() const { run(fmt::format("ip netns exec {} iptables -A INPUT -j DROP", name_)); }

 private:
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  std::string name_, address_;
};

TEST(VanishingHost, IsAtAlertmanagerWithinIntervalTimeoutAndConfirm) {
  if (::geteuid() != 0 ||
      std::system(
          "ip netns add tocsin-try && ip netns exec tocsin-try true; good=$?; ip netns del tocsin-try; exit $good") !=
          0) {
    GTEST_SKIP() << "needs root and network namespaces";
  }
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
