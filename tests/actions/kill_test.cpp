// kill -9 at the worst moments. Whatever happens, the command runs at most once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;

/// Ends this process, for good, when the row of a step is on disk and before anybody hears of it.
class KillingJournal final : public state::Journal {
 public:
  KillingJournal(std::unique_ptr<state::Journal> real, ActionStep at) : real_(std::move(real)), at_(at) {}
  void append(core::ActionRecord record, state::Deadlines not_before, Receipt receipt) override {
    const bool last = record.step == at_;
    real_->append(std::move(record), std::move(not_before),
                  [last, receipt = std::move(receipt)](std::optional<std::string> why) {
                    if (last) ::kill(::getpid(), SIGKILL);
                    if (receipt) receipt(std::move(why));
                  });
  }
  [[nodiscard]] const state::Remembered& remembered() const override { return real_->remembered(); }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t count) override {
    return real_->recent(count);
  }

 private:
  std::unique_ptr<state::Journal> real_;
  ActionStep at_;
};

/// Lets a child process live until it is killed; true if it was.
bool child_was_killed(Platform& platform, const ActionSpec& spec, std::optional<ActionStep> at) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = state::Journal::open(platform.data());
    if (!journal) ::_exit(1);
    KillingJournal killing(std::move(*journal), at.value_or(ActionStep::effective));
    World world(platform, {spec}, &killing);
    world.fire();
    static_cast<void>(world.until([] { return false; }));
    ::_exit(2);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

class KillTest : public testing::Test {
 protected:
  void SetUp() override {
    spec_ = platform_.spec();
    spec_.timeout = std::chrono::milliseconds(400);
  }
  Platform platform_;
  ActionSpec spec_;
};

// Nothing was started: the next life decides anew, for an alert that still fires.
TEST_F(KillTest, BeforeItIsStartedNothingWasDone) {
  for (const ActionStep step : {ActionStep::claimed, ActionStep::preflight}) {
    Platform platform;
    const ActionSpec spec = platform.spec();
    ASSERT_TRUE(child_was_killed(platform, spec, step));
    ASSERT_EQ(platform.log(), "");
    World world(platform, {spec});
    ASSERT_TRUE(world.until(ActionStep::skipped)) << world.steps();
    EXPECT_THAT(world.last(ActionStep::skipped).reason,
                testing::HasSubstr("before anything was started (last step " + std::string(core::to_string(step))));
    world.settle();
    EXPECT_EQ(platform.log(), "");
  }
}

// `started` is on disk before the call: whether it was made only reading can tell.
TEST_F(KillTest, OnceItIsStartedItIsReadBackAndNotRunAgain) {
  ASSERT_TRUE(child_was_killed(platform_, spec_, ActionStep::started));
  ASSERT_EQ(platform_.log(), "");
  World world(platform_, {spec_});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::failed)) << world.steps();
  EXPECT_THAT(world.last(ActionStep::unknown).reason, testing::HasSubstr("last step started"));
  EXPECT_THAT(world.last(ActionStep::failed).reason, testing::HasSubstr("nothing has changed: read back small"));
  world.fire();
  world.settle();
  EXPECT_EQ(platform_.log(), "") << "the cooldown holds";
}

TEST_F(KillTest, AfterTheCommandItIsNotRunAgain) {
  platform_.set_script("echo \"$1\" > \"$DIR/value\"; kill -9 $PPID");
  ASSERT_TRUE(child_was_killed(platform_, spec_, std::nullopt));
  ASSERT_EQ(platform_.log(), "medium\n");
  World world(platform_, {spec_});
  world.fire();
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
  world.resolve();
  ASSERT_TRUE(world.until(ActionStep::effective));
  world.fire();
  world.settle();
  EXPECT_EQ(platform_.log(), "medium\n");
}

TEST_F(KillTest, InTheMiddleOfTheCommandItIsReadBackForAsLongAsItMayTake) {
  platform_.set_script("kill -9 $PPID");
  spec_.provisioning = std::chrono::seconds(20);
  ASSERT_TRUE(child_was_killed(platform_, spec_, std::nullopt));
  World world(platform_, {spec_});
  world.fire();
  world.settle(std::chrono::milliseconds(300));
  EXPECT_EQ(world.count(ActionStep::unknown), 1U);
  EXPECT_EQ(world.count(ActionStep::failed), 0U);
  platform_.value("medium");
  ASSERT_TRUE(world.until(ActionStep::verifying)) << world.steps();
  EXPECT_EQ(platform_.log(), "medium\n");
}

}  // namespace
}  // namespace tocsin::actions
