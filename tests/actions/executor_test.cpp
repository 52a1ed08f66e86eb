// The executor with real commands: small scripts that work, fail, hang, lie, print without end or are missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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
using testing::StartsWith;

/// Times are told by a clock that runs.
bool about(std::optional<core::TimePoint> time, core::TimePoint expected) {
  return time && *time > expected - seconds(5) && *time < expected + seconds(5);
}

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
  EXPECT_LE(world.status().not_before.value_or(world.clock()), world.clock()) << "nothing was done, so no cooldown";
}

OrderResult ordered(World& world, Order::Kind kind, const std::string& what, const std::string& by = "alice") {
  Order order;
  order.kind = kind;
  order.what = what;
  order.by = by;
  return world.loop.run(world.executor->order(std::move(order)));
}

TEST(ExecutorTest, ACommandThatFailsIsToldWithoutSecretsAndOpensTheBreaker) {
  Platform platform;
  platform.set_script("echo \"denied for $TOKEN\" >&2; exit 3");
  World world(platform, {platform.spec()});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed) && world.idle());
  EXPECT_EQ(world.last(ActionStep::failed).reason, "exit 3: denied for <secret>");
  EXPECT_EQ(world.status().failures_in_row, 1U);
  EXPECT_TRUE(about(world.status().not_before, world.clock() + minutes(30)));
  world.now += minutes(30);
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed, 2) && world.idle()) << world.steps();
  EXPECT_TRUE(world.status().breaker_open);
  world.now += hours(3);
  world.fire();
  ASSERT_TRUE(world.until_said("the breaker is open"));
  EXPECT_EQ(platform.log(), "medium\nmedium\n");

  // The hand that closes it counts from then on.
  platform.set_script("echo \"$1\" > \"$DIR/value\"");
  EXPECT_FALSE(ordered(world, Order::Kind::rearm, "nobody").done);
  const OrderResult rearmed = ordered(world, Order::Kind::rearm, "grow");
  EXPECT_TRUE(rearmed.done) << rearmed.message;
  EXPECT_FALSE(world.status().breaker_open);
  EXPECT_EQ(world.last(ActionStep::ordered).by, "alice");
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.last_reason();
}

TEST(ExecutorTest, ACommandThatIsMissingHasFailed) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.set = command({"/no/such/command", "{to}"});
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed));
  EXPECT_THAT(world.steps(), StartsWith("claimed preflight started failed"));
  EXPECT_THAT(world.last(ActionStep::failed).reason, HasSubstr("/no/such/command"));
}

TEST(ExecutorTest, ASecretThatCannotBeReadIsARefusalBeforeAnythingIsRun) {
  Platform platform;
  ActionSpec spec = platform.spec();
  core::SecretSource missing;
  missing.file = platform.dir() / "no-such-file";
  spec.environment.emplace_back("KEY", missing);
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_THAT(world.last_reason(), HasSubstr("the value of KEY: cannot read the secret file"));
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, ACommandThatHangsIsReadBackAndNotRunAgain) {
  struct Case {
    const char* script;
    const char* steps;
  };
  const std::string begun = "claimed preflight started ";
  for (const Case& one : {Case{"sleep 60", "unknown failed"},
                          Case{"echo \"$1\" > \"$DIR/value\"; sleep 60", "unknown succeeded verifying"},
                          Case{"echo other > \"$DIR/value\"; sleep 60", "unknown unknown"}}) {
    SCOPED_TRACE(one.script);
    Platform platform;
    platform.set_script(one.script);
    ActionSpec spec = platform.spec();
    spec.timeout = milliseconds(300);
    World world(platform, {spec});
    world.fire();
    EXPECT_TRUE(world.until([&] { return world.steps().starts_with(begun + one.steps); })) << world.steps();
    EXPECT_TRUE(world.said("did not end in time"));
    world.fire();
    world.settle();
    EXPECT_EQ(platform.log(), "medium\n");
  }
}

TEST(ExecutorTest, ARunThatEndedNobodyKnowsHowIsMovedOnByReadingAlone) {
  struct Case {
    const char* later;
    const char* steps;
  };
  const std::string unknown = "claimed preflight started unknown";
  for (const Case& one :
       {Case{"medium", " succeeded verifying"}, Case{"small", " failed"}, Case{"large", " unknown"}}) {
    SCOPED_TRACE(one.later);
    Platform platform;
    platform.set_script("rm \"$DIR/value\"; sleep 60");  // nor can it be read
    ActionSpec spec = platform.spec();
    spec.timeout = milliseconds(200);
    World world(platform, {spec});
    world.fire();
    ASSERT_TRUE(world.until(ActionStep::unknown)) << world.steps();
    world.settle(milliseconds(600));
    EXPECT_TRUE(world.steps().starts_with(unknown) && world.status().running) << world.steps();
    platform.value(one.later);
    EXPECT_TRUE(world.until([&] { return world.steps().starts_with(unknown + one.steps); })) << world.steps();
    world.settle();
    EXPECT_EQ(platform.log(), "medium\n");
  }
}

TEST(ExecutorTest, ACommandThatLiesHasFailed) {
  Platform platform;
  platform.set_script("exit 0");
  ActionSpec spec = platform.spec();
  spec.timeout = milliseconds(300);
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed)) << world.steps();
  EXPECT_EQ(world.last(ActionStep::failed).reason, "the call ended well, but read back small instead of medium");
  EXPECT_EQ(world.status().failures_in_row, 1U);
  EXPECT_TRUE(about(world.status().not_before, world.clock() + minutes(30)));
}

TEST(ExecutorTest, APlatformThatTakesItsTimeIsWaitedFor) {
  Platform platform;
  platform.set_script("exit 0");
  ActionSpec spec = platform.spec();
  spec.provisioning = seconds(20);
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until([&] { return platform.log() == "medium\n"; }));
  world.settle(milliseconds(200));
  EXPECT_EQ(world.steps(), "claimed preflight started");
  platform.value("medium");
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
}

TEST(ExecutorTest, ACommandThatPrintsAGigabyteIsBounded) {
  Platform platform;
  platform.set_script("head -c 1000000000 /dev/zero | tr '\\0' x; exit 1");
  ActionSpec spec = platform.spec();
  spec.timeout = seconds(30);
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed)) << world.steps();
  EXPECT_LE(world.last(ActionStep::failed).reason.size(), 220U);
  EXPECT_THAT(world.last(ActionStep::failed).reason, HasSubstr("exit 1: xxx"));
}

TEST(ExecutorTest, AReadThatFailsStopsIt) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.read.call = command({"sh", "-c", "echo 'no such cluster' >&2; exit 255"});
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "the present value could not be read: exit 255: no such cluster");
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, ATargetThatIsNotReadyIsLeftAlone) {
  Platform platform;
  platform.value(R"({"C":[{"Type":"small","Status":"modifying"}]})");
  ActionSpec spec = platform.spec();
  spec.read.value = Extract{Extract::Kind::json, "$.C[0].Type"};
  spec.read.ready.emplace(Extract{Extract::Kind::json, "$.C[0].Status"}, "available");
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "the target is not ready: modifying instead of available");
  platform.set_script(R"(echo '{"C":[{"Type":"medium","Status":"available"}]}' > "$DIR/value")");
  platform.value(R"({"C":[{"Type":"small","Status":"available"}]})");
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.last_reason();
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

TEST(ExecutorTest, AResolvedAlertDoesNotEndARunningCommand) {
  Platform platform;
  platform.set_script("while [ ! -e \"$DIR/go\" ]; do sleep 0.01; done; echo \"$1\" > \"$DIR/value\"");
  World world(platform, {platform.spec()});
  world.fire();
  ASSERT_TRUE(world.until([&] { return platform.log() == "medium\n"; }));
  world.resolve();
  world.settle(milliseconds(50));
  platform.dir().write("go", "");
  ASSERT_TRUE(world.until(ActionStep::effective)) << world.steps();
  EXPECT_EQ(platform.value(), "medium\n");
}

TEST(ExecutorTest, AStopLetsACommandEnd) {
  Platform platform;
  platform.set_script("while [ ! -e \"$DIR/go\" ]; do sleep 0.01; done; echo \"$1\" > \"$DIR/value\"");
  World world(platform, {platform.spec()});
  world.fire();
  ASSERT_TRUE(world.until([&] { return platform.log() == "medium\n"; }));
  platform.dir().write("go", "");
  world.loop.run(world.executor->stop(test::TestLoop::in(seconds(10))));
  EXPECT_EQ(platform.value(), "medium\n") << "it ended by itself";
  EXPECT_EQ(world.steps(), "claimed preflight started unknown");
  EXPECT_EQ(world.last_reason(), "tocsin stopped before the change was seen");
  world.fire();
  world.settle(milliseconds(50));
  EXPECT_EQ(world.steps(), "claimed preflight started unknown") << "no new decision";
}

TEST(ExecutorTest, AStopThatCannotWaitWritesUnknownAndTheNextStartReadsBack) {
  for (const bool happened : {true, false}) {
    SCOPED_TRACE(happened);
    Platform platform;
    platform.set_script("sleep 60");
    ActionSpec spec = platform.spec();
    spec.timeout = milliseconds(1'500);
    {
      World world(platform, {spec});
      world.fire();
      ASSERT_TRUE(world.until([&] { return platform.log() == "medium\n"; }));
      world.loop.run(world.executor->stop(test::TestLoop::in(milliseconds(50))));
      EXPECT_EQ(world.steps(), "claimed preflight started unknown");
      EXPECT_EQ(world.last_reason(), "tocsin stopped before the call ended");
    }
    if (happened) platform.value("medium");
    World world(platform, {spec});
    if (!happened) world.now += minutes(5);
    world.fire();
    ASSERT_TRUE(world.until(happened ? ActionStep::verifying : ActionStep::failed)) << world.steps();
    world.fire();
    world.settle();
    EXPECT_EQ(platform.log(), "medium\n");
  }
}

TEST(ExecutorTest, VerificationGoesOnAfterARestart) {
  Platform platform;
  {
    World world(platform, {platform.spec()});
    world.fire();
    ASSERT_TRUE(world.until(ActionStep::verifying));
    world.loop.run(world.executor->stop(test::TestLoop::in(seconds(1))));
  }
  World world(platform, {platform.spec()});
  world.fire();
  world.settle(milliseconds(50));
  EXPECT_EQ(world.steps(), "skipped") << "a run is under way";
  world.resolve();
  ASSERT_TRUE(world.until(ActionStep::effective));
  EXPECT_EQ(platform.log(), "medium\n");
}

TEST(ExecutorTest, TheCooldownOutlivesARestart) {
  Platform platform;
  {
    World world(platform, {platform.spec()});
    world.fire();
    ASSERT_TRUE(world.until(ActionStep::verifying));
    world.resolve();
    ASSERT_TRUE(world.until(ActionStep::effective));
  }
  World world(platform, {platform.spec()});
  ASSERT_TRUE(world.until([&] { return world.status().step == ActionStep::effective; }));
  EXPECT_EQ(world.status().to, "medium");
  world.now += minutes(29);
  world.tell(AlertChange::Kind::firing, World::alert("Full", world.clock()));
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_THAT(world.last_reason(), HasSubstr("cooldown until"));
  EXPECT_EQ(platform.log(), "medium\n");
}

TEST(ExecutorTest, AfterADamagedJournalOneCooldownPasses) {
  Platform platform;
  { World world(platform, {platform.spec()}); }
  platform.dir().write("data/tocsin.db", std::string(10'000, 'x'));
  for (int life = 0; life < 2; ++life) {
    World world(platform, {platform.spec()});
    world.now += seconds(life);
    world.fire();
    ASSERT_TRUE(world.until([&] { return world.last_reason().find("cooldown until") == 0; })) << world.last_reason();
  }
  EXPECT_EQ(platform.log(), "");
}

/// A journal whose writes fail.
class FailingJournal final : public state::Journal {
 public:
  void append(core::ActionRecord record, state::Deadlines, Receipt receipt) override {
    if (receipt) receipt(record.step == fails ? std::optional<std::string>("disk full") : std::nullopt);
  }
  [[nodiscard]] const state::Remembered& remembered() const override { return remembered_; }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t) override {
    return std::vector<core::ActionRecord>();
  }
  ActionStep fails = ActionStep::claimed;

 private:
  state::Remembered remembered_;
};

TEST(ExecutorTest, WhatCannotBeWrittenDownIsNotDone) {
  for (const ActionStep step : {ActionStep::claimed, ActionStep::preflight, ActionStep::started}) {
    Platform platform;
    FailingJournal journal;
    journal.fails = step;
    World world(platform, {platform.spec()}, &journal);
    world.fire();
    ASSERT_TRUE(world.until(ActionStep::skipped)) << world.steps();
    EXPECT_EQ(world.last(ActionStep::skipped).reason, "held: it could not be written down: disk full");
    world.settle(milliseconds(50));
    EXPECT_EQ(platform.log(), "");
  }
}

/// A journal that says nothing until it is asked to.
class SilentJournal final : public state::Journal {
 public:
  void append(core::ActionRecord, state::Deadlines, Receipt receipt) override {
    if (receipt) receipts.push_back(std::move(receipt));
  }
  [[nodiscard]] const state::Remembered& remembered() const override { return remembered_; }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t) override {
    return std::vector<core::ActionRecord>();
  }
  std::vector<Receipt> receipts;

 private:
  state::Remembered remembered_;
};

/// The action of another alert, on a target of its own.
ActionSpec another(const Platform& platform, const std::string& alert) {
  ActionSpec spec = platform.spec();
  spec.name = spec.target = alert;
  spec.when_alert = alert;
  return spec;
}

net::Task<void> never(core::Labels labels) {
  if (labels.get("alertname") == "Unheard") co_await net::sleep_for(hours(1));
}

// Whoever says nothing holds what waits for him: the disk, Alertmanager and the rules' engine, all for ten seconds.
TEST(ExecutorTest, WhoeverDoesNotAnswerIsNotWaitedForForEver) {
  Platform platform;
  platform.value("2");
  SilentJournal journal;
  ActionSpec unwritten = another(platform, "Unwritten");
  unwritten.ladder = {"2", "3"};
  ActionSpec unheard = another(platform, "Unheard");
  unheard.ladder = {"2", "3"};
  ActionSpec uncounted = another(platform, "Uncounted");
  uncounted.ladder.clear();
  uncounted.count.emplace();
  uncounted.count->max = 9;
  uncounted.count->target_value = 1;
  uncounted.count->of = "forever";
  World world(platform, {unwritten, unheard, uncounted}, &journal);
  world.hold = never;
  Settings settings;
  settings.actions = {unwritten, unheard, uncounted};
  settings.guard.breaching = 1;
  world.executor->reconfigure(settings);
  for (const char* name : {"Unwritten", "Unheard", "Uncounted"})
    world.tell(AlertChange::Kind::firing, World::alert(name));
  ASSERT_TRUE(world.until_said("the journal has not answered within 10 s")) << world.last_reason();
  ASSERT_TRUE(world.until_said("Alertmanager could not say whether the alert is silenced: it took too long"));
  ASSERT_TRUE(world.until_said("the value of forever could not be had: it took too long"));
  const std::string steps = world.steps();
  for (const state::Journal::Receipt& receipt : journal.receipts) receipt(std::nullopt);
  world.settle(milliseconds(50));
  EXPECT_EQ(world.steps(), steps) << "a late receipt changes nothing";
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorTest, PeoplePauseAndResume) {
  Platform platform;
  {
    World world(platform, {platform.spec()});
    Order pause;
    pause.kind = Order::Kind::pause;
    pause.by = "alice";
    pause.direction = core::Direction::up;
    const OrderResult paused = world.loop.run(world.executor->order(pause));
    EXPECT_TRUE(paused.done) << paused.message;
    ASSERT_EQ(world.executor->pauses().size(), 1U);
    EXPECT_EQ(world.executor->pauses()[0].what, "up");
    EXPECT_EQ(world.executor->pauses()[0].until, std::nullopt);
    world.fire();
    ASSERT_TRUE(world.until(ActionStep::skipped));
    EXPECT_THAT(world.last_reason(), HasSubstr("paused"));
  }
  World world(platform, {platform.spec()});
  EXPECT_EQ(world.executor->pauses().size(), 1U) << "it outlives a restart";
  world.fire();
  world.settle();
  EXPECT_EQ(platform.log(), "");
  Order resume;
  resume.kind = Order::Kind::resume;
  resume.by = "alice";
  resume.direction = core::Direction::up;
  const OrderResult resumed = world.loop.run(world.executor->order(resume));
  EXPECT_TRUE(resumed.done) << resumed.message;
  EXPECT_TRUE(world.executor->pauses().empty());
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.last_reason();
}

TEST(ExecutorTest, AnOrderThatIsNotOnDiskIsNotDone) {
  Platform platform;
  FailingJournal journal;
  journal.fails = ActionStep::ordered;
  World world(platform, {platform.spec()}, &journal);
  const OrderResult paused = ordered(world, Order::Kind::pause, "");
  EXPECT_FALSE(paused.done);
  EXPECT_THAT(paused.message, HasSubstr("disk full"));
}

TEST(ExecutorTest, APersonApproves) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.mode = Mode::approve;
  spec.approvers = {"alice"};
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::awaiting_approval)) << world.steps();
  EXPECT_TRUE(about(world.status().lapses, world.clock() + minutes(15)));
  world.settle(milliseconds(50));
  EXPECT_EQ(platform.log(), "");
  EXPECT_FALSE(ordered(world, Order::Kind::approve, "grow", "mallory").done);
  const OrderResult approved = ordered(world, Order::Kind::approve, "grow", "alice");
  EXPECT_TRUE(approved.done) << approved.message;
  ASSERT_TRUE(world.until(ActionStep::succeeded)) << world.steps();
  EXPECT_EQ(world.last(ActionStep::succeeded).by, "alice");
}

TEST(ExecutorTest, PlansWithoutChangingAnything) {
  Platform platform;
  ActionSpec unreadable = another(platform, "Unreadable");
  unreadable.read.call = command({"false"});
  ActionSpec shadow = platform.spec();
  shadow.mode = Mode::shadow;
  World world(platform, {shadow, unreadable});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::shadow));
  const std::size_t told = world.records.size();
  const std::vector<Plan> plans = world.loop.run(world.executor->plan());
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_TRUE(plans[0].asked_for);
  EXPECT_EQ(plans[0].present, "small");
  EXPECT_EQ(plans[0].wanted, "medium");
  EXPECT_FALSE(plans[1].asked_for);
  EXPECT_EQ(plans[1].present, "");
  EXPECT_FALSE(plans[1].against.empty());
  EXPECT_EQ(world.asked.size(), 1U) << "about the alert that fires";
  EXPECT_EQ(world.records.size(), told);
  EXPECT_EQ(platform.log(), "");
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

TEST(ExecutorTest, ARunUnderWayEndsUnderTheSpecItBeganWith) {
  Platform platform;
  platform.set_script("while [ ! -e \"$DIR/go\" ]; do sleep 0.01; done; echo \"$1\" > \"$DIR/value\"");
  World world(platform, {platform.spec()});
  world.fire();
  ASSERT_TRUE(world.until([&] { return platform.log() == "medium\n"; }));
  world.executor->reconfigure({});
  EXPECT_TRUE(world.executor->status().empty());
  platform.dir().write("go", "");
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
  world.resolve();
  ASSERT_TRUE(world.until(ActionStep::effective));
}

TEST(ExecutorTest, MayBeDestroyedWhileItsCoroutinesWait) {
  struct Case {
    const char* script;
    ActionStep at;
  };
  for (const Case& one : {Case{"sleep 60", ActionStep::started}, Case{"exit 0", ActionStep::started},
                          Case{"echo \"$1\" > \"$DIR/value\"", ActionStep::verifying}, Case{"", ActionStep::claimed}}) {
    Platform platform;
    platform.set_script(one.script);
    ActionSpec spec = platform.spec();
    spec.timeout = milliseconds(300);
    World world(platform, {spec});
    world.fire();
    ASSERT_TRUE(world.until(one.at));
    world.executor.reset();
    const std::string steps = world.steps();
    world.settle(milliseconds(200));
    EXPECT_EQ(world.steps(), steps) << "nothing is told after its end";
  }
}

}  // namespace
}  // namespace tocsin::actions
