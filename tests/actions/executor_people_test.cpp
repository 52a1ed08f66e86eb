// What people order and ask of the executor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::HasSubstr;

TEST(ExecutorPeopleTest, PeoplePauseAndResume) {
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

TEST(ExecutorPeopleTest, AnOrderThatIsNotOnDiskIsNotDone) {
  Platform platform;
  FailingJournal journal;
  journal.fails = ActionStep::ordered;
  World world(platform, {platform.spec()}, &journal);
  const OrderResult paused = ordered(world, Order::Kind::pause, "");
  EXPECT_FALSE(paused.done);
  EXPECT_THAT(paused.message, HasSubstr("disk full"));
}

TEST(ExecutorPeopleTest, APersonApproves) {
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

TEST(ExecutorPeopleTest, PlansWithoutChangingAnything) {
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

}  // namespace
}  // namespace tocsin::actions
