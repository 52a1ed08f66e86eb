// What keeps the machine from acting, each reason by itself.
#include "actions/machine_test_support.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using core::Direction;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = core::Suppression::State;

// Property 2.
TEST(MachineHoldsTest, TheCooldownBeginsAtTheVerifiedSuccess) {
  JudgedWorld world(settings_with({count_action()}));
  world.platform("web").calls = Calls::late;
  world.platform("web").late = seconds(20);
  const core::TimePoint begun = world.now();
  world.fire("Busy");
  world.advance(minutes(1));
  const core::TimePoint seen = world.last("more", ActionStep::succeeded).at;
  EXPECT_GE(seen, begun + seconds(20));
  EXPECT_EQ(world.status("more").not_before, seen + minutes(30));
  world.advance(minutes(28));
  EXPECT_EQ(world.made().size(), 1U);
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("cooldown until"));
  world.advance(minutes(3));
  EXPECT_EQ(world.made().size(), 2U);
}

TEST(MachineHoldsTest, TheCooldownIsOnePerDirection) {
  ActionSpec spec = count_action();
  spec.down = DownSpec{"Idle", {}, 1};
  spec.stabilization_down = seconds(0);
  spec.provisioning = minutes(5);
  JudgedWorld world(settings_with({spec}));
  world.settle_on("web", "4");
  world.fire("Idle");
  ASSERT_THAT(world.made(), ElementsAre("web 4 -> 3"));
  world.resolve("Idle");
  world.fire("Busy");
  world.advance(minutes(4));
  EXPECT_EQ(world.made().size(), 1U) << "the platform is given its time";
  world.advance(minutes(3));
  EXPECT_THAT(world.made(), ElementsAre("web 4 -> 3", "web 3 -> 4")) << "the two hours hold going down only";
}

TEST(MachineHoldsTest, ALargerWishMayPreemptTheCooldownOnceTheLastOneIsThere) {
  ActionSpec spec = count_action();
  spec.count->target_value = 10;
  spec.provisioning = minutes(2);
  spec.clears_within = minutes(3);
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy", 40);
  ASSERT_THAT(world.made(), ElementsAre("web 2 -> 4"));
  world.advance(minutes(10));
  EXPECT_EQ(world.made().size(), 1U) << "no more is wanted than before";
  world.fire("Busy", 65);
  world.advance(minutes(1));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 4", "web 4 -> 7"));
}

TEST(MachineHoldsTest, ARunThatFailedBeginsTheCooldownToo) {
  JudgedWorld world(settings_with({count_action()}));
  world.platform("web").calls = Calls::refused;
  world.fire("Busy");
  EXPECT_EQ(world.last("more", ActionStep::failed).reason, "exit 1: no");
  EXPECT_EQ(world.status("more").not_before, world.now() + minutes(30));
}

// Property 7.
TEST(MachineHoldsTest, MakesNoMoreChangesThanTheLimitsAllow) {
  struct Case {
    std::string reason;
    std::function<void(ActionSpec&, Settings&)> limit;
  };
  const std::vector<Case> cases{
      {"limit: 2 changes of web within 3600 s, 2 are allowed",
       [](ActionSpec& spec, Settings&) {
         spec.per_target = RateLimit{2, hours(1)};
       }},
      {"limit: 2 changes of all targets within 3600 s, 2 are allowed",
       [](ActionSpec& spec, Settings&) {
         spec.all = RateLimit{2, hours(1)};
       }},
      {"limit: 2 changes of all targets within 3600 s, 2 are allowed",
       [](ActionSpec&, Settings& settings) {
         settings.guard.changes = RateLimit{2, hours(1)};
       }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    ActionSpec spec = count_action();
    spec.cooldown_up = minutes(5);
    spec.clears_within = minutes(1);
    spec.breaker_after = 10;
    Settings settings;
    one.limit(spec, settings);
    settings.actions = {spec};
    JudgedWorld world(settings);
    world.fire("Busy");
    world.advance(minutes(50));
    EXPECT_EQ(world.made().size(), 2U);
    EXPECT_EQ(world.last("more", ActionStep::skipped).reason, one.reason);
    world.advance(minutes(15));
    EXPECT_GT(world.made().size(), 2U) << "the window has moved on";
  }
}

// Property 8.
TEST(MachineHoldsTest, ShadowSaysWhatItWouldDoAndDoesNothing) {
  ActionSpec spec = count_action();
  spec.mode = Mode::shadow;
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy");
  world.advance(minutes(20));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("more", ActionStep::shadow).reason, "would change web from 2 to 3 (mode shadow)");
  EXPECT_EQ(world.steps(), "proposed shadow") << "said once in a cooldown";
}

TEST(MachineHoldsTest, WithoutAJournalEveryActionIsShadow) {
  JudgedWorld world(settings_with({count_action()}), false);
  world.fire("Busy");
  world.advance(minutes(5));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::shadow).reason, HasSubstr("no data folder"));
  EXPECT_EQ(world.status("more").mode, "shadow (no data folder)");
}

TEST(MachineHoldsTest, AReloadToShadowStopsARunThatWasOnlyClaimed) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  ActionSpec shadow = count_action();
  shadow.mode = Mode::shadow;
  world.reload(settings_with({shadow}));
  world.advance(minutes(1));
  EXPECT_THAT(world.made(), IsEmpty());
}

// Property 10.
TEST(MachineHoldsTest, ReadsTheTargetFirstAndHoldsWhereItIsBusyOrCannotBeRead) {
  struct Case {
    std::string reason;
    std::function<void(World&)> trouble;
  };
  const std::vector<Case> cases{
      {"not ready: modifying instead of available", [](World& world) { world.platform("web").ready = false; }},
      {"could not be read: exit 1", [](World& world) { world.platform("web").reads = Reads::fails; }},
      {"not a whole number", [](World& world) { world.platform("web").reads = Reads::junk; }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    JudgedWorld world(settings_with({count_action()}));
    one.trouble(world);
    world.fire("Busy");
    world.advance(minutes(5));
    EXPECT_THAT(world.made(), IsEmpty());
    EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr(one.reason));
    world.platform("web").ready = true;
    world.platform("web").reads = Reads::well;
    world.advance(minutes(2));
    EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3")) << "it is looked at again by itself";
  }
}

TEST(MachineHoldsTest, ReadsTheTargetAgainRightBeforeTheCall) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.advance(seconds(1));
  world.drift("web", "5");
  world.advance(seconds(10));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("changed meanwhile, read 5 instead of 2"));
}

// Property 12.
TEST(MachineHoldsTest, TheBreakerOpensAfterBadRunsInARowAndStaysOpenUntilSomebodyClosesIt) {
  ActionSpec spec = count_action();
  spec.breaker_after = 2;
  spec.cooldown_up = minutes(5);
  JudgedWorld world(settings_with({spec}));
  world.platform("web").calls = Calls::refused;
  world.fire("Busy");
  world.advance(minutes(6));
  EXPECT_EQ(world.made().size(), 2U);
  EXPECT_TRUE(world.status("more").breaker_open);
  world.advance(hours(5));
  EXPECT_EQ(world.made().size(), 2U);
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("the breaker is open: 2 runs in a row"));
  world.crash();
  world.fire("Busy");
  world.advance(minutes(30));
  EXPECT_EQ(world.made().size(), 2U) << "a restart closes no breaker";
  world.platform("web").calls = Calls::well;
  EXPECT_TRUE(world.ordered(Order::Kind::rearm, "more"));
  world.advance(minutes(1));
  EXPECT_EQ(world.made().size(), 3U);
}

TEST(MachineHoldsTest, ARearmingThatIsNotOnDiskIsNone) {
  ActionSpec spec = count_action();
  spec.breaker_after = 1;
  spec.cooldown_up = minutes(1);
  JudgedWorld world(settings_with({spec}));
  world.platform("web").calls = Calls::refused;
  world.fire("Busy");
  world.advance(minutes(2));
  world.writes = Writes::fails;
  EXPECT_FALSE(world.ordered(Order::Kind::rearm, "more"));
  world.writes = Writes::well;
  world.advance(minutes(10));
  EXPECT_EQ(world.made().size(), 1U);
}

// Property 17.
TEST(MachineHoldsTest, NeverActsOnDataThatAreMissingOldOrUnknown) {
  struct Case {
    std::string reason;
    std::function<void(World&)> trouble;
  };
  const std::vector<Case> cases{
      {"data is missing", [](World& world) { world.alert("Busy").alert.held = true; }},
      {"only kept firing", [](World& world) { world.alert("Busy").alert.keep_firing_since = world.now(); }},
      {"out of date", [](World& world) { world.alert("Busy").told_on = false; }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    JudgedWorld world(settings_with({count_action()}));
    world.platform("web").ready = false;
    world.fire("Busy");
    one.trouble(world);
    world.tell();
    world.advance(minutes(4) + seconds(10));
    world.platform("web").ready = true;
    world.advance(minutes(2));
    EXPECT_THAT(world.made(), IsEmpty());
    EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr(one.reason));
  }
}

TEST(MachineHoldsTest, AValueThatCannotBeHadIsNotReplacedByAnother) {
  ActionSpec spec = count_action();
  spec.count->target_value = 10;
  spec.count->of = "sum(queue)";
  JudgedWorld world(settings_with({spec}));
  world.fire("Busy", 900);
  world.advance(minutes(5));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("more", ActionStep::skipped).reason, "the value of sum(queue) could not be had: no series");
  world.queries["sum(queue)"] = 55;
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 6"));
}

// Property 25.
TEST(MachineHoldsTest, TheGuardBoundsHowManyTargetsAreChangedAndWhatAMonthCosts) {
  Settings settings = settings_with({count_action("a", "A", "web"), count_action("b", "B", "db")});
  settings.guard.targets = RateLimit{1, hours(1)};
  JudgedWorld world(settings);
  world.settle_on("db", "2");
  world.fire("A");
  world.fire("B");
  world.advance(minutes(20));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
  EXPECT_EQ(world.last("b", ActionStep::skipped).reason, "limit: 1 other targets changed within 3600 s, 1 are allowed");

  ActionSpec spec = count_action();
  spec.cooldown_up = minutes(1);
  spec.clears_within = minutes(1);
  spec.breaker_after = 100;
  settings = settings_with({spec});
  settings.guard.per_month = 3;
  JudgedWorld month(settings);
  month.fire("Busy");
  month.advance(hours(2));
  EXPECT_EQ(month.made().size(), 3U);
  EXPECT_THAT(month.last("more", ActionStep::skipped).reason, HasSubstr("guard.per_month"));
  month.crash();
  month.fire("Busy");
  month.advance(minutes(30));
  EXPECT_EQ(month.made().size(), 3U) << "a restart forgets none of them";
}

// Property 26.
TEST(MachineHoldsTest, WhenMostTargetsFailAtOnceTheMonitorSuspectsItself) {
  struct Case {
    std::string reason;
    Surroundings around;
    bool holds;
  };
  const std::vector<Case> cases{
      {"tocsin itself is cut off", {true, 10, 0}, true},
      {"6 of 10 targets fail at once: the monitor suspects itself", {false, 10, 6}, true},
      {"half is not most", {false, 10, 5}, false},
      {"two are too few to say", {false, 2, 2}, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    JudgedWorld world(settings_with({count_action()}));
    world.around = one.around;
    world.fire("Busy");
    world.advance(minutes(2));
    EXPECT_EQ(world.made().empty(), one.holds);
    if (!one.holds) continue;
    EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr(one.reason));
    world.around = {false, 10, 0};
    world.advance(seconds(30));
    EXPECT_EQ(world.made().size(), 1U) << "when the surroundings are well again it goes on by itself";
  }
}

TEST(MachineHoldsTest, SurroundingsThatFailWhileItIsClaimedStopTheCall) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.advance(seconds(2));
  world.around.cut_off = true;
  world.advance(seconds(30));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("cut off"));
}

// Property 27.
TEST(MachineHoldsTest, ActsOnNothingThatIsSilencedInhibitedOrUnknownToAlertmanager) {
  const std::vector<std::pair<State, std::string>> cases{
      {State::silenced, "the alert is silenced by a1b2"},
      {State::inhibited, "the alert is inhibited by a1b2"},
      {State::unknown, "held: Alertmanager could not say whether the alert is silenced: refused"}};
  for (const auto& [state, reason] : cases) {
    SCOPED_TRACE(reason);
    JudgedWorld world(settings_with({count_action()}));
    world.suppress("Busy", state);
    world.fire("Busy");
    world.advance(minutes(20));
    EXPECT_THAT(world.made(), IsEmpty());
    EXPECT_EQ(world.last("more", ActionStep::skipped).reason, reason);
    world.suppress("Busy", State::none);
    world.advance(minutes(2));
    EXPECT_EQ(world.made().size(), 1U) << "and goes on by itself when the silence ends";
  }
}

TEST(MachineHoldsTest, ASilenceThatBeginsAfterTheClaimStopsTheCall) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.suppress("Busy", State::silenced);
  world.advance(seconds(30));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("silenced"));
}

TEST(MachineHoldsTest, ASilencedWinnerLeavesTheFieldToTheNext) {
  ActionSpec larger = count_action("larger", "Queue");
  larger.count->step = 5;
  JudgedWorld world(settings_with({larger, count_action("smaller", "Load")}));
  world.suppress("Queue", State::silenced);
  world.fire("Queue");
  world.fire("Load");
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
}

TEST(MachineHoldsTest, ActsOnNothingInMaintenance) {
  Settings settings = settings_with({count_action()});
  const core::TimePoint ends = core::from_millis(1'700'000'000'000) + minutes(10);
  settings.maintenance = [ends](const core::Labels& labels, core::TimePoint at) {
    return at < ends && labels.get("alertname") == "Busy" ? std::string("the weekly window") : std::string();
  };
  JudgedWorld world(settings);
  world.fire("Busy");
  world.advance(minutes(9));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("more", ActionStep::skipped).reason, "maintenance: the weekly window");
  world.advance(minutes(2));
  EXPECT_EQ(world.made().size(), 1U);
}

// Property 16.
TEST(MachineHoldsTest, APauseHoldsAllOneDirectionOrOneActionAndOutlivesARestart) {
  struct Case {
    std::string what;
    std::optional<Direction> direction;
    bool holds;
  };
  const std::vector<Case> cases{{"", std::nullopt, true},      {"", Direction::up, true},
                                {"", Direction::down, false},  {"more", std::nullopt, true},
                                {"more", Direction::up, true}, {"more", Direction::down, false},
                                {"other", std::nullopt, false}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what + (one.direction ? std::string(core::to_string(*one.direction)) : ""));
    JudgedWorld world(settings_with({count_action(), ladder_action("other")}));
    ASSERT_TRUE(world.ordered(Order::Kind::pause, one.what, "alice", one.direction));
    world.crash();
    world.fire("Busy");
    world.advance(minutes(5));
    EXPECT_EQ(world.made().empty(), one.holds);
    if (!one.holds) continue;
    EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("paused"));
    EXPECT_NE(world.status("more").paused, "");
    ASSERT_TRUE(world.ordered(Order::Kind::resume, one.what, "alice", one.direction));
    world.advance(minutes(1));
    EXPECT_EQ(world.made().size(), 1U);
  }
}

TEST(MachineHoldsTest, APauseForAWhileEndsByItself) {
  JudgedWorld world(settings_with({count_action()}));
  ASSERT_TRUE(world.ordered(Order::Kind::pause, "", "alice", std::nullopt, minutes(20)));
  ASSERT_EQ(world.machine().pauses(world.now()).size(), 1U);
  EXPECT_EQ(world.machine().pauses(world.now()).front().what, "all");
  world.fire("Busy");
  world.advance(minutes(19));
  EXPECT_THAT(world.made(), IsEmpty());
  world.advance(minutes(2));
  EXPECT_EQ(world.made().size(), 1U);
}

TEST(MachineHoldsTest, APauseStopsWhatWasOnlyClaimed) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(1);
  world.fire("Busy");
  world.order(Order{Order::Kind::pause, "", std::nullopt, std::nullopt, "alice", "the database is moved"});
  world.advance(minutes(1));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_EQ(world.last("", ActionStep::ordered).by, "alice");
}

TEST(MachineHoldsTest, AResumptionThatIsNotOnDiskIsNone) {
  JudgedWorld world(settings_with({count_action()}));
  ASSERT_TRUE(world.ordered(Order::Kind::pause, ""));
  world.writes = Writes::fails;
  EXPECT_FALSE(world.ordered(Order::Kind::resume, ""));
  world.writes = Writes::well;
  world.fire("Busy");
  world.advance(minutes(5));
  EXPECT_THAT(world.made(), IsEmpty());
}

}  // namespace
}  // namespace tocsin::actions::model
