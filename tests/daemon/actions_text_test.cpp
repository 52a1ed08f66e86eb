// What people at a terminal and programs are told of actions.
#include "src/actions_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "src/action_metrics.hpp"
#include "src/api_actions.hpp"
#include "src/moments.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using core::ActionStep;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const core::TimePoint now = *core::parse_rfc3339("2026-11-21T03:00:00Z");

actions::ActionStatus action(const std::string& name) {
  actions::ActionStatus a;
  a.name = name;
  a.target = "workers";
  a.mode = a.mode_set = "auto";
  return a;
}

actions::ActionStatus waiting() {
  actions::ActionStatus a = action("grow");
  a.mode = a.mode_set = "approve";
  a.step = ActionStep::awaiting_approval;
  a.at = now - minutes(3);
  a.id = "1f2e";
  a.from = "2";
  a.to = "4";
  a.present = "2";
  a.inputs = "value=812 present=2 wanted=4";
  a.last_reason = "waits for approval";
  a.lapses = now + minutes(12);
  return a;
}

ActionsView view(std::vector<actions::ActionStatus> all) {
  ActionsView v;
  v.now = now;
  v.actions = std::move(all);
  return v;
}

TEST(Moments, AreRoundedForPeople) {
  EXPECT_EQ(rough(core::Duration(45'678)), "45s");
  EXPECT_EQ(rough(minutes(12) + seconds(5)), "12m5s");
  EXPECT_EQ(rough(hours(3) + minutes(20) + seconds(59)), "3h20m");
  EXPECT_EQ(rough(hours(100)), "4d");
  EXPECT_EQ(rough(core::Duration(-5)), "0s");
  EXPECT_EQ(ago(now, std::nullopt), "never");
  EXPECT_EQ(until(now, now + minutes(5)), "in 5m");
  EXPECT_EQ(until(now, now - minutes(5)), "now");
}

TEST(ActionsList, IsATableAndThenWhatWaitsForAPerson) {
  actions::ActionStatus stopped = action("shrink");
  stopped.breaker_open = true;
  stopped.failures_in_row = 2;
  stopped.step = ActionStep::failed;
  stopped.at = now - hours(2);
  stopped.not_before = now + minutes(30);
  ActionsView v = view({waiting(), stopped, action("idle")});
  v.pauses = {{"down", now + hours(1)}, {"grow/up", std::nullopt}};
  EXPECT_EQ(
      list_text(v),
      "Scaling down is paused until 2026-11-21T04:00:00Z. Lift it: tocsin actions resume --down\n"
      "The action grow may not go up: paused until somebody resumes it. Lift it: tocsin actions resume grow --up\n"
      "\n"
      "ACTION  TARGET   MODE     VALUE  STATE                   CHANGE  WHEN    NEXT UP  NEXT DOWN\n"
      "grow    workers  approve  2      waits for approval      2 -> 4  3m ago  now      now\n"
      "shrink  workers  auto     ?      stopped after failures          2h ago  in 30m   now\n"
      "idle    workers  auto     ?      nothing yet                             now      now\n"
      "\n"
      "grow: 2 -> 4 of workers waits for approval; it lapses in 12m (2026-11-21T03:12:00Z)\n"
      "    from:  value=812 present=2 wanted=4\n"
      "    yes:   tocsin actions approve 1f2e\n"
      "    no:    tocsin actions reject 1f2e\n"
      "shrink: stopped after 2 failures in a row. When you have looked: tocsin actions rearm shrink\n");
}

TEST(ActionsList, SaysThatThereIsNone) { EXPECT_THAT(list_text(view({})), HasSubstr("tocsin only tells")); }

TEST(ActionsList, TellsOfDriftOfUnknownAndOfTheEnd) {
  actions::ActionStatus a = action("grow");
  a.step = ActionStep::unknown;
  a.at = now;
  a.id = "1f";
  a.from = "2";
  a.to = "4";
  a.at_end = true;
  a.drift_from = "2";
  a.drift_to = "7";
  a.drifted_at = now - minutes(5);
  a.paused = "all actions, by alice";
  const std::string text = list_text(view({a}));
  EXPECT_THAT(text, HasSubstr("grow: nobody knows whether 2 -> 4 of workers happened (1f)"));
  EXPECT_THAT(text, HasSubstr("grow: at its end"));
  EXPECT_THAT(text, HasSubstr("grow: somebody else changed workers 5m ago: 2 -> 7"));
  EXPECT_THAT(text, HasSubstr("grow: paused: all actions, by alice"));
}

TEST(ActionsShow, HasOneActionAndItsRows) {
  ActionsView v = view({waiting(), action("other")});
  core::ActionRecord row;
  row.action = "grow";
  row.id = "0a";
  row.at = now - hours(1);
  row.step = ActionStep::effective;
  row.from = "1";
  row.to = "2";
  row.by = "bob";
  row.reason = "the alert cleared";
  core::ActionRecord other = row;
  other.action = "other";
  v.recent = {other, row};
  net::ServerRequest request;
  request.query = "format=text&action=grow";
  const std::string text = api_actions(request, v).body;
  EXPECT_THAT(text, HasSubstr("state              waits for approval\n"));
  EXPECT_THAT(text, HasSubstr("tocsin actions approve 1f2e"));
  EXPECT_THAT(text, HasSubstr("2026-11-21T02:00:00Z  effective  up   1 -> 2  0a  bob  the alert cleared\n"));
  EXPECT_THAT(text, Not(HasSubstr("other")));
}

TEST(ActionsJson, HasEveryField) {
  actions::ActionStatus a = waiting();
  a.by = "alice";
  a.last_change = now - hours(1);
  a.not_before = a.not_before_down = now + hours(1);
  a.drift_from = "1";
  a.drift_to = "2";
  a.drifted_at = now;
  a.paused = "up";
  ActionsView v = view({a});
  v.pauses = {{"all", std::nullopt}};
  core::ActionRecord row;
  row.direction = core::Direction::down;
  row.inputs = "value=1";
  row.by = "bob";
  v.recent = {row};
  const auto data = boost::json::parse(api_actions({}, v).body).at("data").as_object();
  const auto& one = data.at("actions").as_array().at(0).as_object();
  for (const char* const key : {"name",
                                "target",
                                "mode",
                                "modeConfigured",
                                "state",
                                "step",
                                "direction",
                                "id",
                                "at",
                                "running",
                                "reason",
                                "inputs",
                                "by",
                                "from",
                                "to",
                                "present",
                                "lastChange",
                                "notBefore",
                                "notBeforeDown",
                                "failuresInRow",
                                "breakerOpen",
                                "atEnd",
                                "approvalLapses",
                                "paused",
                                "driftFrom",
                                "driftTo",
                                "driftedAt"})
    EXPECT_TRUE(one.contains(key)) << key;
  EXPECT_EQ(data.at("pauses").as_array().at(0).at("what").as_string(), "all");
  EXPECT_FALSE(data.at("pauses").as_array().at(0).as_object().contains("until"));
  const auto& recent = data.at("recent").as_array().at(0);
  EXPECT_EQ(recent.at("direction").as_string(), "down");
  EXPECT_EQ(recent.at("inputs").as_string(), "value=1");
  EXPECT_EQ(recent.at("by").as_string(), "bob");
}

TEST(ActionsJson, NamesTheActionThatThereIsNot) {
  net::ServerRequest request;
  request.query = "action=grou";
  EXPECT_EQ(api_actions(request, view({action("grow")})).status, 404U);
  EXPECT_EQ(api_plan(request, {}).status, 404U);
}

TEST(ActionsPlan, SaysWhatWouldBeDoneAndAllThatSpeaksAgainstIt) {
  actions::Plan go;
  go.action = "grow";
  go.target = "workers";
  go.asked_for = true;
  go.present = "2";
  go.wanted = "4";
  go.inputs = "value=812 present=2";
  actions::Plan held = go;
  held.action = "more";
  held.against = {"silenced by 1234", "in cooldown until 03:30:00Z"};
  actions::Plan none;
  none.action = "idle";
  none.target = "cache";
  none.against = {"no alert asks for it"};
  EXPECT_EQ(plan_text({go, held, none}),
            "grow on workers: it has 2\n"
            "  up    2 -> 4: it would be done now\n"
            "        from value=812 present=2\n"
            "\n"
            "more on workers: it has 2\n"
            "  up    2 -> 4: not now, because\n"
            "        - silenced by 1234\n"
            "        - in cooldown until 03:30:00Z\n"
            "        from value=812 present=2\n"
            "\n"
            "idle on cache: its value could not be read\n"
            "  up    nothing to do, because\n"
            "        - no alert asks for it\n");
  const auto plans = boost::json::parse(api_plan({}, {go, held, none}).body).at("data").at("plans").as_array();
  EXPECT_TRUE(plans.at(0).at("wouldBeDone").as_bool());
  EXPECT_FALSE(plans.at(1).at("wouldBeDone").as_bool());
  EXPECT_EQ(plans.at(1).at("against").as_array().size(), 2U);
}

// --- what metrics say ---

std::string series(const std::vector<GaugeFamily>& families, const std::string& name) {
  std::string out;
  for (const GaugeFamily& family : families) {
    if (family.name != name) continue;
    for (const auto& [tags, value] : family.values) {
      for (const auto& [key, text] : tags) out += key + "=" + text + " ";
      out += core::format_value(value) + "\n";
    }
  }
  return out;
}

core::ActionRecord row(const std::string& id, ActionStep step, const std::string& from, const std::string& to,
                       int second) {
  core::ActionRecord r;
  r.id = id;
  r.action = "grow";
  r.target = "workers";
  r.step = step;
  r.from = from;
  r.to = to;
  r.at = core::from_millis(second * 1000);
  return r;
}

TEST(ActionMetrics, HaveOneSeriesForEachFact) {
  ActionMetrics metrics;
  // Newest first, as the journal gives them.
  metrics.remember({row("b", ActionStep::succeeded, "2", "3", 20), row("a", ActionStep::succeeded, "1", "2", 10)});
  metrics.remember({row("b", ActionStep::ineffective, "2", "3", 25), row("a", ActionStep::effective, "1", "2", 15)});
  actions::ActionStatus a = waiting();
  a.not_before = core::from_millis(90'000);
  a.drift_from = "3";
  a.drift_to = "2";
  a.drifted_at = core::from_millis(50'000);
  auto families = metrics.families({a}, {{"up", std::nullopt}});
  const std::string who = "action=grow ", of = "target=workers ";
  EXPECT_EQ(series(families, "tocsin_action_step"), who + "step=awaiting_approval " + of + "1\n");
  EXPECT_EQ(series(families, "tocsin_action_awaiting_approval"),
            who + "from=2 id=1f2e lapses=2026-11-21T03:12:00Z " + of + "to=4 1\n");
  EXPECT_EQ(series(families, "tocsin_action_last_change_timestamp_seconds"), who + "from=2 " + of + "to=3 20\n");
  EXPECT_EQ(series(families, "tocsin_action_last_end_timestamp_seconds"),
            who + "from=2 step=ineffective " + of + "to=3 25\n");
  EXPECT_EQ(series(families, "tocsin_action_not_before_timestamp_seconds"), who + "direction=up " + of + "90\n");
  EXPECT_EQ(series(families, "tocsin_action_drift_timestamp_seconds"), who + "from=3 " + of + "to=2 50\n");
  EXPECT_EQ(series(families, "tocsin_actions_paused"), "what=up 1\n");
  a.also_scaled_by = "fly";
  EXPECT_EQ(series(metrics.families({a}, {}), "tocsin_action_drift_timestamp_seconds"),
            who + "expected=fly from=3 " + of + "to=2 50\n");
  EXPECT_EQ(series(families, "tocsin_action_paused"), who + of + "0\n");

  metrics.step(row("c", ActionStep::unknown, "3", "4", 30));
  EXPECT_THAT(series(metrics.families({a}, {}), "tocsin_action_last_end_timestamp_seconds"), HasSubstr("step=unknown"));
  metrics.step(row("c", ActionStep::succeeded, "3", "4", 35));
  families = metrics.families({a}, {});
  EXPECT_EQ(series(families, "tocsin_action_last_end_timestamp_seconds"), "") << "it is known now";
  EXPECT_EQ(series(families, "tocsin_action_last_change_timestamp_seconds"), who + "from=3 " + of + "to=4 35\n");
  EXPECT_EQ(series(metrics.families({}, {}), "tocsin_action_last_change_timestamp_seconds"), "")
      << "an action that is configured no longer has none";
}

TEST(ActionMetrics, BoundWhatAPlatformSays) {
  actions::ActionStatus a = action("grow");
  a.drift_to = "line\nbreak \xff" + std::string(1000, 'x');
  a.drifted_at = now;
  const std::string said = series(ActionMetrics().families({a}, {}), "tocsin_action_drift_timestamp_seconds");
  EXPECT_THAT(said, HasSubstr("to=line?break ?xx"));
  EXPECT_LT(said.size(), 200U);
}

}  // namespace
}  // namespace tocsin::daemon
