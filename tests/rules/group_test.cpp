#include "tocsin/rules/group.hpp"
#include "tocsin/rules/packs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "evaluate.hpp"

namespace tocsin::rules {
namespace {

using core::AlertState;
using test::at_second;
using test::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string alert(const std::string& more) {
  return "groups: [{name: g, rules: [{alert: A, expr: x > 1" + more + "}]}]";
}
GroupSettings every(int seconds) {
  GroupSettings settings;
  settings.interval = std::chrono::seconds(seconds);
  return settings;
}

TEST(Group, FiresAtOnceWithoutFor) {
  Bench bench(alert(", labels: {severity: page}, annotations: {s: '{{ $labels.i }} has {{ $value }}'}"));
  bench.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 1}});
  const Evaluation evaluation = bench.evaluate(0);
  ASSERT_EQ(evaluation.changes.size(), 1U);
  const core::AlertChange& change = evaluation.changes[0];
  EXPECT_EQ(change.kind, core::AlertChange::Kind::firing);
  EXPECT_EQ(change.alert.labels, (core::Labels{{"alertname", "A"}, {"i", "1"}, {"severity", "page"}}));
  EXPECT_EQ(change.alert.annotations, (core::Labels{{"s", "1 has 2"}}));
  EXPECT_EQ(change.alert.active_at, at_second(0));
  EXPECT_EQ(change.alert.fired_at, at_second(0));
  EXPECT_EQ(change.alert.value, 2);
  EXPECT_EQ(change.alert.rule, "A");
  EXPECT_EQ(change.alert.group, "rules.yml;g");
  EXPECT_EQ(change.alert.expression, "x > 1");
  EXPECT_EQ(change.alert.valid_until, at_second(240));  // 4 * max(15 s, 1 m)
  EXPECT_EQ(bench.rule().state, AlertState::firing);
  EXPECT_EQ(bench.rule().health, Health::ok);
  EXPECT_EQ(bench.rule().alerts.size(), 1U);
}

TEST(Group, WaitsForFor) {
  Bench bench(alert(", for: 30s"));
  bench.give(0, {{"x", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre("pending{alertname=\"A\"}"));
  EXPECT_EQ(bench.rule().state, AlertState::pending);
  EXPECT_THAT(bench.changes(15), IsEmpty());
  const Evaluation fired = bench.evaluate(30);
  EXPECT_THAT(test::words(fired), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_EQ(fired.changes[0].alert.active_at, at_second(0));
  EXPECT_EQ(fired.changes[0].alert.fired_at, at_second(30));
}

TEST(Group, APendingAlertThatVanishesIsGoneAndStartsAnew) {
  Bench bench(alert(", for: 30s"));
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.give(10, {{"x", 1}});
  EXPECT_THAT(bench.changes(15), ElementsAre("gone{alertname=\"A\"}"));
  bench.give(20, {{"x", 2}});
  EXPECT_THAT(bench.changes(30), ElementsAre("pending{alertname=\"A\"}"));
  EXPECT_THAT(bench.changes(45), IsEmpty());
  EXPECT_THAT(bench.changes(60), ElementsAre("firing{alertname=\"A\"}"));
}

TEST(Group, ResolvesOnceAndFiresAnew) {
  Bench bench(alert(""));
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.give(10, {{"x", 1}});
  const Evaluation resolved = bench.evaluate(15);
  EXPECT_THAT(test::words(resolved), ElementsAre("resolved{alertname=\"A\"}"));
  EXPECT_EQ(resolved.changes[0].alert.resolved_at, at_second(15));
  EXPECT_EQ(resolved.changes[0].alert.state, AlertState::inactive);
  EXPECT_THAT(bench.changes(30), IsEmpty());
  EXPECT_TRUE(bench.rule().alerts.empty());
  bench.give(40, {{"x", 2}});
  const Evaluation again = bench.evaluate(45);
  EXPECT_THAT(test::words(again), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_EQ(again.changes[0].alert.active_at, at_second(45));
}

TEST(Group, KeepsFiringFor) {
  Bench bench(alert(", keep_firing_for: 30s"));
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.give(10, {{"x", 1}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_EQ(bench.rule().alerts.at(0).keep_firing_since, at_second(15));
  // The expression gives a result again: the time starts over.
  bench.give(20, {{"x", 2}});
  (void)bench.evaluate(30);
  EXPECT_EQ(bench.rule().alerts.at(0).keep_firing_since, std::nullopt);
  bench.give(40, {{"x", 1}});
  (void)bench.evaluate(45);
  (void)bench.evaluate(60);
  EXPECT_THAT(bench.changes(75), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Group, TellsAgainOnlyAfterMoreThanTheDelay) {
  const std::vector<std::pair<int, std::vector<int>>> cases{
      {30, {90, 180, 270}}, {60, {120, 240}}, {15, {75, 150, 225}}};
  for (const auto& [interval, expected] : cases) {
    Bench bench(alert(""), every(interval));
    std::vector<int> repeated;
    for (int second = 0; second < 280; second += interval) {
      bench.give(second, {{"x", 2}});
      for (const core::AlertChange& change : bench.evaluate(second).changes) {
        if (change.kind != core::AlertChange::Kind::repeated) continue;
        repeated.push_back(second);
        EXPECT_EQ(change.alert.valid_until, at_second(second + 240));
      }
    }
    EXPECT_EQ(repeated, expected) << interval;
  }
}

TEST(Group, LongIntervalsKeepAlertsValidLonger) {
  Bench bench(alert(""), every(120));
  bench.give(0, {{"x", 2}});
  EXPECT_EQ(bench.evaluate(0).changes.at(0).alert.valid_until, at_second(480));
}

TEST(Group, WritesAlertsAndForState) {
  Bench bench(alert(", for: 30s, labels: {severity: page}"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  (void)bench.evaluate(0);
  EXPECT_EQ(bench.value(R"(ALERTS{alertname="A",alertstate="pending",severity="page",i="1"})", 0), 1);
  EXPECT_EQ(bench.value(R"(ALERTS_FOR_STATE{alertname="A",severity="page",i="1"})", 0), 1'700'000'000);
  (void)bench.evaluate(30);
  EXPECT_TRUE(std::isnan(bench.value(R"(ALERTS{alertstate="pending"})", 30)));
  EXPECT_EQ(bench.value(R"(ALERTS{alertstate="firing"})", 30), 1);
  EXPECT_EQ(bench.value("ALERTS_FOR_STATE", 30), 1'700'000'000);
  bench.give(40, {{R"(x{i="1"})", 1}});
  (void)bench.evaluate(45);
  EXPECT_TRUE(std::isnan(bench.value("ALERTS", 45)));
  EXPECT_TRUE(std::isnan(bench.value("ALERTS_FOR_STATE", 45)));
}

TEST(Group, EmptyLabelsDeleteAndAlertnameWins) {
  Bench bench(
      alert(", labels: {i: '', alertname: other, j: '{{ $labels.i }}-{{ $labels.severity }}', severity: page}"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre(R"(firing{alertname="A", j="1-", severity="page"})"));
}

TEST(Group, TemplatesSeeTheMetricsName) {
  Bench bench(alert(", annotations: {s: '{{ $labels }}'}"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  EXPECT_EQ(bench.evaluate(0).changes.at(0).alert.annotations.get("s"), "map[__name__:x i:1]");
}

TEST(Group, ATemplateErrorIsText) {
  Bench bench(alert(", annotations: {s: '{{ toUpper 5 }}'}"));
  bench.give(0, {{"x", 2}});
  const Evaluation evaluation = bench.evaluate(0);
  EXPECT_TRUE(evaluation.errors.empty());
  EXPECT_THAT(std::string(evaluation.changes.at(0).alert.annotations.get("s")),
              HasSubstr("<error expanding template: "));
}

TEST(Group, TemplatesMayQuery) {
  Bench bench(alert(R"q(, annotations: {s: '{{ query "sum(y)" | first | value }}'})q"));
  bench.give(0, {{"x", 2}, {R"(y{a="1"})", 3}, {R"(y{a="2"})", 4}});
  EXPECT_EQ(bench.evaluate(0).changes.at(0).alert.annotations.get("s"), "7");
}

TEST(Group, DuplicateLabelSetsAreAnErrorThatChangesNothing) {
  Bench bench("groups: [{name: g, rules: [{alert: A, expr: x > 1, labels: {i: same}}]}]");
  bench.give(0, {{R"(x{i="1"})", 2}});
  EXPECT_EQ(bench.evaluate(0).changes.size(), 1U);
  bench.give(10, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}});
  const Evaluation evaluation = bench.evaluate(15);
  EXPECT_TRUE(evaluation.changes.empty());
  ASSERT_EQ(evaluation.errors.size(), 1U);
  EXPECT_EQ(evaluation.errors[0].first, "A");
  EXPECT_THAT(evaluation.errors[0].second,
              HasSubstr("vector contains metrics with the same labelset after applying alert labels"));
  EXPECT_EQ(bench.rule().health, Health::err);
  EXPECT_EQ(bench.rule().alerts.at(0).state, AlertState::firing);
  // ALERTS has no staleness marker after an error: the value stays.
  EXPECT_EQ(bench.value("ALERTS", 15), 1);
}

TEST(Group, QueryErrorsKeepTheState) {
  Bench bench("groups: [{name: g, rules: [{alert: A, expr: 'x * on (i) y > 0'}]}]");
  bench.give(0, {{R"(x{i="1"})", 2}, {R"(y{i="1"})", 2}});
  EXPECT_EQ(bench.evaluate(0).changes.size(), 1U);
  bench.give(10, {{R"(x{i="1"})", 2}, {R"(y{i="1",a="1"})", 2}, {R"(y{i="1",a="2"})", 2}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_EQ(bench.rule().health, Health::err);
  EXPECT_EQ(bench.rule().state, AlertState::firing);
  bench.give(20, {{R"(x{i="1"})", 2}, {R"(y{i="1"})", 2}});
  EXPECT_THAT(bench.changes(30), IsEmpty());
  EXPECT_EQ(bench.rule().health, Health::ok);
  EXPECT_EQ(bench.rule().last_error, "");
}

TEST(Group, LimitOfAlertsForgetsThem) {
  Bench bench("groups: [{name: g, limit: 1, rules: [{alert: A, expr: x > 1}]}]");
  bench.give(0, {{R"(x{i="1"})", 2}});
  EXPECT_EQ(bench.evaluate(0).changes.size(), 1U);
  bench.give(10, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 2}});
  const Evaluation evaluation = bench.evaluate(15);
  EXPECT_TRUE(evaluation.changes.empty());
  EXPECT_EQ(evaluation.errors.at(0).second, "exceeded limit of 1 with 2 alerts");
  EXPECT_TRUE(bench.rule().alerts.empty());
}

TEST(Group, RecordsWithLabels) {
  Bench bench("groups: [{name: g, rules: [{record: 'r:sum', expr: 'sum by (i, j) (x)', labels: {k: v, j: ''}}]}]");
  bench.give(0, {{R"(x{i="1",j="2",l="a"})", 2}, {R"(x{i="1",j="2",l="b"})", 3}});
  EXPECT_TRUE(bench.evaluate(0).errors.empty());
  EXPECT_EQ(bench.value(R"(r:sum{i="1",j="",k="v"})", 0), 5);
  EXPECT_EQ(bench.rule().query, "sum by (i, j) (x)");
}

TEST(Group, RecordsScalars) {
  Bench bench("groups: [{name: g, rules: [{record: one, expr: '1 + 1'}]}]");
  (void)bench.evaluate(0);
  EXPECT_EQ(bench.value("one", 0), 2);
}

TEST(Group, RecordedSeriesEnd) {
  Bench bench("groups: [{name: g, rules: [{record: r, expr: 'x > 1'}]}]");
  bench.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 3}});
  (void)bench.evaluate(0);
  EXPECT_EQ(bench.value(R"(r{i="1"})", 0), 2);
  bench.give(10, {{R"(x{i="1"})", 1}, {R"(x{i="2"})", 3}});
  (void)bench.evaluate(15);
  EXPECT_TRUE(std::isnan(bench.value(R"(r{i="1"})", 15)));
  EXPECT_EQ(bench.value(R"(r{i="2"})", 15), 3);
}

TEST(Group, RecordingErrors) {
  Bench twice("groups: [{name: g, rules: [{record: r, expr: x, labels: {i: a}}]}]");
  twice.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 3}});
  EXPECT_THAT(twice.evaluate(0).errors.at(0).second,
              HasSubstr("vector contains metrics with the same labelset after applying rule labels"));
  Bench limited("groups: [{name: g, limit: 1, rules: [{record: r, expr: x}]}]");
  limited.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 3}});
  EXPECT_EQ(limited.evaluate(0).errors.at(0).second, "exceeded limit of 1 with 2 series");
  EXPECT_TRUE(std::isnan(limited.value("r", 0)));
  Bench text("groups: [{name: g, rules: [{record: r, expr: '\"text\"'}]}]");
  EXPECT_EQ(text.evaluate(0).errors.at(0).second, "rule result is not a vector or scalar");
}

TEST(Group, RulesSeeWhatRulesBeforeThemRecorded) {
  Bench bench(
      "groups: [{name: g, rules: [{record: r, expr: x * 2}, {alert: A, expr: r > 1}, {record: n, expr: "
      "'count(ALERTS)'}]}]");
  bench.give(0, {{"x", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_EQ(bench.value("n", 0), 1);
}

TEST(Group, OffsetLooksBack) {
  Bench bench("groups: [{name: g, query_offset: 10s, rules: [{record: r, expr: x}, {alert: A, expr: x > 1}]}]");
  bench.give(0, {{"x", 1}});
  bench.give(10, {{"x", 2}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_EQ(bench.value("r", 5), 1);
  const Evaluation fired = bench.evaluate(20);
  ASSERT_EQ(fired.changes.size(), 1U);
  EXPECT_EQ(fired.changes[0].alert.active_at, at_second(20));
  EXPECT_EQ(bench.value("r", 10), 2);
}

TEST(Group, TimeOnlyGoesForward) {
  Bench bench(alert(""));
  bench.give(0, {{"x", 2}});
  EXPECT_EQ(bench.evaluate(10).changes.size(), 1U);
  EXPECT_TRUE(bench.evaluate(10).changes.empty());
  EXPECT_TRUE(bench.evaluate(5).changes.empty());
  EXPECT_EQ(bench.group->status().evaluations, 1U);
}

TEST(Group, ExpiredEvaluationsAreErrors) {
  Bench bench("groups: [{name: g, rules: [{record: r, expr: 'sum_over_time(sum_over_time(x[1m:10ms])[10m:10ms])'}]}]");
  bench.give(0, {{"x", 2}});
  const Evaluation evaluation = bench.group->evaluate(at_second(1), [] { return [] { return true; }; });
  ASSERT_EQ(evaluation.errors.size(), 1U);
  EXPECT_EQ(bench.group->status().failures, 1U);
  EXPECT_EQ(bench.rule().health, Health::err);
}

TEST(Group, SlotsAreSpreadAndStable) {
  Bench bench(alert(""), every(60));
  const auto now = at_second(12345.678);
  const auto slot = bench.group->slot_before(now);
  EXPECT_LE(slot, now);
  EXPECT_GT(slot + std::chrono::seconds(60), now);
  EXPECT_EQ(bench.group->next_slot(now), slot + std::chrono::seconds(60));
  EXPECT_EQ(bench.group->slot_before(slot), slot);
  EXPECT_EQ(bench.group->slot_before(slot - std::chrono::milliseconds(1)), slot - std::chrono::seconds(60));
  Bench other(alert(""), every(60));
  EXPECT_EQ(other.group->slot_before(now), slot);
  Bench named("groups: [{name: other, rules: []}]", every(60));
  EXPECT_NE(named.group->slot_before(now), slot);
}

TEST(Group, ReadsFrom) {
  const auto reads = [](const std::string& expr, const core::Labels& base, std::vector<std::string_view> names) {
    Bench bench("groups: [{name: g, rules: [{record: r, expr: '" + expr + "'}]}]");
    return bench.group->reads_from(base, names);
  };
  const core::Labels base{{"job", "cache"}, {"instance", "a:1"}};
  EXPECT_TRUE(reads("redis_up == 0", base, {"redis_up", "redis_x"}));
  EXPECT_FALSE(reads("pg_up == 0", base, {"redis_up"}));
  EXPECT_TRUE(reads("redis_up{job=\"cache\"} == 0", base, {"redis_up"}));
  EXPECT_FALSE(reads("redis_up{job=\"other\"} == 0", base, {"redis_up"}));
  EXPECT_TRUE(reads("redis_up{role=\"master\"} == 0", base, {"redis_up"}));
  EXPECT_TRUE(reads("sum(rate({__name__=~\"redis_.*\"}[5m])) or topk(2, y)", base, {"redis_up"}));
  EXPECT_TRUE(reads("max_over_time((-redis_up)[5m:1m])", base, {"redis_up"}));
  EXPECT_FALSE(reads("vector(time()) > 5", base, {"redis_up"}));
}

/// While a target is not heard, a group that reads it is not judged: then that tocsin is cut off would not be said.
TEST(Group, WhatTocsinSaysOfItselfReadsNoTarget) {
  const auto own = std::find_if(packs().begin(), packs().end(), [](const Pack& pack) { return pack.name == "tocsin"; });
  ASSERT_NE(own, packs().end());
  const Bench bench{std::string(own->text)};  // its first group
  const auto& rules = bench.group->spec().rules;
  EXPECT_TRUE(
      std::any_of(rules.begin(), rules.end(), [](const RuleSpec& rule) { return rule.name == "TocsinCutOff"; }));
  const core::Labels base{{"job", "cache"}, {"instance", "a:1"}};
  const std::vector<std::string_view> of_every_target{"tocsin_probe_success", "tocsin_probe_duration_seconds",
                                                      "tocsin_probe_age_seconds", "tocsin_probe_failures_total"};
  EXPECT_FALSE(bench.group->reads_from(base, of_every_target));
}

TEST(Group, AReplacementGoesOn) {
  Bench bench(alert(", for: 1m"));
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.load(alert(", for: 30s, annotations: {s: new}"));
  const Evaluation fired = bench.evaluate(30);
  ASSERT_THAT(test::words(fired), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_EQ(fired.changes[0].alert.active_at, at_second(0));
  EXPECT_EQ(bench.value("ALERTS", 30), 1);
  // A longer `for` makes it wait again.
  bench.load(alert(", for: 2m"));
  EXPECT_THAT(bench.changes(45), ElementsAre("pending{alertname=\"A\"}"));
  EXPECT_EQ(bench.rule().alerts.at(0).fired_at, std::nullopt);
  EXPECT_THAT(bench.changes(120), ElementsAre("firing{alertname=\"A\"}"));
}

TEST(Group, WhatIsNotTakenOverEnds) {
  Bench bench("groups: [{name: g, rules: [{record: a, expr: x}, {record: b, expr: x}]}]");
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.now = at_second(5);
  bench.load("groups: [{name: g, rules: [{record: a, expr: x + 1}]}]");
  (void)bench.evaluate(15);
  EXPECT_EQ(bench.value("a", 15), 3);
  EXPECT_TRUE(std::isnan(bench.value("b", 15)));
  // One series of that name all the time: a range over the reload finds one.
  EXPECT_EQ(bench.value("count_over_time(a[1m])", 15), 2);
}

TEST(Group, CloseEndsTheSeries) {
  Bench bench("groups: [{name: g, rules: [{record: a, expr: x}]}]");
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.group->close(at_second(10));
  EXPECT_TRUE(std::isnan(bench.value("a", 10)));
}

TEST(Group, StatusTells) {
  GroupSettings settings = every(30);
  std::int64_t ticks = 0;
  settings.stopwatch = [&ticks] { return std::chrono::nanoseconds(ticks += 10); };
  Bench bench(
      "groups: [{name: g, limit: 5, rules: [{alert: A, expr: 'x>1', for: 1m, keep_firing_for: 2m, labels: {a: '{{ 1 "
      "}}'}, annotations: {b: c}}]}]",
      settings);
  bench.group->count_missed(3);
  bench.give(0, {{"x", 2}});
  EXPECT_EQ(bench.rule().health, Health::unknown);
  (void)bench.evaluate(0);
  const GroupStatus status = bench.group->status();
  EXPECT_EQ(status.name, "g");
  EXPECT_EQ(status.file, "rules.yml");
  EXPECT_EQ(status.interval, std::chrono::seconds(30));
  EXPECT_EQ(status.limit, 5U);
  EXPECT_EQ(status.missed, 3U);
  EXPECT_EQ(status.last_evaluation, at_second(0));
  EXPECT_GT(status.evaluation_time.count(), 0);
  const RuleStatus& rule = status.rules.at(0);
  EXPECT_EQ(rule.query, "x > 1");
  EXPECT_EQ(rule.labels, (std::vector<core::Label>{{"a", "{{ 1 }}"}}));
  EXPECT_EQ(rule.hold, std::chrono::minutes(1));
  EXPECT_EQ(rule.keep_firing, std::chrono::minutes(2));
  EXPECT_EQ(rule.alerts.at(0).labels.get("a"), "1");
  EXPECT_GT(rule.evaluation_time.count(), 0);
}

}  // namespace
}  // namespace tocsin::rules
