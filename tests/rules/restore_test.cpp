// What a process leaves behind, and what the next one makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "life.hpp"

namespace tocsin::rules {
namespace {

using core::AlertState;
using test::at_second;
using test::Life;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string alert(const std::string& more) {
  return "groups: [{name: g, rules: [{alert: A, expr: x > 1" + more + "}]}]";
}
std::string threshold_rule(const std::string& rest) { return "thresholds: [{alert: A, " + rest + "}]"; }

TEST(Restore, APendingAlertKeepsItsTimer) {
  Life life(alert(", for: 30s"));  // short ones too
  life.give(0.123, {{"x", 2}});
  EXPECT_THAT(life.changes(0.123), ElementsAre("pending{alertname=\"A\"}"));
  const RestoreReport report = life.restart(20);
  EXPECT_EQ(report.pending, 1U);
  EXPECT_EQ(report.away, std::chrono::milliseconds(19'877));
  EXPECT_TRUE(report.notes.empty());
  const RuleStatus rule = life.rule();
  ASSERT_EQ(rule.alerts.size(), 1U);
  EXPECT_EQ(rule.state, AlertState::pending);
  EXPECT_EQ(rule.alerts[0].active_at, at_second(0.123));
  EXPECT_EQ(rule.alerts[0].rule, "A");
  EXPECT_EQ(rule.alerts[0].group, "rules.yml;g");
  EXPECT_EQ(rule.alerts[0].expression, "x > 1");
  EXPECT_THAT(life.changes(30.122), IsEmpty());
  const Evaluation fired = life.evaluate(30.123);
  EXPECT_THAT(test::words(fired), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_EQ(fired.changes[0].alert.active_at, at_second(0.123));
}

TEST(Restore, AwayForLongerThanToleratedAPendingAlertWaitsAnew) {
  Life life(alert(", for: 3h"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  EXPECT_EQ(life.restart(3600).pending, 1U);
  const RestoreReport report = life.restart(3601);
  EXPECT_EQ(report.pending, 0U);
  EXPECT_EQ(report.begun_anew, 1U);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("tocsin was away for 1h1s: 1 pending alerts")));
  EXPECT_TRUE(life.rule().alerts.empty());
  life.give(3605, {{"x", 2}});
  const Evaluation begun = life.evaluate(3605);
  EXPECT_THAT(test::words(begun), ElementsAre("pending{alertname=\"A\"}"));
  EXPECT_EQ(begun.changes[0].alert.active_at, at_second(3605));
}

TEST(Restore, WhoKnowsBetterSaysWhenTheProcessWasAlive) {
  Life life(alert(", for: 3h"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  // Nothing changed for two hours, but something else saw the process alive a minute ago.
  const RestoreReport report = life.restart(7200, std::chrono::minutes(5), at_second(7140));
  EXPECT_EQ(report.pending, 1U);
  EXPECT_EQ(report.away, std::chrono::minutes(1));
  // By the group's own time, which is written every 10 s.
  for (int second = 15; second <= 7200; second += 15) {
    life.give(second, {{"x", 2}});
    (void)life.evaluate(second);
  }
  EXPECT_EQ(life.restart(7210, std::chrono::seconds(30)).away, std::chrono::seconds(10));
}

TEST(Restore, AFiringAlertIsNotToldAgainBeforeItsTime) {
  Life life(alert(", annotations: {s: 'has {{ $value }}'}"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(15, {{"x", 2}});
  (void)life.evaluate(15);
  const RestoreReport report = life.restart(20);
  EXPECT_EQ(report.firing, 1U);
  const core::Alert restored = life.rule().alerts.at(0);
  EXPECT_EQ(restored.fired_at, at_second(0));
  EXPECT_EQ(restored.value, 2);
  EXPECT_EQ(restored.annotations.get("s"), "has 2");
  EXPECT_EQ(restored.valid_until, at_second(240));
  for (const int second : {30, 45, 60}) {
    life.give(second, {{"x", 3}});
    EXPECT_THAT(life.changes(second), IsEmpty()) << second;
  }
  life.give(75, {{"x", 3}});
  EXPECT_THAT(life.changes(75), ElementsAre("repeated{alertname=\"A\"}"));
}

TEST(Restore, AFiringAlertIsUntoldHoweverLongItTook) {
  Life life(alert(", for: 30s, annotations: {s: 'has {{ $value }}'}"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  (void)life.evaluate(30);
  const double later = 3 * 86400;
  EXPECT_EQ(life.restart(later).firing, 1U);
  life.give(later + 1, {{"x", 0}});
  const Evaluation resolved = life.evaluate(later + 2);
  EXPECT_THAT(test::words(resolved), ElementsAre("resolved{alertname=\"A\"}"));
  EXPECT_EQ(resolved.changes[0].alert.fired_at, at_second(30));
  EXPECT_EQ(resolved.changes[0].alert.resolved_at, at_second(later + 2));
  EXPECT_EQ(resolved.changes[0].alert.annotations.get("s"), "has 2");
}

TEST(Restore, KeepFiringForGoesOn) {
  Life life(alert(", keep_firing_for: 60s"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(15, {{"x", 0}});
  (void)life.evaluate(15);
  (void)life.restart(20);
  EXPECT_EQ(life.rule().alerts.at(0).keep_firing_since, at_second(15));
  EXPECT_THAT(life.changes(60), IsEmpty());
  EXPECT_THAT(life.changes(75), ElementsAre("resolved{alertname=\"A\"}"));
  // And an end of it that was seen is seen after the restart, too.
  Life back(alert(", keep_firing_for: 60s"));
  back.give(0, {{"x", 2}});
  (void)back.evaluate(0);
  back.give(15, {{"x", 0}});
  (void)back.evaluate(15);
  back.give(30, {{"x", 2}});
  (void)back.evaluate(30);
  (void)back.restart(31);
  EXPECT_EQ(back.rule().alerts.at(0).keep_firing_since, std::nullopt);
}

TEST(Restore, AResolvedAlertIsToldForAQuarterOfAnHour) {
  Life life(alert(""));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(10, {{"x", 0}});
  (void)life.evaluate(15);
  EXPECT_EQ(life.memories.size(), 2U);  // the alert and the time
  std::vector<int> told;
  for (int second = 30; second <= 1200; second += 15) {
    if (second % 105 == 0) {
      EXPECT_EQ(life.restart(second - 1).resolved, second < 915 ? 1U : 0U) << second;
    }
    const Evaluation evaluation = life.evaluate(second);
    for (const core::AlertChange& change : evaluation.changes) {
      EXPECT_EQ(change.kind, core::AlertChange::Kind::repeated);
      EXPECT_EQ(change.alert.state, AlertState::inactive);
      EXPECT_EQ(change.alert.resolved_at, at_second(15));
      told.push_back(second);
    }
    EXPECT_TRUE(life.rule().alerts.empty());
    EXPECT_EQ(life.rule().state, AlertState::inactive);
  }
  EXPECT_THAT(told, ElementsAre(90, 165, 240, 315, 390, 465, 540, 615, 690, 765, 840, 915));
  EXPECT_EQ(life.memories.size(), 1U);  // its memory is gone
}

TEST(Restore, AResolvedAlertThatComesBackBeginsAnew) {
  for (const bool restarted : {false, true}) {
    Life life(alert(", for: 15s"));
    life.give(0, {{"x", 2}});
    (void)life.evaluate(0);
    (void)life.evaluate(15);
    life.give(20, {{"x", 0}});
    EXPECT_THAT(life.changes(30), ElementsAre("resolved{alertname=\"A\"}"));
    if (restarted) (void)life.restart(31);
    life.give(40, {{"x", 2}});
    const Evaluation pending = life.evaluate(45);
    EXPECT_THAT(test::words(pending), ElementsAre("pending{alertname=\"A\"}"));
    EXPECT_EQ(pending.changes[0].alert.resolved_at, std::nullopt);
    EXPECT_EQ(pending.changes[0].alert.active_at, at_second(45));
    EXPECT_THAT(life.changes(60), ElementsAre("firing{alertname=\"A\"}"));
    life.give(70, {{"x", 0}});
    EXPECT_THAT(life.changes(75), ElementsAre("resolved{alertname=\"A\"}"));
    life.give(80, {{"x", 2}});
    EXPECT_THAT(life.changes(90), ElementsAre("pending{alertname=\"A\"}"));
    life.give(95, {{"x", 0}});
    EXPECT_THAT(life.changes(105), ElementsAre("gone{alertname=\"A\"}"));
    EXPECT_THAT(life.changes(300), IsEmpty());
    EXPECT_EQ(life.memories.size(), 1U);
  }
}

TEST(Restore, ARuleIsKnownByItsNameAndLabels) {
  Life life(alert(", labels: {severity: page}"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.rules = "groups: [{name: g, rules: [{alert: A, expr: 'x > 0.5', for: 0s, labels: {severity: page}}]}]";
  EXPECT_EQ(life.restart(5).firing, 1U);
  EXPECT_EQ(life.rule().alerts.at(0).expression, "x > 0.5");
  EXPECT_THAT(life.changes(15), IsEmpty());
  // With a longer `for` it waits again.
  life.rules = "groups: [{name: g, rules: [{alert: A, expr: 'x > 0.5', for: 1m, labels: {severity: page}}]}]";
  (void)life.restart(20);
  EXPECT_THAT(life.changes(30), ElementsAre(R"(pending{alertname="A", severity="page"})"));
  EXPECT_THAT(life.changes(60), ElementsAre(R"(firing{alertname="A", severity="page"})"));
  // Other labels: another rule. What nobody claims is forgotten.
  life.rules = alert(", labels: {severity: warning}");
  const RestoreReport report = life.restart(65);
  EXPECT_EQ(report.firing, 0U);
  EXPECT_EQ(report.unclaimed, 1U);
  EXPECT_THAT(life.changes(75), ElementsAre(R"(firing{alertname="A", severity="warning"})"));
  EXPECT_EQ(life.memories.size(), 2U);
}

TEST(Restore, TwinsAreToldApart) {
  Life life(
      "groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 1m}, {alert: B, expr: x > 1}, {alert: A, expr: y > 1, "
      "for: 2m}]}]");
  life.give(0, {{R"(x{i="1"})", 2}, {R"(y{i="2"})", 2}});
  (void)life.evaluate(0);
  (void)life.restart(1);
  EXPECT_EQ(life.rule(0).alerts.at(0).labels.get("i"), "1");
  EXPECT_EQ(life.rule(1).alerts.at(0).labels.get("alertname"), "B");
  EXPECT_EQ(life.rule(2).alerts.at(0).labels.get("i"), "2");
}

TEST(Restore, OtherGroupsAreLeftAlone) {
  Life life(alert(""));
  Life other("groups: [{name: gg, rules: [{alert: A, expr: x > 1}]}]");
  for (Life* one : {&life, &other}) {
    one->give(0, {{"x", 2}});
    (void)one->evaluate(0);
  }
  EXPECT_TRUE(life.group->memory_prefix().starts_with(memory_root));
  EXPECT_FALSE(other.group->memory_prefix().starts_with(life.group->memory_prefix()));
  life.memories.insert(other.memories.begin(), other.memories.end());
  life.memories["something else"] = "?";
  const RestoreReport report = life.restart(1);
  EXPECT_EQ(report.firing, 1U);
  EXPECT_EQ(report.unclaimed + report.broken, 0U);
  (void)life.evaluate(15);
  EXPECT_EQ(life.memories.size(), 5U);
}

TEST(Restore, WhatIsBrokenIsForgottenWithANote) {
  Life life(alert(""));
  life.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}});
  (void)life.evaluate(0);
  const std::string prefix = life.group->memory_prefix();
  ASSERT_EQ(life.memories.size(), 3U);
  for (auto& [key, value] : life.memories) {
    if (key.find("2") != std::string::npos && key.find("alertname") != std::string::npos) value.pop_back();
  }
  life.memories[prefix + "?"] = "x";
  life.memories[prefix] = "";
  const RestoreReport report = life.restart(1);
  EXPECT_EQ(report.firing + report.broken, 4U);
  EXPECT_GE(report.broken, 3U);
  EXPECT_EQ(report.notes.size(), report.broken);
  EXPECT_THAT(report.notes.at(0) + report.notes.at(1) + report.notes.at(2), HasSubstr("cannot be read"));
  (void)life.evaluate(15);
  EXPECT_EQ(life.memories.size(), 3U);  // both alerts, and the time
}

TEST(Restore, TimesThatCannotBeAreNotBelieved) {
  Life life(alert(", for: 1m"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  // A group whose time was lost, and an alert that began in the future.
  std::erase_if(life.memories, [](const auto& memory) { return memory.first.find("alertname") == std::string::npos; });
  const RestoreReport report = life.restart(-100);
  EXPECT_EQ(report.away.count(), 0);
  EXPECT_LE(life.rule().alerts.at(0).active_at, at_second(-100));
}

TEST(Restore, ASteadyStateIsNotWritten) {
  Life life(alert(", for: 15s"), [] {
    GroupSettings settings;
    settings.interval = std::chrono::seconds(3);
    return settings;
  }());
  life.give(0, {{"x", 2}});
  EXPECT_EQ(life.evaluate(0).memories.size(), 2U);  // the alert and the time
  std::vector<int> alerts;
  std::vector<int> times;
  for (int second = 3; second <= 120; second += 3) {
    life.give(second, {{"x", 2.0 + second}});
    for (const core::Memory& memory : life.evaluate(second).memories) {
      (memory.key.find("alertname") == std::string::npos ? times : alerts).push_back(second);
    }
  }
  EXPECT_THAT(alerts, ElementsAre(15, 78));  // it fires, and is told again
  EXPECT_THAT(times, ElementsAre(12, 24, 36, 48, 60, 72, 84, 96, 108, 120));
  Life quiet(alert(""));
  quiet.give(0, {{"x", 0}});
  EXPECT_THAT(quiet.evaluate(0).memories, IsEmpty());
}

TEST(Restore, AGroupThatGoesForgetsAllThatItHasWritten) {
  for (const std::string& rules :
       {alert(", for: 1m"), threshold_rule("any: [{metric: x, above: 1}, {metric: y, above: 1}], hold_max: 1m")}) {
    Life life(rules);
    life.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}, {R"(y{i="1"})", 2}});
    (void)life.evaluate(0);
    life.give(10, {{R"(x{i="1"})", 2}});
    (void)life.evaluate(15);
    (void)life.evaluate(120);
    EXPECT_GE(life.memories.size(), 2U);
    Life copy = Life(rules);
    copy.memories = life.memories;
    for (const core::Memory& memory : life.group->forget()) {
      EXPECT_FALSE(memory.value);
      life.keep(memory);
    }
    EXPECT_TRUE(life.memories.empty());
    // And so does one that was restored.
    (void)copy.restart(125);
    for (const core::Memory& memory : copy.group->forget()) copy.keep(memory);
    EXPECT_TRUE(copy.memories.empty());
  }
}

TEST(Restore, AGroupThatIsReplacedLeavesItsStateToTheNext) {
  const std::string lines = "all: [{metric: x, above: 10, clear_below: 5}]";
  for (const auto& [before, after, value] :
       {std::tuple(alert(", for: 15s"), alert(", for: 15s, annotations: {s: new}"), 11.0),
        std::tuple(threshold_rule(lines), threshold_rule(lines + ", annotations: {s: new}"), 7.0)}) {
    Life life(before);
    life.give(0, {{"x", 11}});
    (void)life.evaluate(0);
    (void)life.evaluate(15);
    const auto old = life.memories;
    life.reload(after);
    EXPECT_EQ(life.memories, old);  // nothing is lost between the two
    life.give(20, {{"x", value}});
    const Evaluation evaluation = life.evaluate(30);
    EXPECT_THAT(test::words(evaluation), IsEmpty());
    EXPECT_EQ(evaluation.memories.size(), old.size());  // all of it is written anew
    for (const auto& [key, text] : life.memories) EXPECT_TRUE(old.contains(key));
    (void)life.restart(31);
    EXPECT_EQ(life.rule().state, AlertState::firing);
    life.give(40, {{"x", 0}});
    EXPECT_THAT(life.changes(45), ElementsAre("resolved{alertname=\"A\"}"));
  }
}

TEST(Restore, WhatTheNextDoesNotTakeOverIsForgotten) {
  Life life("groups: [{name: g, rules: [{alert: A, expr: x > 1}, {alert: B, expr: x > 1}]}]");
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  EXPECT_EQ(life.memories.size(), 3U);
  life.reload(alert(""));
  EXPECT_EQ(life.memories.size(), 2U);
  (void)life.evaluate(15);
  EXPECT_EQ(life.memories.size(), 2U);
  // Other words of a threshold: its alerts stay, what its lines were does not.
  Life reworded(threshold_rule("all: [{metric: x, above: 1}]"));
  reworded.give(0, {{"x", 2}});
  (void)reworded.evaluate(0);
  EXPECT_EQ(reworded.memories.size(), 4U);  // alert, names, series, time
  reworded.reload(threshold_rule("all: [{metric: x, above: 1.5}]"));
  EXPECT_EQ(reworded.memories.size(), 2U);
  (void)reworded.evaluate(15);
  EXPECT_EQ(reworded.memories.size(), 4U);
  (void)reworded.restart(16);
  EXPECT_EQ(reworded.rule().state, AlertState::firing);
}

TEST(Restore, AlertsOverTheLimitAreForgottenEverywhere) {
  Life life("groups: [{name: g, limit: 1, rules: [{alert: A, expr: x > 1}]}]");
  life.give(0, {{R"(x{i="1"})", 2}});
  (void)life.evaluate(0);
  EXPECT_EQ(life.memories.size(), 2U);
  life.give(10, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}});
  const Evaluation evaluation = life.group->evaluate(at_second(15), {});
  EXPECT_EQ(evaluation.errors.size(), 1U);
  for (const core::Memory& memory : evaluation.memories) life.keep(memory);
  EXPECT_EQ(life.memories.size(), 1U);
}

// Settling.

TEST(Settling, NothingEndsForWantOfData) {
  Life life(alert(", for: 30s, keep_firing_for: 30s"));
  life.give(0, {{R"(x{i="1"})", 2}});
  (void)life.evaluate(0);
  life.give(30, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}});
  EXPECT_EQ(life.changes(30).size(), 2U);  // 1 fires, 2 waits
  life.give(40, {});
  life.group->set_settling(true);
  for (const int second : {45, 60, 75}) EXPECT_THAT(life.changes(second), IsEmpty()) << second;
  EXPECT_EQ(life.rule().alerts.size(), 2U);
  EXPECT_TRUE(life.rule().alerts[0].held);
  EXPECT_EQ(life.rule().alerts[0].keep_firing_since, std::nullopt);
  EXPECT_THAT(life.changes(105), ElementsAre(HasSubstr("repeated")));
  // Others may begin, and what is known goes on.
  life.give(110, {{R"(x{i="2"})", 2}, {R"(x{i="3"})", 2}});
  EXPECT_THAT(life.changes(120), ElementsAre(R"(firing{alertname="A", i="2"})", R"(pending{alertname="A", i="3"})"));
  life.group->set_settling(false);
  EXPECT_THAT(life.changes(135), IsEmpty());
  EXPECT_EQ(life.rule().alerts.at(0).keep_firing_since, at_second(135));
  EXPECT_FALSE(life.rule().alerts.at(0).held);
  EXPECT_THAT(life.changes(165), testing::Contains(R"(resolved{alertname="A", i="1"})"));
}

TEST(Settling, OfAThresholdEndsWhatIsKnownToHaveEnded) {
  for (const std::string missing : {"hold", "resolve", "fire"}) {
    Life life(threshold_rule("all: [{metric: x, above: 1}], on_missing: " + missing));
    life.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}, {R"(x{i="3"})", 0}});
    EXPECT_EQ(life.changes(0).size(), 2U);
    (void)life.restart(20);
    life.group->set_settling(true);
    life.give(25, {});
    EXPECT_THAT(life.changes(30), IsEmpty()) << missing;
    life.give(40, {{R"(x{i="1"})", 0}});
    EXPECT_THAT(life.changes(45), ElementsAre(R"(resolved{alertname="A", i="1"})")) << missing;
    EXPECT_EQ(life.rule().alerts.at(0).labels.get("i"), "2");
    EXPECT_TRUE(life.rule().alerts.at(0).held);
  }
}

TEST(Settling, NoDoubtIsVoicedAndNothingForgotten) {
  Life life(threshold_rule("all: [{metric: x, above: 10, clear_below: 5}], hold_max: 1m"));
  life.give(0, {{"x", 11}});
  (void)life.evaluate(0);
  life.group->set_settling(true);
  life.give(10, {});
  for (int second = 15; second < 3600; second += 15) {
    for (const core::AlertChange& change : life.evaluate(second).changes) {
      EXPECT_EQ(change.kind, core::AlertChange::Kind::repeated);
    }
  }
  // Data comes back between both limits: it still is beyond.
  life.give(3600, {{"x", 7}});
  life.group->set_settling(false);
  (void)life.evaluate(3601);
  EXPECT_EQ(life.rule().state, AlertState::firing);
}

// The clock.

TEST(Clock, SetBackByAnHourNothingStandsStill) {
  Life life(alert(", for: 1m"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(30, {{"x", 2}});
  (void)life.evaluate(30);
  life.group->shift(std::chrono::seconds(-3600));
  EXPECT_EQ(life.rule().alerts.at(0).active_at, at_second(-3600));
  // The samples of before are in the future now: whoever gives them begins anew, too.
  life.store->close_block(life.block, at_second(31));
  const auto block = life.store->open_block("anew");
  core::SeriesTable table;
  const auto give = [&](double second) {
    table.begin();
    table.add(test::series("x"), 2);
    EXPECT_EQ(life.store->append(block, at_second(second), table.take()).appended, 1U);
  };
  give(-3570 + 14);
  const Evaluation next = life.evaluate(-3570 + 15);
  EXPECT_TRUE(next.errors.empty());  // ALERTS are written again, in a block of their own
  EXPECT_THAT(test::words(next), IsEmpty());
  EXPECT_EQ(life.rule().last_evaluation, at_second(-3570 + 15));
  give(-3570 + 29);
  EXPECT_THAT(life.changes(-3570 + 30), ElementsAre("firing{alertname=\"A\"}"));
}

TEST(Clock, SetBackUnsaidItGoesOnAsIfAnIntervalHadPassed) {
  GroupSettings settings;
  settings.interval = std::chrono::seconds(15);
  Life life(threshold_rule("all: [{metric: x, above: 1}], for: 1m"), settings);
  for (int second = 0; second <= 45; second += 15) {
    life.give(second, {{"x", 2}});
    (void)life.evaluate(second);
  }
  EXPECT_THAT(life.changes(40), IsEmpty());  // a slot that was passed already
  EXPECT_EQ(life.rule().last_evaluation, at_second(45));
  const Evaluation back = life.evaluate(-3600);
  EXPECT_TRUE(back.errors.empty());
  EXPECT_EQ(life.rule().last_evaluation, at_second(-3600));
  ASSERT_EQ(life.rule().alerts.size(), 1U);
  // The samples are in the future: it is held, and not resolved. Its timer goes on.
  EXPECT_EQ(life.rule().alerts[0].active_at, at_second(-3660));
  EXPECT_TRUE(life.rule().alerts[0].held);
  EXPECT_GE(life.memories.size(), 1U);
  (void)life.evaluate(-3585);
  EXPECT_EQ(life.rule().last_evaluation, at_second(-3585));
}

TEST(Clock, SetForwardNothingFiresByIt) {
  Life life(alert(", for: 10m, keep_firing_for: 10m"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(30, {{"x", 2}});
  (void)life.evaluate(30);
  const auto hour = std::chrono::hours(1);
  life.group->shift(hour);
  life.group->set_settling(true);
  EXPECT_THAT(test::words(life.evaluate_at(at_second(45) + hour)), IsEmpty());
  life.group->set_settling(false);
  life.give(3600 + 590, {{"x", 2}});
  EXPECT_THAT(life.changes(3600 + 599), IsEmpty());
  EXPECT_EQ(life.rule().alerts.at(0).active_at, at_second(3600));
  EXPECT_THAT(life.changes(3600 + 600), ElementsAre("firing{alertname=\"A\"}"));
  // The moved times are those that a restart sees.
  (void)life.restart(3600 + 601);
  EXPECT_EQ(life.rule().alerts.at(0).active_at, at_second(3600));
}

TEST(Clock, SetBackWhileTocsinWasAway) {
  Life life(alert(", for: 1m"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(30, {{"x", 2}});
  (void)life.evaluate(30);
  const RestoreReport report = life.restart(-3600, std::chrono::hours(1), at_second(40));
  EXPECT_EQ(report.away.count(), 0);
  EXPECT_EQ(report.pending, 1U);
  EXPECT_EQ(life.rule().alerts.at(0).active_at, at_second(-3640));
}

}  // namespace
}  // namespace tocsin::rules
