// The executor among real commands: what it does, and what it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::AlertChange;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(ExecutorTest, ClimbsOneRungReadsItBackAndSeesTheAlertClear) {
  Platform platform;
  World world(platform, {platform.spec()});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
  EXPECT_EQ(platform.value(), "medium\n");
  EXPECT_EQ(platform.log(), "medium\n");
  EXPECT_TRUE(world.status().running);
  EXPECT_EQ(world.status().mode, "auto");
  world.now += seconds(90);
  world.resolve();
  ASSERT_TRUE(world.until(ActionStep::effective));
  EXPECT_EQ(world.steps(), "claimed preflight started succeeded verifying effective");
  EXPECT_EQ(world.asked.size(), 2U) << "once before the claim and once in the preflight";

  ASSERT_TRUE(world.idle());
  const ActionStatus status = world.status();
  EXPECT_EQ(status.step, ActionStep::effective);
  EXPECT_EQ(status.from, "small");
  EXPECT_EQ(status.to, "medium");
  const core::TimePoint succeeded = world.last(ActionStep::succeeded).at;
  EXPECT_TRUE(about(status.last_change, succeeded));
  EXPECT_TRUE(about(status.not_before, succeeded + minutes(30)));
  EXPECT_TRUE(about(status.not_before_down, succeeded + hours(2)));
  EXPECT_FALSE(status.breaker_open);

  ASSERT_TRUE(world.until([&] { return world.journal->recent(100)->size() >= 7; })) << "nobody waits for the last rows";
  const auto rows = world.journal->recent(100);
  ASSERT_EQ(rows->size(), 7U);
  EXPECT_EQ(rows->front().step, ActionStep::effective);
  EXPECT_EQ(rows->front().alert, "{alertname=\"Full\", job=\"cache\"}");
  for (std::size_t i = 0; i + 1 < rows->size(); ++i) EXPECT_EQ((*rows)[i].id, rows->front().id) << i;
}

TEST(ExecutorTest, AnAlertThatIsRepeatedRunsItOnce) {
  Platform platform;
  World world(platform, {platform.spec()});
  for (int i = 0; i < 5; ++i) world.fire();
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
  for (int i = 0; i < 5; ++i) {
    world.fire();
    world.settle(milliseconds(20));
  }
  EXPECT_EQ(platform.log(), "medium\n");
  EXPECT_EQ(world.count(ActionStep::skipped), 1U) << "said once: " << world.steps();
  EXPECT_THAT(world.last(ActionStep::skipped).reason, HasSubstr("is under way"));
  EXPECT_EQ(world.status().step, ActionStep::verifying) << "what is skipped does not hide the run";
}

TEST(ExecutorTest, AResolvedAlertThatIsToldAgainIsNoReasonToAct) {
  Platform platform;
  World world(platform, {platform.spec()});
  core::Alert resolved = World::alert();
  resolved.state = core::AlertState::inactive;
  resolved.resolved_at = world.now;
  world.tell(AlertChange::Kind::repeated, resolved);
  world.settle();
  EXPECT_EQ(world.records.size(), 0U);
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, OtherAlertsAndOtherLabelsDoNothing) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.when.emplace_back(core::Matcher::Kind::equal, "job", "other");
  World world(platform, {spec});
  world.fire();
  world.tell(AlertChange::Kind::firing, World::alert("Else"));
  world.tell(AlertChange::Kind::pending, World::alert());
  world.settle();
  EXPECT_EQ(world.records.size(), 0U);
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, ClimbsTheNextRungAfterTheCooldownAndStopsAtTheTop) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.clears_within = milliseconds(30);
  spec.breaker_after = 10;
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::ineffective) && world.idle());
  EXPECT_EQ(world.last(ActionStep::ineffective).reason, "the alert has not cleared within 0.03 s");
  world.fire();
  ASSERT_TRUE(world.until_said("cooldown until")) << world.last_reason();
  world.now += minutes(31);
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::ineffective, 2) && world.idle());
  EXPECT_EQ(platform.log(), "medium\nlarge\n");
  world.now += minutes(31);
  world.fire();
  ASSERT_TRUE(world.until_said("already at the top rung, large")) << world.last_reason();
  EXPECT_TRUE(world.status().at_end);
  EXPECT_EQ(platform.log(), "medium\nlarge\n");
}

TEST(ExecutorTest, LooksAgainByItselfWhenTheCooldownIsOver) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.clears_within = milliseconds(20);
  spec.cooldown_up = milliseconds(300);
  spec.breaker_after = 10;
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until([&] { return platform.log() == "medium\nlarge\n"; })) << world.steps();
}

TEST(ExecutorTest, ShadowSaysWhatItWouldDoOnceACooldown) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.mode = Mode::shadow;
  World world(platform, {spec});
  for (int i = 0; i < 3; ++i) {
    world.fire();
    world.settle(milliseconds(60));
  }
  EXPECT_EQ(world.steps(), "shadow");
  EXPECT_EQ(world.last_reason(), "would change cache from small to medium (mode shadow)");
  EXPECT_EQ(world.status().mode, "shadow");
  platform.value("medium");
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::shadow, 2)) << "another value is news";
  world.now += minutes(31);
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::shadow, 3)) << "and so is the same after the cooldown";
  EXPECT_EQ(platform.log(), "");
  EXPECT_EQ(world.asked.size(), 0U);
}

TEST(ExecutorTest, WithoutAJournalEveryActionIsShadow) {
  Platform platform;
  World world(platform, {platform.spec()}, false);
  EXPECT_EQ(world.status().mode, "shadow (no data folder)");
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::shadow));
  EXPECT_THAT(world.last(ActionStep::shadow).reason, HasSubstr("no data folder"));
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, ASilencedAlertCausesNothing) {
  Platform platform;
  World world(platform, {platform.spec()});
  world.suppression = [] { return core::Suppression{core::Suppression::State::silenced, {"a1b2"}, ""}; };
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "the alert is silenced by a1b2");
  EXPECT_EQ(world.steps(), "skipped");
  EXPECT_EQ(platform.log(), "");
  EXPECT_EQ(world.status().not_before, std::nullopt);
}

TEST(ExecutorTest, AnAnswerThatCannotBeHadHoldsUntilTheNextNotice) {
  Platform platform;
  World world(platform, {platform.spec()});
  world.suppression = []() -> core::Suppression { throw std::runtime_error("connection refused"); };
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "held: Alertmanager could not say whether the alert is silenced: connection refused");
  EXPECT_EQ(platform.log(), "");
  world.suppression = [] { return core::Suppression{core::Suppression::State::none, {}, ""}; };
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.steps();
  EXPECT_EQ(platform.log(), "medium\n");
}

TEST(ExecutorTest, AnAlertThatResolvesWhileAlertmanagerIsAskedCausesNothing) {
  Platform platform;
  World world(platform, {platform.spec()});
  world.suppression = [&world] {
    world.resolve();
    return core::Suppression{core::Suppression::State::none, {}, ""};
  };
  world.fire();
  ASSERT_TRUE(world.until([&] { return world.count(ActionStep::skipped) + world.count(ActionStep::effective) > 0; }));
  EXPECT_THAT(world.last_reason(), HasSubstr("the alert no longer fires"));
  EXPECT_EQ(platform.log(), "");
  const auto not_before = world.status().not_before;
  const auto now = world.clock();
  EXPECT_LE(not_before.value_or(now), now) << "nothing was done, so no cooldown";
}

TEST(ExecutorTest, CountsByAQuery) {
  Platform platform;
  platform.value("2");
  ActionSpec spec = platform.spec();
  spec.ladder.clear();
  spec.count.emplace();
  spec.count->max = 10;
  spec.count->target_value = 100;
  spec.count->of = "sum(load)";
  World world(platform, {spec});
  world.query = [](const std::string& expression) {
    return expression == "sum(load)" ? std::pair{std::optional<double>(), std::string("no series")}
                                     : std::pair{std::optional(1.0), std::string()};
  };
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "the value of sum(load) could not be had: no series");
  world.query = [](const std::string&) { return std::pair{std::optional(430.0), std::string()}; };
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded));
  EXPECT_EQ(platform.log(), "5\n");
}

TEST(ExecutorTest, TwoActionsOnOneTargetDoNotRunTogether) {
  Platform platform;
  ActionSpec first = platform.spec();
  ActionSpec second = platform.spec();
  second.name = "grow-too";
  World world(platform, {first, second});
  world.fire();
  ASSERT_TRUE(world.until([&] {
    return world.count(ActionStep::verifying) == 1 && world.count(ActionStep::skipped) >= 1;
  })) << world.steps();
  world.settle();
  EXPECT_EQ(world.count(ActionStep::started), 1U);
  EXPECT_EQ(platform.log(), "medium\n");
}

TEST(ExecutorTest, LimitsHoldOverAllTargets) {
  Platform platform;
  ActionSpec first = platform.spec();
  first.all = RateLimit{1, hours(1)};
  ActionSpec second = first;
  second.name = "other";
  second.target = "other";
  second.when_alert = "Other";
  World world(platform, {first, second});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::verifying));
  world.tell(AlertChange::Kind::firing, World::alert("Other"));
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_THAT(world.last_reason(), HasSubstr("limit: 1 changes of all targets within 3600 s"));
}

TEST(ExecutorTest, WhatIsAroundIsLookedAtInEachStep) {
  Platform platform;
  World world(platform, {platform.spec()});
  world.surroundings.cut_off = true;
  world.fire();
  ASSERT_TRUE(world.until_said("tocsin itself is cut off from the network"));
  EXPECT_EQ(platform.log(), "");
  world.surroundings.cut_off = false;
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.last_reason();
}

}  // namespace
}  // namespace tocsin::actions
