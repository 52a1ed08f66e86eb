#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "evaluate.hpp"

namespace tocsin::rules {
namespace {

using core::AlertState;
using test::at_second;
using test::Bench;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string threshold(const std::string& rest) { return "thresholds: [{alert: A, " + rest + "}]"; }

TEST(Threshold, Hysteresis) {
  Bench bench(threshold("all: [{metric: 'r:ratio', above: 80%, clear_below: 70%}]"));
  const auto at = [&](double second, double value) {
    bench.give(second, {{R"(r:ratio{i="1"})", value}});
    return bench.changes(second);
  };
  EXPECT_THAT(at(0, 0.8), IsEmpty());
  EXPECT_THAT(at(15, 0.81), ElementsAre(R"(firing{alertname="A", i="1"})"));
  EXPECT_THAT(at(30, 0.75), IsEmpty());
  EXPECT_THAT(at(45, 0.7), IsEmpty());
  EXPECT_THAT(at(60, 0.69), ElementsAre(R"(resolved{alertname="A", i="1"})"));
  EXPECT_THAT(at(75, 0.75), IsEmpty());
}

TEST(Threshold, BelowWithHysteresis) {
  Bench bench(threshold("all: [{metric: x, below: 5, clear_above: 7}]"));
  const auto at = [&](double second, double value) {
    bench.give(second, {{"x", value}});
    return bench.changes(second);
  };
  EXPECT_THAT(at(0, 5), IsEmpty());
  EXPECT_THAT(at(15, 4), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_THAT(at(30, 7), IsEmpty());
  EXPECT_THAT(at(45, 7.1), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Threshold, AllAndAny) {
  const std::string lines = ": [{metric: x, above: 1}, {metric: y, above: 1}]";
  Bench all(threshold("all" + lines));
  Bench any(threshold("any" + lines));
  const auto both = [&](double second, double x, double y) {
    for (Bench* bench : {&all, &any}) bench->give(second, {{R"(x{i="1"})", x}, {R"(y{i="1"})", y}});
    return std::pair(all.changes(second).size(), any.changes(second).size());
  };
  EXPECT_EQ(both(0, 2, 0), (std::pair<std::size_t, std::size_t>(0, 1)));
  EXPECT_EQ(both(15, 2, 2), (std::pair<std::size_t, std::size_t>(1, 0)));
  EXPECT_EQ(both(30, 0, 2), (std::pair<std::size_t, std::size_t>(1, 0)));
  EXPECT_EQ(both(45, 0, 0), (std::pair<std::size_t, std::size_t>(0, 1)));
}

TEST(Threshold, LinesMeetByTheLabelsTheyShare) {
  Bench bench(threshold("all: [{metric: x, above: 1}, {metric: y, above: 1}], where: '{job=\"a\"}'"));
  bench.give(0, {{R"(x{job="a",i="1",db="0"})", 0},
                 {R"(x{job="a",i="1",db="1"})", 5},
                 {R"(x{job="a",i="2",db="0"})", 5},
                 {R"(x{job="b",i="3",db="0"})", 5},
                 {R"(y{job="a",i="1"})", 5},
                 {R"(y{job="a",i="2"})", 0},
                 {R"(y{job="b",i="3"})", 5}});
  const Evaluation evaluation = bench.evaluate(0);
  EXPECT_THAT(test::words(evaluation), ElementsAre(R"(firing{alertname="A", i="1", job="a"})"));
  EXPECT_EQ(evaluation.changes.at(0).alert.value, 5);  // the worst of the series that share the labels
}

TEST(Threshold, WaitsAndTemplates) {
  Bench bench(
      threshold("all: [{metric: x, above: 1}], for: 30s, labels: {severity: page}, "
                "annotations: {s: '{{ $labels.i }} {{ $value }}'}"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre(R"(pending{alertname="A", i="1", severity="page"})"));
  const Evaluation fired = bench.evaluate(30);
  EXPECT_THAT(test::words(fired), ElementsAre(R"(firing{alertname="A", i="1", severity="page"})"));
  EXPECT_EQ(fired.changes[0].alert.annotations.get("s"), "1 2");
  EXPECT_THAT(fired.changes[0].alert.expression, HasSubstr("x above 1"));
  EXPECT_EQ(bench.value(R"(ALERTS{alertstate="firing",severity="page"})", 30), 1);
  EXPECT_EQ(bench.rule().kind, RuleSpec::Kind::threshold);
}

TEST(Threshold, Average) {
  Bench bench(threshold("all: [{metric: x, above: 10}], average: 60s"));
  for (int second = 0; second <= 60; second += 15) bench.give(second, {{"x", second == 60 ? 30.0 : 0.0}});
  EXPECT_THAT(bench.changes(60), IsEmpty());  // a peak alone is no average
  for (int second = 75; second <= 120; second += 15) bench.give(second, {{"x", 30.0}});
  EXPECT_THAT(bench.changes(120), ElementsAre("firing{alertname=\"A\"}"));
}

TEST(Threshold, BreachesOfPeriods) {
  Bench bench(threshold("all: [{metric: x, above: 10}], average: 60s, breaches: 2 of 3"));
  // Periods of a minute: low, high, low, high, high, low, low.
  const std::vector<double> minutes{0, 20, 0, 20, 20, 0, 0};
  std::vector<std::size_t> changed;
  for (std::size_t minute = 0; minute < minutes.size(); ++minute) {
    for (int second = 5; second <= 60; second += 5) {
      bench.give(static_cast<double>(minute) * 60 + second, {{"x", minutes[minute]}});
    }
    for (const core::AlertChange& change : bench.evaluate(static_cast<double>(minute + 1) * 60).changes) {
      if (change.kind != core::AlertChange::Kind::repeated) changed.push_back(minute);
    }
  }
  EXPECT_EQ(changed, (std::vector<std::size_t>{3, 6}));  // high of 1 and 3; then 5 and 6 leave one
}

TEST(Threshold, MissingDataHoldsForATime) {
  Bench bench(threshold("all: [{metric: x, above: 1}], on_missing: hold, hold_max: 10m"));
  bench.give(0, {{R"(x{i="1"})", 2}, {R"(x{i="2"})", 0}});
  EXPECT_THAT(bench.changes(0), ElementsAre(R"(firing{alertname="A", i="1"})"));
  EXPECT_FALSE(bench.rule().alerts.at(0).held);
  bench.give(10, {});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_TRUE(bench.rule().alerts.at(0).held);
  EXPECT_EQ(bench.rule().alerts.at(0).value, 2);
  // It is told again while it is held, so that nobody lets it go.
  const Evaluation repeated = bench.evaluate(90);
  ASSERT_EQ(repeated.changes.size(), 1U);
  EXPECT_EQ(repeated.changes[0].kind, core::AlertChange::Kind::repeated);
  EXPECT_TRUE(repeated.changes[0].alert.held);
  EXPECT_EQ(bench.rule().health, Health::ok);
  (void)bench.evaluate(600);
  EXPECT_EQ(bench.rule().alerts.size(), 1U);
  // Past hold_max it resolves, and the rule says that nothing is known.
  EXPECT_THAT(bench.changes(615), ElementsAre(R"(resolved{alertname="A", i="1"})"));
  EXPECT_EQ(bench.rule().health, Health::unknown);
  EXPECT_THAT(bench.rule().last_error, HasSubstr(R"(no data of {i="1"} since )"));
  (void)bench.evaluate(630);
  EXPECT_EQ(bench.rule().health, Health::unknown);
  bench.give(640, {{R"(x{i="1"})", 0}});
  (void)bench.evaluate(645);
  EXPECT_EQ(bench.rule().health, Health::ok);
  EXPECT_EQ(bench.rule().last_error, "");
}

TEST(Threshold, HeldAlertsGoOnWhenDataComesBack) {
  Bench bench(threshold("all: [{metric: x, above: 1}], for: 30s"));
  bench.give(0, {{"x", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre("pending{alertname=\"A\"}"));
  bench.give(10, {});
  EXPECT_THAT(bench.changes(60), IsEmpty());  // pending stays pending: nothing says that it still holds
  EXPECT_TRUE(bench.rule().alerts.at(0).held);
  bench.give(70, {{"x", 2}});
  EXPECT_THAT(bench.changes(75), ElementsAre("firing{alertname=\"A\"}"));
  EXPECT_FALSE(bench.rule().alerts.at(0).held);
  bench.give(80, {});
  EXPECT_THAT(bench.changes(90), IsEmpty());
  bench.give(95, {{"x", 0}});
  EXPECT_THAT(bench.changes(105), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Threshold, MissingDataFires) {
  Bench bench(threshold("all: [{metric: x, above: 1}], on_missing: fire"));
  bench.give(0, {{R"(x{i="1"})", 0}});
  EXPECT_THAT(bench.changes(0), IsEmpty());
  bench.give(10, {});
  EXPECT_THAT(bench.changes(15), ElementsAre(R"(firing{alertname="A", i="1"})"));
  bench.give(20, {{R"(x{i="1"})", 0}});
  EXPECT_THAT(bench.changes(30), ElementsAre(R"(resolved{alertname="A", i="1"})"));
}

TEST(Threshold, MissingDataResolves) {
  Bench bench(threshold("all: [{metric: x, above: 1}], on_missing: resolve"));
  bench.give(0, {{"x", 2}});
  EXPECT_THAT(bench.changes(0), ElementsAre("firing{alertname=\"A\"}"));
  bench.give(10, {});
  EXPECT_THAT(bench.changes(15), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Threshold, OnlyWhatWasKnownCanBeMissing) {
  Bench bench(threshold("all: [{metric: x, above: 1}, {metric: y, above: 1}], on_missing: fire"));
  EXPECT_THAT(bench.changes(0), IsEmpty());
  bench.give(10, {{"x", 2}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
}

TEST(Threshold, ALineThatIsClearlyFalseOutweighsAMissingOne) {
  Bench bench(threshold("all: [{metric: x, above: 1}, {metric: y, above: 1}]"));
  bench.give(0, {{"x", 2}, {"y", 2}});
  EXPECT_EQ(bench.changes(0).size(), 1U);
  bench.give(10, {{"x", 2}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_TRUE(bench.rule().alerts.at(0).held);
  bench.give(20, {{"x", 0}});
  EXPECT_THAT(bench.changes(30), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Threshold, NotANumberIsNoKnowledge) {
  Bench bench(threshold("all: [{metric: x, above: 1}]"));
  bench.give(0, {{"x", 2}});
  (void)bench.evaluate(0);
  bench.give(10, {{"x", std::nan("")}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_TRUE(bench.rule().alerts.at(0).held);
}

TEST(Threshold, AReplacementKeepsItsHysteresis) {
  const std::string line = "all: [{metric: x, above: 10, clear_below: 5}]";
  Bench bench(threshold(line));
  bench.give(0, {{"x", 11}});
  (void)bench.evaluate(0);
  bench.load(threshold(line + ", annotations: {s: new}"));
  bench.give(10, {{"x", 7}});
  EXPECT_THAT(bench.changes(15), IsEmpty());
  EXPECT_EQ(bench.rule().state, AlertState::firing);
  bench.give(20, {{"x", 4}});
  EXPECT_THAT(bench.changes(30), ElementsAre("resolved{alertname=\"A\"}"));
}

TEST(Threshold, ReadsFromItsLines) {
  Bench bench(threshold("all: [{metric: x, above: 1}], where: '{job=\"a\"}'"));
  const std::vector<std::string_view> names{"x"};
  EXPECT_TRUE(bench.group->reads_from(core::Labels{{"job", "a"}}, names));
  EXPECT_FALSE(bench.group->reads_from(core::Labels{{"job", "b"}}, names));
}

}  // namespace
}  // namespace tocsin::rules
