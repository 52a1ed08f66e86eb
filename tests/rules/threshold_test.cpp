#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "evaluate.hpp"
#include "life.hpp"

namespace tocsin::rules {
namespace {

using core::AlertState;
using test::at_second;
using test::Bench;
using test::Life;
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
  // Past hold_max it ends, and another alert says that nothing is known.
  const Evaluation ended = bench.evaluate(615);
  ASSERT_THAT(test::words(ended), ElementsAre(R"(resolved{alertname="A", i="1"})",
                                              R"(firing{about="A", alertname="TocsinTruthUnknown", i="1"})"));
  EXPECT_EQ(bench.rule().health, Health::unknown);
  EXPECT_THAT(bench.rule().last_error, HasSubstr(R"(no data of {i="1"} since )"));
  const core::Alert& unknown = ended.changes[1].alert;
  EXPECT_EQ(unknown.active_at, at_second(0));  // when it was last seen
  EXPECT_EQ(unknown.fired_at, at_second(615));
  EXPECT_EQ(unknown.value, 2);
  EXPECT_EQ(unknown.rule, "TocsinTruthUnknown");
  EXPECT_EQ(unknown.annotations.get("summary"),
            R"(Whether A{i="1"} holds is unknown: there has been no data since 2023-11-14T22:13:20.000Z)");
  const std::string description(unknown.annotations.get("description"));
  EXPECT_THAT(description,
              HasSubstr("There is no data of x since 2023-11-14T22:13:20.000Z. When it was last seen, A was "
                        "firing since 2023-11-14T22:13:20.000Z, and its value was 2. It was held for 10m"));
  EXPECT_THAT(description, HasSubstr("The rule: x above 1, missing data holds for 10m."));
  EXPECT_EQ(bench.value(R"(ALERTS{alertname="TocsinTruthUnknown",about="A",alertstate="firing"})", 615), 1);
  EXPECT_EQ(bench.rule().alerts.size(), 1U);
  EXPECT_THAT(bench.changes(630), IsEmpty());
  EXPECT_EQ(bench.rule().health, Health::unknown);
  bench.give(640, {{R"(x{i="1"})", 0}});
  EXPECT_THAT(bench.changes(645), ElementsAre(R"(resolved{about="A", alertname="TocsinTruthUnknown", i="1"})"));
  EXPECT_EQ(bench.rule().health, Health::ok);
  EXPECT_EQ(bench.rule().last_error, "");
}

TEST(Threshold, TheUnknownTruthSurvivesAndEnds) {
  Life life(threshold("all: [{metric: x, above: 1}], labels: {severity: page}, hold_max: 1m"));
  life.give(0, {{"x", 2}});
  (void)life.evaluate(0);
  life.give(10, {});
  (void)life.evaluate(30);
  const std::string unknown = R"({about="A", alertname="TocsinTruthUnknown", severity="page"})";
  EXPECT_THAT(life.changes(75), ElementsAre(R"(resolved{alertname="A", severity="page"})", "firing" + unknown));
  const core::Alert before = life.rule().alerts.at(0);
  EXPECT_EQ(life.restart(80).firing, 1U);
  const core::Alert after = life.rule().alerts.at(0);
  EXPECT_EQ(after.labels, before.labels);
  EXPECT_EQ(after.annotations, before.annotations);
  EXPECT_EQ(after.active_at, before.active_at);
  EXPECT_EQ(after.fired_at, before.fired_at);
  EXPECT_THAT(life.changes(90), IsEmpty());
  EXPECT_EQ(life.rule().health, Health::unknown);
  // Settling keeps it as well; data ends it.
  life.group->set_settling(true);
  EXPECT_THAT(life.changes(105), IsEmpty());
  Life other = Life(life.rules);
  other.memories = life.memories;
  other.given = life.given;
  life.give(110, {{"x", 2}});
  EXPECT_THAT(life.changes(120), ElementsAre(R"(firing{alertname="A", severity="page"})", "resolved" + unknown));
  // A day later nobody expects the data any more.
  (void)other.restart(106, std::chrono::hours(100));
  std::vector<std::string> last;
  for (int second = 900; second < 100'000; second += 900) {
    const Evaluation evaluation = other.evaluate(second);
    for (const core::AlertChange& change : evaluation.changes) {
      if (change.kind == core::AlertChange::Kind::repeated) continue;
      last = test::words(evaluation);
      EXPECT_EQ(second, 87'300);  // an hour and a day after it was last seen
    }
  }
  EXPECT_THAT(last, ElementsAre("resolved" + unknown));
}

TEST(Threshold, MissingPeriodsEndNothingThatIsHeld) {
  const auto run = [](const std::string& on_missing) {
    Bench bench(threshold("all: [{metric: x, above: 10}], average: 60s, breaches: 2 of 3, on_missing: " + on_missing));
    std::vector<std::string> out;
    // High, high, nothing, low, low.
    const std::vector<std::optional<double>> minutes{20, 20, std::nullopt, 20, 0, 0};
    for (std::size_t minute = 0; minute < minutes.size(); ++minute) {
      for (int second = 5; second <= 60; second += 5) {
        const double at = static_cast<double>(minute) * 60 + second;
        bench.give(at, minutes[minute] ? std::vector<std::pair<std::string, double>>{{"x", *minutes[minute]}}
                                       : std::vector<std::pair<std::string, double>>{});
      }
      for (const core::AlertChange& change : bench.evaluate(static_cast<double>(minute + 1) * 60).changes) {
        if (change.kind == core::AlertChange::Kind::repeated) continue;
        out.push_back(std::string(to_string(change.kind)) + " " + std::to_string(minute));
      }
    }
    return out;
  };
  EXPECT_THAT(run("hold"), ElementsAre("firing 1", "resolved 5"));
  EXPECT_THAT(run("resolve"), ElementsAre("firing 1", "resolved 2", "firing 3", "resolved 4"));
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
