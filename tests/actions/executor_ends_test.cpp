// The executor at its end and at its next start: what was begun goes on, and nothing is done twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::AlertChange;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(ExecutorEndsTest, AStopLetsACommandEnd) {
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

TEST(ExecutorEndsTest, AStopThatCannotWaitWritesUnknownAndTheNextStartReadsBack) {
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

TEST(ExecutorEndsTest, VerificationGoesOnAfterARestart) {
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

TEST(ExecutorEndsTest, TheCooldownOutlivesARestart) {
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

TEST(ExecutorEndsTest, AfterADamagedJournalOneCooldownPasses) {
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

TEST(ExecutorEndsTest, ARunUnderWayEndsUnderTheSpecItBeganWith) {
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

TEST(ExecutorEndsTest, MayBeDestroyedWhileItsCoroutinesWait) {
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
