// tocsin itself loses its network: nothing fires and nothing resolves by it, and one alert says so.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "real/house.hpp"
#include "support/other_host.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

class CutOff : public testing::Test {
 protected:
  void SetUp() override {
    if (!OtherHost::possible()) GTEST_SKIP() << "needs root and network namespaces";
    host.emplace();
    redis.emplace(std::vector<std::string>{"ip", "netns", "exec", host->name(), "redis-server", "--port",
                                           std::to_string(port), "--bind", host->address(), "--protected-mode", "no",
                                           "--save", "", "--dir", folder.path().string()});
    alertmanager = start_alertmanager(alertmanager_port, folder);
    folder.write("rules.yml", R"(groups:
  - name: g
    rules:
      - {alert: Gone, expr: redis_up == 0}
      - {alert: Missing, expr: 'absent(redis_up{job="cache"})'}
      - {alert: Present, expr: redis_up == 1}
)");
    tocsin.emplace(fmt::format(
        R"(global: {{probe_interval: 500ms, probe_timeout: 400ms, confirm: 100ms, evaluation_interval: 500ms, resend_delay: 1s}}
packs: [tocsin]
probes: [{{job: cache, targets: ['redis://{0}:{1}']}}]
connectivity: {{targets: ['icmp://{0}', 'icmp://10.213.255.254'], timeout: 300ms, interval: 500ms}}
rule_files: ['{2}']
alertmanagers: ['http://127.0.0.1:{3}']
)",
        host->address(), port, folder / "rules.yml", alertmanager_port));
    tocsin->wait_ready();
    ASSERT_TRUE(wait_until([this] { return at_alertmanager("Present"); })) << tocsin->child().output();
  }
  [[nodiscard]] bool at_alertmanager(const std::string& name) const {
    return !alerts_at(alertmanager_port, name).empty();
  }

  TempDir folder;
  std::uint16_t port = free_port(), alertmanager_port = free_port();
  std::optional<OtherHost> host;
  std::optional<Child> redis;
  std::unique_ptr<Child> alertmanager;
  std::optional<Tocsin> tocsin;
};

TEST_F(CutOff, NothingFiresOrResolvesAndOneAlertSaysSo) {
  host->vanish();
  ASSERT_TRUE(wait_until([this] { return at_alertmanager("TocsinCutOff"); })) << tocsin->child().output();
  EXPECT_TRUE(wait_until([this] { return tocsin->metric("tocsin_probes_withheld_total") >= 5.0; }));
  EXPECT_EQ(tocsin->metric("tocsin_connectivity"), 0.0);
  EXPECT_FALSE(at_alertmanager("Gone"));
  EXPECT_FALSE(at_alertmanager("Missing"));
  EXPECT_TRUE(at_alertmanager("Present")) << "what fired before still does";
  host->come_back();
  ASSERT_TRUE(wait_until([this] { return tocsin->metric("tocsin_connectivity") == 1.0; }));
  ASSERT_TRUE(wait_until([this] { return tocsin->metric("tocsin_settling") == 0.0; }));
  EXPECT_TRUE(wait_until([this] { return !at_alertmanager("TocsinCutOff"); }, 20s));
  EXPECT_FALSE(at_alertmanager("Gone"));
  EXPECT_TRUE(at_alertmanager("Present"));
  const auto [status, text] =
      run_tocsin({"history", "--kind", "alert", "--url", fmt::format("http://127.0.0.1:{}", tocsin->port())});
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text.find("resolved   Present"), std::string::npos) << text;
  EXPECT_EQ(text.find("Gone"), std::string::npos) << text;
}

TEST_F(CutOff, AFailureWithTheNetworkInPlaceIsBelieved) {
  redis->kill();
  ASSERT_TRUE(wait_until([this] { return at_alertmanager("Gone"); })) << tocsin->child().output();
  EXPECT_FALSE(at_alertmanager("TocsinCutOff"));
  EXPECT_EQ(tocsin->metric("tocsin_connectivity"), 1.0);
}

}  // namespace
}  // namespace tocsin::test
