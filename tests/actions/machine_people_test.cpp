// People: who may approve what and for how long, what a rejection means, what a plan says.
#include "actions/machine_test_support.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Order::Kind;

ActionSpec asking_action() {
  ActionSpec spec = count_action();
  spec.mode = Mode::approve;
  spec.approvers = {"alice", "root"};
  return spec;
}

// Property 9.
TEST(MachinePeopleTest, ModeApproveActsOnlyWhenSomebodyWhoMayHasSaidSo) {
  JudgedWorld world(settings_with({asking_action()}));
  world.fire("Busy");
  world.advance(minutes(2));
  EXPECT_THAT(world.made(), IsEmpty());
  const core::ActionRecord waits = world.last("more", ActionStep::awaiting_approval);
  EXPECT_THAT(waits.reason, HasSubstr("tocsin actions approve " + waits.id));
  EXPECT_EQ(world.status("more").lapses, waits.at + minutes(15));
  EXPECT_FALSE(world.ordered(Kind::approve, "more", "mallory"));
  EXPECT_EQ(world.answers.back().message, "mallory may not approve more: alice, root may");
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_TRUE(world.ordered(Kind::approve, waits.id, "alice"));
  EXPECT_THAT(world.made(), ElementsAre("web 2 -> 3"));
  EXPECT_EQ(world.last("more", ActionStep::claimed).by, "alice");
  EXPECT_FALSE(world.ordered(Kind::approve, waits.id, "alice")) << "once";
}

TEST(MachinePeopleTest, AProposalLapsesAndIsNotMadeAgainInThisEpisode) {
  JudgedWorld world(settings_with({asking_action()}));
  world.fire("Busy");
  world.advance(minutes(16));
  EXPECT_EQ(world.last("more", ActionStep::skipped).reason.empty(), false);
  EXPECT_FALSE(world.ordered(Kind::approve, "more"));
  world.advance(minutes(30));
  std::size_t asked = 0;
  for (const core::ActionRecord& row : world.rows()) asked += row.step == ActionStep::awaiting_approval ? 1 : 0;
  EXPECT_EQ(asked, 1U);
  world.resolve("Busy");
  world.advance(minutes(1));
  world.fire("Busy");
  EXPECT_EQ(world.status("more").step, ActionStep::awaiting_approval) << "another episode is another question";
}

TEST(MachinePeopleTest, ARejectionUsesTheIdUpAlsoOverARestart) {
  JudgedWorld world(settings_with({asking_action()}));
  world.fire("Busy");
  EXPECT_TRUE(world.ordered(Kind::reject, "more", "bob"));
  EXPECT_EQ(world.last("more", ActionStep::skipped).by, "bob");
  world.crash();
  world.fire("Busy");
  world.advance(minutes(5));
  EXPECT_FALSE(world.ordered(Kind::approve, "more"));
  EXPECT_THAT(world.made(), IsEmpty());
  EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr("this change was rejected"));
}

TEST(MachinePeopleTest, AfterAnApprovalEverythingIsAskedAnew) {
  struct Case {
    std::string reason;
    std::function<void(World&)> change;
  };
  const std::vector<Case> cases{
      {"changed meanwhile, read 5 instead of 2", [](World& world) { world.drift("web", "5"); }},
      {"silenced", [](World& world) { world.alert("Busy").suppression.state = core::Suppression::State::silenced; }},
      {"not ready", [](World& world) { world.platform("web").ready = false; }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    JudgedWorld world(settings_with({asking_action()}));
    world.fire("Busy");
    one.change(world);
    EXPECT_TRUE(world.ordered(Kind::approve, "more"));
    EXPECT_THAT(world.made(), IsEmpty());
    EXPECT_THAT(world.last("more", ActionStep::skipped).reason, HasSubstr(one.reason));
  }
}

TEST(MachinePeopleTest, AProposalOutlivesARestartAndItsAlertEndsIt) {
  JudgedWorld world(settings_with({asking_action()}));
  world.fire("Busy");
  world.crash(9);
  EXPECT_FALSE(world.ordered(Kind::approve, "more")) << "nobody has said yet that the alert still fires";
  world.fire("Busy");
  EXPECT_TRUE(world.ordered(Kind::approve, "more"));
  EXPECT_EQ(world.made().size(), 1U);

  JudgedWorld over(settings_with({asking_action()}));
  over.fire("Busy");
  over.resolve("Busy");
  EXPECT_EQ(over.last("more", ActionStep::skipped).reason, "the alert no longer fires");
  EXPECT_FALSE(over.ordered(Kind::approve, "more"));
}

TEST(MachinePeopleTest, OrdersThatMeanNothingAreRefusedInWords) {
  JudgedWorld world(settings_with({count_action()}));
  EXPECT_FALSE(world.ordered(Kind::approve, "more"));
  EXPECT_EQ(world.answers.back().message, "nothing waits for approval by the name or id more");
  EXPECT_FALSE(world.ordered(Kind::pause, "less"));
  EXPECT_EQ(world.answers.back().message, "there is no action called less");
  EXPECT_FALSE(world.ordered(Kind::rearm, ""));
  EXPECT_FALSE(world.ordered(Kind::pause, "", "")) << "it must be known who asks";
}

TEST(MachinePeopleTest, AnOrderIsAnsweredWhenItIsOnDisk) {
  JudgedWorld world(settings_with({count_action()}));
  world.delays.disk = seconds(2);
  world.order(Order{Kind::pause, "", std::nullopt, std::nullopt, "alice", ""});
  EXPECT_THAT(world.answers, IsEmpty());
  world.advance(seconds(2));
  ASSERT_EQ(world.answers.size(), 1U);
  EXPECT_TRUE(world.answers.front().done);
}

TEST(MachinePeopleTest, APlanSaysWhatWouldBeDoneAndAllThatIsAgainstIt) {
  ActionSpec spec = count_action();
  spec.count->step = 2;
  spec.mode = Mode::shadow;
  JudgedWorld world(settings_with({spec}));
  Plan quiet = world.plan("more");
  EXPECT_FALSE(quiet.asked_for);
  EXPECT_EQ(quiet.present, "2");
  world.fire("Busy");
  ASSERT_TRUE(world.ordered(Kind::pause, "more"));
  world.suppress("Busy", core::Suppression::State::silenced);
  const Plan plan = world.plan("more");
  EXPECT_TRUE(plan.asked_for);
  EXPECT_EQ(plan.present + " " + plan.wanted, "2 4");
  EXPECT_THAT(plan.against, Contains(HasSubstr("paused")));
  EXPECT_THAT(plan.against, Contains(HasSubstr("silenced")));
  EXPECT_THAT(plan.against, Contains(HasSubstr("shadow")));
  EXPECT_THAT(world.made(), IsEmpty());
}

}  // namespace
}  // namespace tocsin::actions::model
