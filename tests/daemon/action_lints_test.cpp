#include "src/action_lints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/rule_look_back.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

constexpr const char* rule_text =
    "groups: [{name: g, rules: [\n"
    "  {record: 'slow:rate10m', expr: 'rate(x_total[10m])'},\n"
    "  {record: 'slower:avg', expr: 'avg_over_time(slow:rate10m[15m])'},\n"
    "  {record: loop, expr: 'avg_over_time(loop[1m])'},\n"
    "  {alert: Now, expr: 'x > 0', for: 1h},\n"
    "  {alert: Range, expr: 'rate(x_total[20m]) > 0 and y > 0'},\n"
    "  {alert: Recorded, expr: 'slower:avg > 0 or slow:rate10m > 5'},\n"
    "  {alert: Offset, expr: 'x offset 25m > 0'},\n"
    "  {alert: Subquery, expr: 'max_over_time(rate(x_total[5m])[30m:1m]) > 0'},\n"
    "  {alert: Kept, expr: 'x > 0', keep_firing_for: 12m},\n"
    "  {alert: Looped, expr: 'loop > 0'},\n"
    "  {alert: Two, expr: 'rate(x_total[5m]) > 0', labels: {system: a}},\n"
    "  {alert: Two, expr: 'rate(x_total[50m]) > 0', labels: {system: b}}]}]\n";
constexpr const char* threshold_text =
    "thresholds:\n"
    "  - {alert: Alarm, all: [{metric: x, above: 80}], average: 300s, breaches: 2 of 3}\n"
    "  - {alert: Plain, any: [{metric: 'slow:rate10m', above: 80}], for: 10m}\n";

std::optional<Loaded> load(const test::TempDir& dir, const std::string& rest, core::Diagnostics& diagnostics) {
  dir.write("rules.yml", rule_text);
  dir.write("thresholds.yml", threshold_text);
  return load_everything(dir.write("t.yml",
                                   "packs: []\nrule_files: [rules.yml, thresholds.yml]\n"
                                   "probes: [{job: a, targets: redis://h}]\n" +
                                       rest),
                         {}, diagnostics);
}

TEST(RuleLookBack, IsHowLongWhatWasIsStillSeen) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  const auto loaded = load(dir, "", diagnostics);
  ASSERT_TRUE(loaded) << diagnostics.render();
  const RuleLookBack back(loaded->groups);
  const std::pair<std::string, std::optional<minutes>> table[] = {
      {"Now", minutes{0}},       {"Range", minutes{20}}, {"Recorded", minutes{25}}, {"Offset", minutes{25}},
      {"Subquery", minutes{35}}, {"Kept", minutes{12}},  {"Looped", minutes{1}},    {"Two", minutes{50}},
      {"Alarm", minutes{15}},    {"Plain", minutes{10}}, {"Nothing", std::nullopt},
  };
  for (const auto& [alert, wanted] : table) {
    const auto found = back.of_alert(alert, {});
    EXPECT_EQ(found, wanted ? std::optional<core::Duration>(*wanted) : std::nullopt) << alert;
  }
  const core::Matcher a(core::Matcher::Kind::equal, "system", "a"), c(core::Matcher::Kind::equal, "system", "c");
  EXPECT_EQ(back.of_alert("Two", std::span(&a, 1)), minutes{5});
  EXPECT_EQ(back.of_alert("Two", std::span(&c, 1)), std::nullopt);
}

/// What is said of an action with these keys; of several, where `more` has them.
std::string said_of(const std::string& keys, const std::string& more = {}) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  const auto loaded = load(
      dir, "actions:\n  - {name: n, target: t, read: {exec: [r]}, set: {exec: [s, '{to}']}, " + keys + "}\n" + more,
      diagnostics);
  EXPECT_TRUE(loaded) << diagnostics.render();
  if (loaded) check_actions(*loaded, diagnostics);
  return diagnostics.render();
}
const std::string count = "count: {min: 1, max: 3}, limits: {per_target: 3/1h}, ";

TEST(ActionLints, AnActionMustNotBeFasterThanItsRule) {
  EXPECT_EQ(said_of(count + "when: Now, cooldown: {up: 1s}, verify: {clears_within: 1s}"), "");
  EXPECT_EQ(said_of(count + "when: Range, cooldown: {up: 20m}, verify: {clears_within: 20m}"), "");
  const std::string up = said_of(count + "when: Range, cooldown: {up: 19m}, verify: {clears_within: 20m}");
  EXPECT_THAT(up,
              HasSubstr("cooldown.up is 19m, too short: the rule of \"Range\" looks back 20m, so it would still see "
                        "what was before the change (write 20m or more)"));
  EXPECT_THAT(up, HasSubstr("t.yml:5:"));
  EXPECT_THAT(up, Not(HasSubstr("warning")));
  EXPECT_THAT(said_of(count + "when: Range, verify: {clears_within: 15m}"),
              HasSubstr("verify.clears_within is 15m, too short"));
  EXPECT_THAT(
      said_of(count + "when: Range, provisioning: 5m, cooldown: {up: 24m}, verify: {clears_within: 25m}"),
      HasSubstr("looks back 20m, and \"provisioning\" takes 5m, so it would still see what was before the change "
                "(write 25m or more)"));
  EXPECT_EQ(said_of(count + "when: Range, provisioning: 5m, cooldown: {up: 25m}, verify: {clears_within: 25m}"), "");
  EXPECT_THAT(said_of(count + "when: Alarm, cooldown: {up: 14m}, verify: {clears_within: 15m}"),
              HasSubstr("cooldown.up is 14m"));
  EXPECT_THAT(said_of(count + "when: Now, down: {when: Range}, cooldown: {down: 10m}"),
              HasSubstr("cooldown.down is 10m, too short"));
}

TEST(ActionLints, AnAlertMustBeDefined) {
  EXPECT_THAT(said_of(count + "when: Rang"),
              HasSubstr("warning: no rule that is loaded defines the alert \"Rang\" (did "
                        "you mean \"Range\"?)"));
  EXPECT_THAT(said_of(count + "when: 'Two{system=\"c\"}'"),
              HasSubstr("warning: no rule gives the alert \"Two\" these labels"));
  EXPECT_THAT(said_of(count + "when: Now, down: {when: Other}"), HasSubstr("defines the alert \"Other\""));
}

TEST(ActionLints, WhoElseScalesIsTold) {
  EXPECT_THAT(said_of(count + "when: Now, also_scaled_by: fly's autoscaler"),
              HasSubstr("warning: fly's autoscaler changes \"t\" as well: what it does is taken over"));
}

TEST(ActionLints, AutoNeedsALimit) {
  const std::string bare = "when: Now, count: {min: 1, max: 3}, mode: ";
  EXPECT_THAT(said_of(bare + "auto"), HasSubstr("warning: nothing limits how often \"n\" acts by itself"));
  EXPECT_EQ(said_of(bare + "shadow"), "");
  EXPECT_EQ(said_of(bare + "approve"), "");
  EXPECT_EQ(said_of(bare + "auto, limits: {all: 9/1h}"), "");
  EXPECT_EQ(said_of(bare + "auto", "guard: {changes: 9/1h}\n"), "");
}

TEST(ActionLints, AllOfATargetMustAgreeToShrinkIt) {
  const std::string second =
      "  - {name: two, target: t, read: {exec: [r]}, set: {exec: [s, '{to}']}, when: Looped, " + count;
  const std::string said = said_of(count + "when: Now, down: {when: Kept}", second + "mode: shadow}\n");
  EXPECT_THAT(said, HasSubstr("warning: the target \"t\" never shrinks: \"two\" has no \"down\""));
  EXPECT_EQ(said_of(count + "when: Now, down: {when: Kept}", second + "down: {when: Kept}}\n"), "");
  EXPECT_EQ(said_of(count + "when: Now", second + "mode: shadow}\n"), "");
}

TEST(ActionLints, WhatIsDividedMustBePromQL) {
  EXPECT_THAT(said_of("when: Now, count: {min: 1, max: 3, target_value: 5, of: 'sum(x'}"),
              HasSubstr("\"of\" is no PromQL: 1:6: parse error"));
}

TEST(Loaded, KeepsSamplesForWhatActionsAsk) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  const auto loaded = load(dir,
                           "actions:\n  - {name: n, target: t, read: {exec: [r]}, set: {exec: [s, '{to}']}, when: Now, "
                           "count: {min: 1, max: 3, target_value: 5, of: 'rate(x_total[3h])'}}\n",
                           diagnostics);
  ASSERT_TRUE(loaded) << diagnostics.render();
  EXPECT_GE(loaded->retention(), hours{3});
  EXPECT_GE(loaded->store_limits().at_hand, hours{3});
}

TEST(Loaded, WhatNoRuleLooksBackOnNeedsNoMemory) {
  const test::TempDir dir;
  core::Diagnostics diagnostics;
  const auto loaded = load(dir, "", diagnostics);
  ASSERT_TRUE(loaded) << diagnostics.render();
  EXPECT_EQ(loaded->store_limits().at_hand, minutes{51}) << "the longest range, and a minute";
  EXPECT_EQ(loaded->look_back(core::Duration{0}), minutes{50});
  EXPECT_EQ(loaded->look_back(hours{2}), hours{2} + minutes{25}) << "an instant selector with an offset";
}

}  // namespace
}  // namespace tocsin::daemon
