// The executor with commands that fail, hang, lie, print without end, take their time or are missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ExecutorCallsTest, ACommandThatFailsIsToldWithoutSecretsAndOpensTheBreaker) {
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

TEST(ExecutorCallsTest, ACommandThatIsMissingHasFailed) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.set = command({"/no/such/command", "{to}"});
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed));
  EXPECT_THAT(world.steps(), StartsWith("claimed preflight started failed"));
  EXPECT_THAT(world.last(ActionStep::failed).reason, HasSubstr("/no/such/command"));
}

TEST(ExecutorCallsTest, ASecretThatCannotBeReadIsARefusalBeforeAnythingIsRun) {
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

TEST(ExecutorCallsTest, ACommandThatHangsIsReadBackAndNotRunAgain) {
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

TEST(ExecutorCallsTest, ARunThatEndedNobodyKnowsHowIsMovedOnByReadingAlone) {
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

TEST(ExecutorCallsTest, ACommandThatLiesHasFailed) {
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

TEST(ExecutorCallsTest, APlatformThatTakesItsTimeIsWaitedFor) {
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

TEST(ExecutorCallsTest, ACommandThatPrintsAGigabyteIsBounded) {
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

TEST(ExecutorCallsTest, AReadThatFailsStopsIt) {
  Platform platform;
  ActionSpec spec = platform.spec();
  spec.read.call = command({"sh", "-c", "echo 'no such cluster' >&2; exit 255"});
  World world(platform, {spec});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::skipped));
  EXPECT_EQ(world.last_reason(), "the present value could not be read: exit 255: no such cluster");
  EXPECT_EQ(platform.log(), "");
}

TEST(ExecutorCallsTest, ATargetThatIsNotReadyIsLeftAlone) {
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

TEST(ExecutorCallsTest, AResolvedAlertDoesNotEndARunningCommand) {
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

}  // namespace
}  // namespace tocsin::actions
