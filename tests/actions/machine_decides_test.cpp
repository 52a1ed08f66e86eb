// What the machine wants to do: counts, ladders, windows, who wins, and when less would do.
#include <limits>

#include "actions/machine_test_support.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Property 1.
TEST(MachineDecidesTest, SetsAnAbsoluteValueOnceAnEpisodeUnderAnIdOfTheFacts) {
  JudgedWorld world(settings_with({count_action()}));
  world.fire("Busy");
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
  const std::string id = world.last("more", ActionStep::started).id;
  world.fire("Busy");
  world.tell();
  world.advance(minutes(9));
  EXPECT_EQ(world.made().size(), 1U) << "the same alert, told again, is no second reason";

  JudgedWorld twin(settings_with({count_action()}));
  twin.fire("Busy");
  EXPECT_EQ(twin.last("more", ActionStep::started).id, id) << "the same facts have the same id in every process";
  twin.resolve("Busy");
  twin.advance(minutes(31));
  twin.fire("Busy");
  EXPECT_NE(twin.last("more", ActionStep::started).id, id) << "another episode is another run";
}

TEST(MachineDecidesTest, DoesNothingWhereItIsThereAlready) {
  ActionSpec spec = count_action();
  spec.count->target_value = 100;
  JudgedWorld world(settings_with({spec}));
  world.settle_on("web", "5");
  world.fire("Busy", 499);
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_NE(world.last("more", ActionStep::skipped).reason, "");
}

// Property 3.
TEST(MachineDecidesTest, WaitsUntilMoreWasWantedForTheWholeWindowAndTakesTheLeastOfIt) {
  ActionSpec spec = count_action();
  spec.count->target_value = 100;
  spec.stabilization_up = minutes(2);
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy", 900);
  world.advance(minutes(1));
  world.fire("Busy", 450);
  world.advance(seconds(55));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("stabilization"));
  world.fire("Busy", 900);
  world.advance(minutes(1));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 5")) << "not 9: for a moment only 5 were wanted";
}

TEST(MachineDecidesTest, AWindowThatAnAlertDidNotFireThroughIsNotFull) {
  ActionSpec spec = count_action();
  spec.stabilization_up = minutes(2);
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy");
  world.advance(seconds(20));
  world.resolve("Busy");
  world.advance(seconds(100));
  world.fire("Busy");
  world.advance(seconds(30));
  EXPECT_THAT(world.made(), IsEmpty());
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
}

// Property 4.
TEST(MachineDecidesTest, StaysWithinMinAndMax) {
  struct Case {
    std::string present;
    std::optional<double> target_value;
    double value;
    std::string to;  // empty: nothing is done
    std::string reason;
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<Case> cases{
      {"2", {}, 0, "5", ""},
      {"8", {}, 0, "10", ""},
      {"10", {}, 0, "", "already at the maximum, 10"},
      {"11", {}, 0, "", "out of the bounds 2..10"},
      {"-1", {}, 0, "", "out of the bounds 2..10"},
      {"0", {}, 0, "2", ""},
      {"1", 100, 50, "2", ""},
      {"2", 100, 450, "5", ""},
      {"2", 100, 400, "4", ""},
      {"2", 100, 400.0001, "5", ""},
      {"2", 100, 1e300, "10", ""},
      {"2", 100, 219, "", "tolerance"},
      {"2", 100, 221, "3", ""},
      {"5", 100, 200, "", "wanted is 2"},
      {"5", 100, infinity, "", "no usable number"},
      {"5", 100, -1, "", "no usable number"},
      {"5", 0, 100, "", "the target value is not positive"},
      {"", {}, 0, "", "not a whole number"},
      {"+3", {}, 0, "", "not a whole number"},
      {"3x", {}, 0, "", "not a whole number"},
      {"3.0", {}, 0, "", "not a whole number"},
      {"99999999999999999999", {}, 0, "", "not a whole number"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.present + " " + std::to_string(one.value));
    ActionSpec spec = count_action();
    spec.count->min = 2;
    spec.count->step = 3;
    spec.count->target_value = one.target_value;
    JudgedWorld world(settings_with({spec}));
    world.settle_on("web", one.present);
    world.fire("Busy", one.value);
    if (one.to.empty()) {
      EXPECT_THAT(world.made(), IsEmpty());
      EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr(one.reason));
    } else {
      EXPECT_THAT(world.made(), ElementsAre("web " + one.present + " -> " + one.to));
    }
  }
}

// Property 5.
TEST(MachineDecidesTest, TakesNoLargerStepThanAllowedAtOnce) {
  ActionSpec spec = count_action();
  spec.count->target_value = 10;
  spec.count->max_step = 3;
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy", 95);
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 5"));

  spec.count->target_value.reset();
  spec.count->percent = 50;
  spec.count->max_step.reset();
  JudgedWorld half(settings_with({spec}));
  half.settle_on("web", "5");
  half.fire("Busy");
  EXPECT_THAT(half.made(), ElementsAre("web 5 -> 8")) << "50 % of 5, rounded up";
}

// Property 6.
TEST(MachineDecidesTest, ClimbsOneRungAtATimeAndSaysWhenThereIsNoMore) {
  ActionSpec spec = ladder_action();
  spec.breaker_after = 10;
  JudgedWorld world(settings_with({spec}));
  world.fire("Full");
  EXPECT_THAT(world.made(), ElementsAre("cache small -> medium"));
  EXPECT_FALSE(world.status("grow").at_end);
  world.advance(minutes(35));
  EXPECT_THAT(world.made(), ElementsAre("cache small -> medium", "cache medium -> large"));
  world.advance(minutes(60));
  EXPECT_EQ(world.made().size(), 2U);
  EXPECT_EQ(world.last("grow", ActionStep::skipped).reason, "already at the top rung, large");
  EXPECT_TRUE(world.status("grow").at_end) << "an alert of tocsin's own says so";
  world.resolve("Full");
  EXPECT_FALSE(world.status("grow").at_end);

  JudgedWorld elsewhere(settings_with({ladder_action()}));
  elsewhere.settle_on("cache", "enormous");
  elsewhere.fire("Full");
  EXPECT_THAT(elsewhere.made(), IsEmpty());
  EXPECT_THAT(elsewhere.last("grow", ActionStep::skipped).reason, HasSubstr("enormous, which is not on the ladder"));
}

// Property 18.
TEST(MachineDecidesTest, OfSeveralOnOneTargetTheLargestWinsAndTheOthersSayWhoDid) {
  ActionSpec by_queue = count_action("by-queue", "Queue");
  by_queue.count->step = 4;
  ActionSpec by_load = count_action("by-load", "Load");
  JudgedWorld world(settings_with({by_load, by_queue}));
  world.delays.read = seconds(1);
  world.fire("Load");
  world.fire("Queue");
  world.advance(seconds(10));
  ASSERT_EQ(world.made().size(), 1U);

  JudgedWorld both(settings_with({by_load, by_queue}));
  both.platform("web").reads = Reads::fails;
  both.fire("Load");
  both.fire("Queue");
  both.platform("web").reads = Reads::well;
  both.advance(minutes(1));
  EXPECT_THAT(both.made(), ElementsAre("web 2 -> 6"));
  EXPECT_THAT(both.last("by-load", ActionStep::skipped).reason, HasSubstr("under way"));
  bool named = false;
  for (const core::ActionRecord& row : both.rows()) named |= row.reason == "by-queue goes before: it asks for 6";
  EXPECT_TRUE(named);
}

TEST(MachineDecidesTest, OneRunAtATimeOnATarget) {
  JudgedWorld world(settings_with({count_action("first", "Load"), count_action("second", "Queue")}));
  world.delays.call = seconds(20);
  world.fire("Load");
  world.fire("Queue");
  world.advance(seconds(40));
  EXPECT_EQ(world.made().size(), 1U);
  EXPECT_THAT(world.last("second", ActionStep::skipped).reason, HasSubstr("a run of first on web is under way"));
}

TEST(MachineDecidesTest, UpBeatsDown) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"Idle", {}, 1};
  ActionSpec second = count_action("second", "Queue");
  second.down = DownSpec{"Idle", {}, 1};
  first.stabilization_down = second.stabilization_down = seconds(0);
  JudgedWorld world(settings_with({first, second}));
  world.platform("web").reads = Reads::fails;
  world.fire("Idle");
  world.fire("Queue");
  world.platform("web").reads = Reads::well;
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
}

// Property 19.
TEST(MachineDecidesTest, GoesDownSlowlyAndOnlyIfAllAgree) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"LoadLow", {}, 1};
  ActionSpec second = count_action("second", "Queue");
  second.down = DownSpec{"QueueShort", {}, 1};
  JudgedWorld world(settings_with({first, second}));
  world.settle_on("web", "4");
  world.fire("LoadLow");
  world.advance(minutes(20));
  EXPECT_THAT(world.made(), IsEmpty()) << "the other action has not agreed";
  world.fire("QueueShort");
  world.advance(minutes(4));
  EXPECT_THAT(world.made(), IsEmpty()) << "not before stabilization_down";
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 4 -> 3"));
  world.advance(minutes(115));
  EXPECT_EQ(world.made().size(), 1U) << "the cooldown for going down is two hours";
  world.advance(minutes(60));
  EXPECT_EQ(world.made().size(), 2U);
}

TEST(MachineDecidesTest, ADownAlertWithoutDataIsNoAgreement) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"LoadLow", {}, 1};
  ActionSpec second = count_action("second", "Queue");
  second.down = DownSpec{"QueueShort", {}, 1};
  first.stabilization_down = second.stabilization_down = seconds(0);
  JudgedWorld world(settings_with({first, second}));
  world.fire("QueueShort");
  world.alert("QueueShort").alert.held = true;
  world.tell();
  world.settle_on("web", "4");
  world.fire("LoadLow");
  world.advance(minutes(30));
  EXPECT_THAT(world.made(), IsEmpty());
}

TEST(MachineDecidesTest, GoingDownTheMostCarefulOneDecides) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"LoadLow", {}, 1};
  ActionSpec second = count_action("second", "Queue");
  second.down = DownSpec{"QueueShort", {}, 1};
  second.count->target_value = 10;
  second.count->of = "sum(queue)";
  first.stabilization_down = second.stabilization_down = seconds(0);
  JudgedWorld world(settings_with({first, second}));
  world.settle_on("web", "4");
  world.queries["sum(queue)"] = 39;
  world.fire("LoadLow");
  world.fire("QueueShort");
  world.advance(minutes(10));
  EXPECT_THAT(world.made(), IsEmpty()) << "second says that 4 are needed";
  EXPECT_EQ(world.last("first", ActionStep::skipped).reason, "not all want less: second stays where it is");
  world.queries["sum(queue)"] = 5;
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 4 -> 3"));
}

TEST(MachineDecidesTest, WhoAsksForMoreWhileLessIsClaimedStopsIt) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"LoadLow", {}, 1};
  first.stabilization_down = seconds(0);
  JudgedWorld world(settings_with({first}));
  world.settle_on("web", "4");
  world.advance(minutes(2) + seconds(30));
  world.delays.disk = seconds(1);
  world.fire("LoadLow");
  world.advance(seconds(1));
  world.fire("Load");
  world.advance(seconds(2));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("first", ActionStep::skipped).reason, HasSubstr("an alert asks for more"));
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 4 -> 5"));
}

TEST(MachineDecidesTest, AnAlertThatWasToldBeforeThereWasAnActionForItCounts) {
  ActionSpec first = count_action("first", "Load");
  first.down = DownSpec{"LoadLow", {}, 1};
  first.stabilization_down = seconds(0);
  JudgedWorld reloaded(settings_with({}));
  reloaded.settle_on("web", "4");
  reloaded.fire("Load");
  reloaded.advance(minutes(5) - seconds(1));
  reloaded.reload(settings_with({first}));
  reloaded.fire("LoadLow");
  reloaded.advance(seconds(30));
  EXPECT_THAT(reloaded.made(), ElementsAre("web 4 -> 5"));
}

TEST(MachineDecidesTest, NeverGoesDownUnlessToldHow) {
  JudgedWorld world(settings_with({count_action()}));
  world.settle_on("web", "9");
  world.fire("Idle");
  world.advance(minutes(30));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.steps(), "");
}

TEST(MachineDecidesTest, OtherAlertsAndOtherLabelsAskForNothing) {
  ActionSpec spec = count_action();
  spec.when.emplace_back(core::Matcher::Kind::equal, "job", "web");
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy");
  world.fire("Else/web");
  EXPECT_EQ(world.steps(), "");
  world.fire("Busy/web");
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
}

}  // namespace
}  // namespace tocsin::actions::model
