// A window of maintenance, from end to end: with a real Alertmanager, an action that would be taken, and a reload that
// ends the window.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "real/house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Maintenance : public testing::Test {
 protected:
  Maintenance() {
    folder.write("state", "1\n");
    folder.write("rules.yml",
                 "groups: [{name: g, rules: [{alert: Small, expr: 'vector(1)', labels: {system: shop}},\n"
                 "  {alert: Other, expr: 'vector(1)', labels: {system: other}}]}]\n");
    const std::string set = folder.write("set.sh", fmt::format("#!/bin/sh\necho \"$1\" > {}/state\n", path()));
    std::filesystem::permissions(set, std::filesystem::perms::owner_all);
  }
  std::string path() const { return folder.path().string(); }
  std::string config(const std::string& maintenance) const {
    return fmt::format(R"(global: {{probe_interval: 1s, evaluation_interval: 1s, resend_delay: 1s}}
probes: [{{job: self, targets: ["tcp://127.0.0.1:{1}"]}}]
rule_files: ["{0}/rules.yml"]
storage: {{path: "{0}/data"}}
web: {{enable_lifecycle: true}}
alertmanagers: ["http://127.0.0.1:{1}"]
actions:
  - name: grow
    when: Small
    target: shop
    mode: auto
    count: {{min: 1, max: 2}}
    read: {{exec: [cat, "{0}/state"]}}
    set: {{exec: ["{0}/set.sh", "{{to}}"]}}
    limits: {{per_target: 1/1h}}
maintenance:
  - {{match: '{{system="shop"}}', from: "00:00", to: "00:00", days: [sun, mon, tue, wed, thu, fri, sat]{2}}}
)",
                       path(), alertmanager_port, maintenance);
  }
  std::string seen_of_actions(const Tocsin& tocsin) const { return http(tocsin.port(), "/api/v1/tocsin/actions").body; }
  bool told(const std::string& alert) const { return !alerts_at(alertmanager_port, alert).empty(); }

  TempDir folder;
  std::uint16_t alertmanager_port = free_port();
  std::unique_ptr<Child> alertmanager = start_alertmanager(alertmanager_port, folder);
};

TEST_F(Maintenance, HoldsActionsAndMayKeepPeopleInPeaceUntilItIsOver) {
  Tocsin tocsin(config(", alerts: false"));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return told("Other"); }, 20s)) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return seen_of_actions(tocsin).find("maintenance") != std::string::npos; }, 20s))
      << seen_of_actions(tocsin);
  EXPECT_THAT(seen_of_actions(tocsin), HasSubstr("00:00-00:00 UTC"));
  EXPECT_FALSE(told("Small"));
  EXPECT_EQ(read_text(folder / "state"), "1\n");
  // Nobody is owed it either: a restart tells no more.
  tocsin.restart();
  tocsin.wait_ready();
  ASSERT_TRUE(
      wait_until([&] { return tocsin.query("ALERTS{alertname=\"Small\",alertstate=\"firing\"}") == 1.0; }, 20s));
  EXPECT_FALSE(told("Small"));
  EXPECT_EQ(read_text(folder / "state"), "1\n");

  std::string over = config("");
  over.replace(over.find("system=\"shop\""), 13, "system=\"nowhere\"");
  tocsin.write_config(over);
  EXPECT_EQ(http(tocsin.port(), "/-/reload", "POST").status, 200U);
  ASSERT_TRUE(wait_until([&] { return told("Small"); }, 20s)) << "what still fires is told then";
  ASSERT_TRUE(wait_until([&] { return read_text(folder / "state") == "2\n"; }, 20s)) << seen_of_actions(tocsin);
}

TEST_F(Maintenance, LetsAlertsGoOnUnlessItIsAsked) {
  Tocsin tocsin(config(""));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return told("Small"); }, 20s)) << tocsin.child().output();
  ASSERT_TRUE(wait_until([&] { return seen_of_actions(tocsin).find("maintenance") != std::string::npos; }, 20s))
      << seen_of_actions(tocsin);
  EXPECT_EQ(read_text(folder / "state"), "1\n");
}

}  // namespace
}  // namespace tocsin::test
