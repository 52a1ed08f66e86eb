// The parts of the machine that stand by themselves: bounds, names and the history.
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "src/change.hpp"
#include "src/history.hpp"
#include "src/identity.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::Direction;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const core::TimePoint now = core::from_millis(1'700'000'000'000);

TEST(ChangeTest, TheBoundsHoldWhateverTheDecisionWas) {
  ActionSpec spec;
  spec.ladder = {"small", "medium", "large"};
  const auto up = [&spec](const char* from, const char* to) {
    return out_of_bounds(spec, Direction::up, Change{from, to});
  };
  EXPECT_EQ(up("small", "medium"), "");
  EXPECT_EQ(up("small", "large"), "more than one rung, or the wrong way");
  EXPECT_EQ(up("medium", "small"), "more than one rung, or the wrong way");
  EXPECT_EQ(up("small", "small"), "it is there already");
  EXPECT_EQ(up("small", "huge"), "a value is not on the ladder");
  EXPECT_EQ(out_of_bounds(spec, Direction::down, Change{"medium", "small"}), "scaling down is not configured");
  spec.down = DownSpec{"Less", {}, 1};
  EXPECT_EQ(out_of_bounds(spec, Direction::down, Change{"medium", "small"}), "");
  EXPECT_EQ(out_of_bounds(spec, Direction::down, Change{"large", "small"}), "more than one rung, or the wrong way");
  spec.count = CountSpec();
  spec.count->max = 5;
  spec.count->max_step = 2;
  EXPECT_EQ(up("1", "3"), "");
  EXPECT_EQ(up("1", "4"), "the step of 3 is larger than 2");
  EXPECT_EQ(up("4", "6"), "6 is out of bounds");
  EXPECT_EQ(up("3", "2"), "the change goes the wrong way");
  EXPECT_EQ(up("x", "2"), "a count is not a whole number");
}

TEST(ChangeTest, CountsAtTheEndsOfTheNumbers) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  ActionSpec spec;
  spec.count = CountSpec();
  spec.count->max = most;
  spec.count->step = most;
  EXPECT_EQ(*wanted_place(spec, Direction::up, most - 1, 0.0), most);
  spec.count->percent = 100;
  EXPECT_EQ(*wanted_place(spec, Direction::up, most - 1, 0.0), most);
  spec.count->percent.reset();
  spec.count->target_value = 1e-300;
  spec.count->max = most - 1;
  EXPECT_EQ(*wanted_place(spec, Direction::up, 3, 1e300), most - 1);
  spec.count->target_value.reset();
  spec.count->step = 0;
  EXPECT_FALSE(wanted_place(spec, Direction::up, 3, 0.0));
}

TEST(IdentityTest, TheSameFactsGiveTheSameNameAndOthersAnother) {
  const Episode episode{"{alertname=\"A\"}", now};
  const std::string id = run_id("a", "t", episode, "1", "2", 0);
  EXPECT_EQ(id, run_id("a", "t", episode, "1", "2", 0));
  EXPECT_EQ(id.size(), 32U);
  const Episode later{"{alertname=\"A\"}", now + seconds(1)};
  const Episode other{"{alertname=\"B\"}", now};
  const std::set<std::string> all{id,
                                  run_id("at", "", episode, "1", "2", 0),
                                  run_id("b", "t", episode, "1", "2", 0),
                                  run_id("a", "u", episode, "1", "2", 0),
                                  run_id("a", "t", later, "1", "2", 0),
                                  run_id("a", "t", other, "1", "2", 0),
                                  run_id("a", "t", episode, "12", "", 0),
                                  run_id("a", "t", episode, "1", "3", 0),
                                  run_id("a", "t", episode, "1", "2", 1),
                                  decision_id("a", "t", episode)};
  EXPECT_EQ(all.size(), 10U);
}

// It is kept on disk: a change of the hash would let a command run twice.
TEST(IdentityTest, TheNameIsTheSameInEveryVersion) {
  const Episode episode{"{alertname=\"A\"}", core::from_millis(1'700'000'000'000)};
  EXPECT_EQ(run_id("grow", "cache", episode, "small", "medium", 0), "13fb56aafcd3e47caeff17817399f675");
}

TEST(HistoryTest, RemembersWhatTheJournalRemembers) {
  state::Remembered remembered;
  const auto row = [](const std::string& id, ActionStep step, core::Duration ago) {
    return core::ActionRecord{id, "grow", "cache", step, now - ago, "a", "b", "x", ""};
  };
  remembered.last_steps = {row("3", ActionStep::failed, minutes(10)), row("2", ActionStep::started, minutes(20)),
                           row("s", ActionStep::skipped, minutes(25)), row("1", ActionStep::effective, minutes(40))};
  remembered.changes = {row("3", ActionStep::started, minutes(11)), row("2", ActionStep::started, minutes(20)),
                        row("1", ActionStep::succeeded, minutes(45)), row("1", ActionStep::started, minutes(50))};
  remembered.not_before = {{"cooldown/cache", now + minutes(3)}};
  const History history(remembered);
  EXPECT_EQ(history.started("cache", minutes(15), now), 1U);
  EXPECT_EQ(history.started("cache", hours(1), now), 3U);
  EXPECT_EQ(history.failures_in_row("grow", "cache"), 1U);
  EXPECT_EQ(history.last_change("grow", "cache"), now - minutes(45));
  EXPECT_EQ(history.not_before("cooldown/up/cache"), now + minutes(3));
  EXPECT_EQ(history.not_before("cooldown/down/cache"), now + minutes(3)) << "the old key held both";
  ASSERT_EQ(history.runs_of("grow", "cache").size(), 3U);
  EXPECT_EQ(history.runs_of("grow", "cache").back()->id, "3");
  EXPECT_EQ(history.run("s"), nullptr);
}

TEST(HistoryTest, IsBounded) {
  History history;
  for (int i = 0; i < 20'000; ++i) {
    history.add({std::to_string(i), "grow", "cache", ActionStep::started, now, "a", "b", "x", ""});
  }
  EXPECT_EQ(history.runs_of("grow", "cache").size(), 64U);
  EXPECT_EQ(history.started("cache", hours(1), now), 10'000U);
}

}  // namespace
}  // namespace tocsin::actions
