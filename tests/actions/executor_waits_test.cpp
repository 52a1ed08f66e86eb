// The executor when the disk, Alertmanager or the rules' engine fail, or say nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actions/world.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::AlertChange;
using std::chrono::hours;
using std::chrono::milliseconds;

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

net::Task<void> never(core::Labels labels) {
  if (labels.get("alertname") == "Unheard") co_await net::sleep_for(hours(1));
}

TEST(ExecutorWaitsTest, WhatCannotBeWrittenDownIsNotDone) {
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

// Whoever says nothing holds what waits for him: the disk, Alertmanager and the rules' engine, all for ten seconds.
TEST(ExecutorWaitsTest, WhoeverDoesNotAnswerIsNotWaitedForForEver) {
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

}  // namespace
}  // namespace tocsin::actions
