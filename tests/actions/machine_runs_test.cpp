// A run from its claim to its end: what is on disk when, what is read back, and what a restart finds.
#include <algorithm>
#include <functional>

#include "actions/machine_test_support.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MachineRunsTest, EveryStepIsOnDiskBeforeWhatItSpeaksOf) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  EXPECT_EQ(world.steps(), "proposed claimed");
  world.advance(seconds(1));
  EXPECT_EQ(world.steps(), "proposed claimed preflight");
  world.advance(seconds(1));
  EXPECT_EQ(world.steps(), "proposed claimed preflight started");
  EXPECT_THAT(world.made(), IsEmpty());
  world.advance(seconds(1));
  EXPECT_EQ(world.made().size(), 1U);
  world.resolve("Busy");
  world.advance(seconds(5));
  EXPECT_EQ(world.steps(), "proposed claimed preflight started succeeded verifying effective");
}

TEST(MachineRunsTest, WhatCannotBeWrittenDownIsNotDone) {
  JudgedWorld world(settings_with({count_action()}));
  world.writes = Writes::fails;
  world.fire("Busy");
  world.advance(minutes(3));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("could not be written down: the disk is full"));
  world.writes = Writes::well;
  world.advance(minutes(2));
  EXPECT_EQ(world.made().size(), 1U);
}

// Property 11.
TEST(MachineRunsTest, IsEffectiveOnlyIfTheValueIsThereAndTheAlertClearsInTime) {
  JudgedWorld helps(settings_with({count_action()}));
  helps.fire("Busy");
  EXPECT_TRUE(helps.status("more").running);
  helps.advance(minutes(9));
  helps.resolve("Busy");
  EXPECT_EQ(helps.status("more").step, ActionStep::effective);

  JudgedWorld in_vain(settings_with({count_action()}));
  in_vain.fire("Busy");
  in_vain.advance(minutes(11));
  EXPECT_EQ(in_vain.last("more", ActionStep::ineffective).reason, "the alert has not cleared within 600 s");

  JudgedWorld lies(settings_with({count_action()}));
  lies.platform("web").calls = Calls::nothing;
  lies.fire("Busy");
  lies.advance(minutes(2));
  EXPECT_EQ(lies.last("more", ActionStep::failed).reason, "the call ended well, but read back 2 instead of 3");
  EXPECT_EQ(lies.status("more").failures_in_row, 1U);
}

// Property 13.
TEST(MachineRunsTest, NothingRunsTwiceWhereverItCrashes) {
  for (int crash_after = 0; crash_after < 12; ++crash_after) {
    for (const std::size_t kept : {0U, 1U, 9U}) {
      SCOPED_TRACE(std::to_string(crash_after) + " s, " + std::to_string(kept) + " kept");
      ActionSpec spec = count_action();
      spec.provisioning = minutes(1);
      JudgedWorld world(settings_with({spec}));
      world.delays = Delays{seconds(1), seconds(1), seconds(1), seconds(1), seconds(2)};
      world.fire("Busy");
      world.advance(seconds(crash_after));
      const std::size_t before = world.made().size();
      world.crash(kept);
      world.fire("Busy");
      world.advance(minutes(8));
      EXPECT_LE(world.made().size(), 1U);
      EXPECT_EQ(world.platform("web").value, world.made().empty() ? "2" : "3");
      EXPECT_GE(world.made().size(), before);
    }
  }
}

TEST(MachineRunsTest, CooldownLimitsBreakerAndPausesAreRememberedOverARestart) {
  ActionSpec spec = count_action();
  spec.per_target = RateLimit{2, hours(10)};
  spec.breaker_after = 10;
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy");
  const auto not_before = world.status("more").not_before;
  world.restart();
  world.fire("Busy");
  EXPECT_EQ(world.status("more").not_before, not_before);
  world.advance(minutes(20));
  EXPECT_EQ(world.made().size(), 1U);
  world.advance(minutes(20));
  EXPECT_EQ(world.made().size(), 2U);
  world.crash();
  world.fire("Busy");
  world.advance(hours(2));
  EXPECT_EQ(world.made().size(), 2U);
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("limit: 2 changes of web"));
}

// Property 14 (besides: the lock of the data folder, and what is read again on the platform).
TEST(MachineRunsTest, EveryRunHasANumberGreaterThanAllBeforeAndTheVersionThatWasRead) {
  ActionSpec spec = count_action();
  spec.cooldown_up = seconds(0);
  spec.clears_within = seconds(10);
  spec.breaker_after = 100;
  std::vector<std::uint64_t> keys;
  Sabotage watch;
  watch.effects = [&keys](std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      if (const auto* make = std::get_if<MakeChange>(&effect)) keys.push_back(make->permit.key());
    }
  };
  World world(settings_with({spec}), true, watch);
  world.settle_on("web", "1");
  world.fire("Busy");
  world.advance(minutes(1));
  world.crash();
  world.fire("Busy");
  world.advance(minutes(1));
  ASSERT_GE(keys.size(), 4U);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end(), std::less_equal<>()));
  EXPECT_FALSE(world.violation());
}

// Property 15.
TEST(MachineRunsTest, EveryDecisionIsARowAlsoThatNothingWasDoneWithItsInputs) {
  ActionSpec spec = count_action();
  spec.count->target_value = 10;
  JudgedWorld world(settings_with({spec}));
  world.suppress("Busy", core::Suppression::State::silenced);
  world.fire("Busy", 45);
  const core::ActionRecord skipped = world.last("more", ActionStep::skipped);
  EXPECT_EQ(skipped.reason, "the alert is silenced by a1b2");
  EXPECT_EQ(skipped.inputs, "present=2 value=45 wanted=5 steady=5");
  EXPECT_EQ(skipped.alert, "{alertname=\"Busy\", job=\"one\"}");
  EXPECT_EQ(skipped.from + " " + skipped.to, "2 5");
  EXPECT_TRUE(world.disk().has(skipped.id, ActionStep::proposed));
  EXPECT_TRUE(world.disk().has(skipped.id, ActionStep::skipped));
  const std::size_t rows = world.rows().size();
  world.advance(minutes(5));
  EXPECT_EQ(world.rows().size(), rows) << "the same is said once in a cooldown";
}

// Property 20.
TEST(MachineRunsTest, WhatSomebodyElseChangedIsAdoptedAndGivenTime) {
  ActionSpec spec = count_action();
  spec.provisioning = minutes(5);
  spec.cooldown_up = minutes(10);
  spec.clears_within = minutes(3);
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy");
  world.advance(minutes(4));
  world.drift("web", "6");
  world.advance(minutes(8));
  const core::ActionRecord adopted = world.last("more", ActionStep::adopted);
  EXPECT_EQ(adopted.from + " " + adopted.to, "3 6");
  EXPECT_EQ(world.status("more").drift_from + " " + world.status("more").drift_to, "3 6");
  EXPECT_EQ(world.made().size(), 1U);
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("somebody else changed it to 6"));
  world.advance(minutes(6));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3", "web 6 -> 7")) << "from where it is, not from where it was";
}

// Property 22.
TEST(MachineRunsTest, ATimeoutIsUnknownReadBackAndNeverRunAgainBlindly) {
  struct Case {
    Calls calls;
    ActionStep ends;
    std::size_t made;
  };
  for (const Case& one :
       {Case{Calls::unclear_done, ActionStep::succeeded, 1}, Case{Calls::unclear_nothing, ActionStep::failed, 1}}) {
    ActionSpec spec = count_action();
    spec.provisioning = minutes(1);
    JudgedWorld world(settings_with({spec}));
    world.platform("web").calls = one.calls;
    world.fire("Busy");
    world.advance(seconds(30));
    EXPECT_EQ(world.last("more", ActionStep::unknown).reason, "timed out");
    world.advance(minutes(5));
    EXPECT_TRUE(world.disk().has(world.last("more", ActionStep::started).id, one.ends));
    EXPECT_EQ(world.made().size(), one.made);
  }
}

TEST(MachineRunsTest, WhatStaysUnknownIsShownAndHoldsItsTarget) {
  ActionSpec spec = count_action();
  spec.cooldown_up = minutes(1);
  JudgedWorld world(settings_with({spec, count_action("second", "Queue")}));
  world.platform("web").calls = Calls::unclear_nothing;
  world.fire("Busy");
  world.advance(seconds(10));
  world.platform("web").reads = Reads::fails;
  world.fire("Queue");
  world.advance(hours(2));
  EXPECT_EQ(world.made().size(), 1U);
  EXPECT_EQ(world.status("more").step, ActionStep::unknown);
  EXPECT_EQ(world.status("more").failures_in_row, 1U);
  EXPECT_THAT(world.last("second", ActionStep::skipped).reason, HasSubstr("has an unknown end, it is read back"));
  world.platform("web").reads = Reads::well;
  world.advance(minutes(6));
  EXPECT_TRUE(world.disk().has(world.last("more", ActionStep::started).id, ActionStep::failed));
}

// Property 23.
TEST(MachineRunsTest, AResolveNeitherCausesNorEndsACall) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.call = seconds(20);
  world.fire("Busy");
  ASSERT_EQ(world.made().size(), 1U);
  world.resolve("Busy");
  EXPECT_TRUE(world.machine().calling()) << "the call goes on";
  world.advance(seconds(20));
  EXPECT_EQ(world.platform("web").value, "3");
  EXPECT_EQ(world.steps(), "proposed claimed preflight started succeeded verifying effective");
  world.resolve("Busy");
  world.advance(minutes(40));
  EXPECT_EQ(world.made().size(), 1U);
}

TEST(MachineRunsTest, AnAlertThatResolvesBeforeTheCallStopsIt) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.advance(seconds(2));
  world.resolve("Busy");
  world.advance(minutes(1));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("more", ActionStep::skipped).reason, "not run: the alert no longer fires");
  EXPECT_EQ(world.status("more").not_before, std::nullopt) << "nothing was done, so nothing has to cool down";
}

TEST(MachineRunsTest, LessIsWantedByTheTimeItWouldBeCalled) {
  ActionSpec spec = count_action();
  spec.count->target_value = 10;
  spec.count->of = "sum(queue)";
  JudgedWorld world(settings_with({spec}));
  world.queries["sum(queue)"] = 80;
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.queries["sum(queue)"] = 45;
  world.advance(seconds(10));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("more", ActionStep::skipped).reason, "not run: wanted is 5 by now, not 8");
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 5"));
}

TEST(MachineRunsTest, AStopTakesNoNewDecisionAndLeavesTheRestToTheNextStart) {
  JudgedWorld world(settings_with({count_action()}));
  world.platform("web").calls = Calls::late;
  world.platform("web").late = seconds(20);
  world.fire("Busy");
  world.restart(true);
  EXPECT_EQ(world.made().size(), 1U);
  world.advance(minutes(1));
  EXPECT_TRUE(world.disk().has(world.last("more", ActionStep::started).id, ActionStep::succeeded));
}

}  // namespace
}  // namespace tocsin::actions::model
