// The decision and the gate, with a clock that is a number.
#include "src/decide.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

namespace tocsin::actions {
namespace {

using core::ActionStep;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using Next = Decision::Next;

const core::TimePoint now = core::from_millis(1'700'000'000'000);

/// A situation in which the ladder would be climbed: change one thing and see.
struct Scene {
  ActionSpec spec;
  std::optional<core::Alert> alert = core::Alert();
  History history;
  Situation situation;

  Scene() {
    spec.name = "grow";
    spec.when_alert = "Full";
    spec.target = "cache";
    spec.mode = Mode::automatic;
    spec.ladder = {"small", "medium", "large"};
    spec.read.argv = {"read"};
    spec.set_argv = {"set", "{to}"};
    alert->labels = core::Labels{{"alertname", "Full"}};
    alert->state = core::AlertState::firing;
    alert->fired_at = now - minutes(5);
    situation.episode = episode_of(*alert);
    situation.now = now;
    situation.journal = true;
    situation.reading = Reading{"small", true, ""};
    situation.suppression = core::Suppression{core::Suppression::State::none, {}, ""};
  }
  [[nodiscard]] Decision decide() {
    situation.spec = &spec;
    situation.alert = alert ? &*alert : nullptr;
    situation.history = &history;
    return actions::decide(situation);
  }
  void count(CountSpec how, const std::string& present, double value = 0) {
    spec.ladder.clear();
    spec.count = std::move(how);
    situation.reading = Reading{present, true, ""};
    alert->value = value;
  }
  void past(const std::string& id, ActionStep step, core::Duration ago, const std::string& target = "cache") {
    history.add({id, "grow", target, step, now - ago, "a", "b", "x", ""});
  }
};

TEST(DecideTest, ActsWhenNothingSpeaksAgainstIt) {
  Scene scene;
  const Decision decision = scene.decide();
  EXPECT_EQ(decision.next, Next::act);
  EXPECT_EQ(decision.change, (Change{"small", "medium"}));
  ASSERT_TRUE(decision.permit);
  EXPECT_EQ(decision.permit->change(), decision.change);
  EXPECT_EQ(decision.permit->id(), run_id("grow", "cache", scene.situation.episode, "small", "medium", 0));
}

TEST(DecideTest, AsksForOneThingAfterTheOther) {
  Scene scene;
  CountSpec count;
  count.max = 9;
  count.target_value = 100;
  count.of = "sum(x)";
  scene.count(count, "2");
  scene.situation.reading.reset();
  scene.situation.suppression.reset();
  EXPECT_EQ(scene.decide().next, Next::read);
  scene.situation.reading = Reading{"2", true, ""};
  EXPECT_EQ(scene.decide().next, Next::query);
  scene.situation.query = 450.0;
  const Decision asks = scene.decide();
  EXPECT_EQ(asks.next, Next::ask);
  EXPECT_EQ(asks.change, (Change{"2", "5"}));
  scene.situation.suppression = core::Suppression{core::Suppression::State::none, {}, ""};
  EXPECT_EQ(scene.decide().next, Next::act);
}

// Each of these alone stops an action that would run.
TEST(DecideTest, EachReasonAloneStopsIt) {
  struct Case {
    std::string reason;
    std::function<void(Scene&)> change;
  };
  const std::vector<Case> cases{
      {"tocsin is stopping", [](Scene& s) { s.situation.stopping = true; }},
      {"the alert no longer fires", [](Scene& s) { s.alert.reset(); }},
      {"the alert no longer fires", [](Scene& s) { s.alert->state = core::AlertState::pending; }},
      {"fires anew", [](Scene& s) { s.alert->fired_at = now - minutes(1); }},
      {"data is missing", [](Scene& s) { s.alert->held = true; }},
      {"only kept firing", [](Scene& s) { s.alert->keep_firing_since = now; }},
      {"out of date", [](Scene& s) { s.alert->valid_until = now - seconds(1); }},
      {"a run of other on cache is under way", [](Scene& s) { s.situation.busy = "other"; }},
      {"the breaker is open: 2 runs in a row",
       [](Scene& s) {
         s.past("1", ActionStep::failed, hours(3));
         s.past("2", ActionStep::ineffective, hours(2));
       }},
      {"the breaker is open",
       [](Scene& s) {
         s.spec.breaker_after = 1;
         s.past("1", ActionStep::unknown, hours(3));
       }},
      {"cooldown until 2023-11-14T22:14:20Z",
       [](Scene& s) { s.history.set_not_before("cooldown/cache", now + minutes(1)); }},
      {"limit: 2 changes of cache within 3600 s, 2 are allowed",
       [](Scene& s) {
         s.spec.per_target = RateLimit{2, hours(1)};
         s.past("1", ActionStep::started, minutes(59));
         s.past("2", ActionStep::started, minutes(50));
       }},
      {"limit: 1 changes of all targets within 3600 s, 1 are allowed",
       [](Scene& s) {
         s.spec.all = RateLimit{1, hours(1)};
         s.past("1", ActionStep::started, minutes(59), "elsewhere");
       }},
      {"could not be read: exit 1",
       [](Scene& s) {
         s.situation.reading = core::Failure{core::Outcome::unexpected, core::Phase::none, "exit 1"};
       }},
      {"not ready: modifying instead of available",
       [](Scene& s) {
         s.situation.reading = Reading{"small", false, "modifying instead of available"};
       }},
      {"read huge, which is not on the ladder",
       [](Scene& s) {
         s.situation.reading = Reading{"huge", true, ""};
       }},
      {"already at the top rung, large",
       [](Scene& s) {
         s.situation.reading = Reading{"large", true, ""};
       }},
      {"neither a ladder nor a count", [](Scene& s) { s.spec.ladder.clear(); }},
      {"this change was made in this episode of the alert already (effective)",
       [](Scene& s) {
         s.past(run_id("grow", "cache", s.situation.episode, "small", "medium", 0), ActionStep::effective, hours(2));
       }},
      {"already (unknown)",
       [](Scene& s) {
         s.past(run_id("grow", "cache", s.situation.episode, "small", "medium", 0), ActionStep::unknown, hours(2));
       }},
      {"may not stand in a command",
       [](Scene& s) {
         s.spec.ladder = {"small", "--force"};
       }},
      {"may not stand in a command",
       [](Scene& s) {
         s.spec.target = "a b";
         s.spec.set_argv = {"set", "{target}"};
       }},
      {"the action has no command", [](Scene& s) { s.spec.set_argv.clear(); }},
      {"mode approve is not supported", [](Scene& s) { s.spec.mode = Mode::approve; }},
      {"the alert is silenced by a1, b2",
       [](Scene& s) {
         s.situation.suppression = core::Suppression{core::Suppression::State::silenced, {"a1", "b2"}, ""};
       }},
      {"the alert is inhibited by f0",
       [](Scene& s) {
         s.situation.suppression = core::Suppression{core::Suppression::State::inhibited, {"f0"}, ""};
       }},
      {"held: Alertmanager could not say whether the alert is silenced: refused",
       [](Scene& s) {
         s.situation.suppression = core::Suppression{core::Suppression::State::unknown, {}, "refused"};
       }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.reason);
    Scene scene;
    ASSERT_EQ(scene.decide().next, Next::act);
    one.change(scene);
    const Decision decision = scene.decide();
    EXPECT_EQ(decision.next, Next::none);
    EXPECT_THAT(decision.reason, HasSubstr(one.reason));
    EXPECT_FALSE(decision.permit);
  }
}

// What does not stop it, though it looks alike.
TEST(DecideTest, WhatDoesNotStopIt) {
  struct Case {
    const char* name;
    std::function<void(Scene&)> change;
  };
  const std::vector<Case> cases{
      {"the cooldown is just over", [](Scene& s) { s.history.set_not_before("cooldown/cache", now); }},
      {"another target's cooldown", [](Scene& s) { s.history.set_not_before("cooldown/other", now + hours(1)); }},
      {"one failure", [](Scene& s) { s.past("1", ActionStep::failed, hours(3)); }},
      {"failures before one that helped",
       [](Scene& s) {
         s.past("1", ActionStep::failed, hours(5));
         s.past("2", ActionStep::failed, hours(4));
         s.past("3", ActionStep::effective, hours(3));
         s.past("4", ActionStep::failed, hours(2));
       }},
      {"failures before rearming",
       [](Scene& s) {
         s.past("1", ActionStep::failed, hours(5));
         s.past("2", ActionStep::failed, hours(4));
         s.history.set_not_before("rearmed/grow", now - hours(4));
       }},
      {"starts outside the window",
       [](Scene& s) {
         s.spec.per_target = RateLimit{1, hours(1)};
         s.past("1", ActionStep::started, minutes(60));
       }},
      {"starts of others",
       [](Scene& s) {
         s.spec.per_target = RateLimit{1, hours(1)};
         s.past("1", ActionStep::started, minutes(10), "other");
       }},
      {"a claim that was given up",
       [](Scene& s) {
         const std::string id = run_id("grow", "cache", s.situation.episode, "small", "medium", 0);
         s.past(id, ActionStep::claimed, hours(2));
         s.past(id, ActionStep::skipped, hours(2));
       }},
      {"the same change in another episode",
       [](Scene& s) {
         s.past(run_id("grow", "cache", Episode{s.situation.episode.alert, now - hours(9)}, "small", "medium", 0),
                ActionStep::effective, hours(8));
       }},
      {"an alert that is confirmed for long", [](Scene& s) { s.alert->valid_until = now + hours(1); }},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Scene scene;
    one.change(scene);
    const Decision decision = scene.decide();
    EXPECT_EQ(decision.next, Next::act) << decision.reason;
  }
}

TEST(DecideTest, ARunThatIsKnownToHaveFailedMayBeFollowedByAnotherWithAnIdOfItsOwn) {
  Scene scene;
  const std::string first = scene.decide().id;
  scene.past(first, ActionStep::failed, hours(1));
  const Decision second = scene.decide();
  EXPECT_EQ(second.next, Next::act) << second.reason;
  EXPECT_EQ(second.id, run_id("grow", "cache", scene.situation.episode, "small", "medium", 1));
  EXPECT_NE(second.id, first);
}

TEST(DecideTest, ShadowIsTheLastWordBeforeAlertmanagerIsAsked) {
  for (const bool journal : {true, false}) {
    Scene scene;
    scene.situation.suppression.reset();
    scene.situation.journal = journal;
    if (journal) scene.spec.mode = Mode::shadow;
    const Decision decision = scene.decide();
    EXPECT_EQ(decision.next, Next::shadow);
    EXPECT_FALSE(decision.permit);
    EXPECT_THAT(decision.reason, HasSubstr("would change cache from small to medium"));
    EXPECT_THAT(decision.reason, HasSubstr(journal ? "(mode shadow)" : "(there is no data folder"));
  }
}

TEST(DecideTest, Counts) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  struct Case {
    std::string present;
    std::optional<double> target;
    double value;
    std::string to;  // empty: nothing is done
    std::string reason;
  };
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
      {"2", 100, 200, "", "already at the wanted count"},
      {"5", 100, 200, "", "wanted is 2, there are 5: scaling down is not configured"},
      {"5", 100, std::nan(""), "", "missing or no usable number"},
      {"5", 100, infinity, "", "missing or no usable number"},
      {"5", 100, -1, "", "missing or no usable number"},
      {"5", 0, 100, "", "the target value is not positive"},
      {"5", std::nan(""), 100, "", "the target value is not positive"},
      {"", {}, 0, "", "not a whole number"},
      {"+3", {}, 0, "", "not a whole number"},
      {"3x", {}, 0, "", "not a whole number"},
      {"3.0", {}, 0, "", "not a whole number"},
      {"0x3", {}, 0, "", "not a whole number"},
      {"99999999999999999999", {}, 0, "", "not a whole number"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.present + " " + std::to_string(one.value));
    Scene scene;
    CountSpec count;
    count.min = 2;
    count.max = 10;
    count.step = 3;
    count.target_value = one.target;
    scene.count(count, one.present, one.value);
    const Decision decision = scene.decide();
    EXPECT_EQ(decision.next, one.to.empty() ? Next::none : Next::act) << decision.reason;
    EXPECT_THAT(decision.reason, HasSubstr(one.reason));
    if (!one.to.empty()) {
      EXPECT_EQ(decision.change.to, one.to);
    }
  }
}

TEST(DecideTest, CountsAtTheEndsOfTheNumbers) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  Scene scene;
  CountSpec count;
  count.max = most;
  count.step = most;
  scene.count(count, std::to_string(most - 1));
  EXPECT_EQ(scene.decide().change.to, std::to_string(most));
  scene.spec.count->target_value = 1e-300;
  scene.alert->value = 1e300;
  EXPECT_EQ(scene.decide().change.to, std::to_string(most));
  scene.spec.count->step = 0;
  scene.spec.count->target_value.reset();
  EXPECT_THAT(scene.decide().reason, HasSubstr("step is not positive"));
}

TEST(DecideTest, TheBoundsHoldWhateverTheDecisionWas) {
  Scene scene;
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"small", "medium"}), "");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"small", "large"}), "more than one rung");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"medium", "small"}), "more than one rung");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"small", "small"}), "it is there already");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"small", "huge"}), "a value is not on the ladder");
  scene.spec.count = CountSpec();
  scene.spec.count->max = 3;
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"1", "3"}), "");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"1", "4"}), "4 is out of bounds");
  EXPECT_EQ(out_of_bounds(scene.spec, Change{"3", "2"}), "scaling down is not configured");
}

TEST(DecideTest, AQueryWithoutAnAnswerStopsIt) {
  Scene scene;
  CountSpec count;
  count.max = 9;
  count.target_value = 100;
  count.of = "sum(x)";
  scene.count(count, "2", 900);  // the alert's own value is not used instead
  scene.situation.query = core::Failure{core::Outcome::unexpected, core::Phase::none, "no series"};
  const Decision decision = scene.decide();
  EXPECT_EQ(decision.next, Next::none);
  EXPECT_EQ(decision.reason, "the value of sum(x) could not be had: no series");
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
  EXPECT_EQ(history.not_before("cooldown/cache"), now + minutes(3));
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
