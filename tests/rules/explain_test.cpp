#include "tocsin/rules/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "evaluate.hpp"

namespace tocsin::rules {
namespace {

using test::at_second;
using test::Bench;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = ExplainedNode::Kind;

ExplainRequest request(double second) {
  ExplainRequest out;
  out.at = at_second(second);
  return out;
}
Explanation explained(const Bench& bench, double second, std::size_t rule = 0) {
  const RuleStatus status = bench.rule(rule);
  Explanation out = explain(bench.group->spec().rules.at(rule), &status, bench.store.live(), request(second));
  if (std::getenv("TOCSIN_SHOW") != nullptr) std::cout << to_text(out) << "\n";
  return out;
}
std::string rule(const std::string& expr, const std::string& more = "") {
  return "groups: [{name: g, rules: [{alert: A, expr: '" + expr + "'" + more + "}]}]";
}

TEST(Explain, AnAlertThatFires) {
  Bench bench(rule("used / max > 0.9", ", for: 30s, keep_firing_for: 5m"));
  for (const int second : {0, 15, 30}) {
    bench.give(second, {{R"(used{i="1"})", 95},
                        {R"(used{i="2"})", 82},
                        {R"(used{i="3"})", 10},
                        {R"(max{i="1"})", 100},
                        {R"(max{i="2"})", 100},
                        {R"(max{i="3"})", 100}});
    (void)bench.evaluate(second);
  }
  const Explanation out = explained(bench, 40);
  EXPECT_EQ(out.verdict, "A: 1 alert fires");
  EXPECT_EQ(out.state, core::AlertState::firing);
  EXPECT_EQ(out.firing, 1U);
  EXPECT_EQ(out.health, Health::ok);
  ASSERT_EQ(out.alerts.size(), 1U);
  EXPECT_EQ(out.alerts[0].words, "firing since 2023-11-14T22:13:50.000Z (10s ago), after it was pending for 30s");
  ASSERT_TRUE(out.expression);
  const ExplainedNode& root = *out.expression;
  EXPECT_EQ(root.kind, Kind::comparison);
  EXPECT_EQ(root.operation, ">");
  EXPECT_EQ(root.count, 1U);
  EXPECT_EQ(root.samples.at(0).value, 0.95);
  EXPECT_THAT(root.notes,
              ElementsAre(R"(does not hold for 2 series: the nearest is 0.82, 0.08 below the limit 0.9: {i="2"})"));
  ASSERT_EQ(root.children.size(), 2U);
  EXPECT_EQ(root.children[0].kind, Kind::arithmetic);
  EXPECT_EQ(root.children[0].count, 3U);
  EXPECT_EQ(root.children[0].children.at(0).kind, Kind::selector);
  EXPECT_EQ(root.children[0].children.at(0).samples.at(0).age, std::chrono::seconds(10));
  EXPECT_EQ(root.children[0].children.at(1).selector->live, 3U);
  EXPECT_EQ(root.children[1].kind, Kind::number);
  // The expression falls silent: keep_firing_for holds it.
  bench.give(45, {{R"(used{i="1"})", 5}, {R"(max{i="1"})", 100}});
  (void)bench.evaluate(45);
  EXPECT_THAT(
      explained(bench, 50).alerts.at(0).words,
      HasSubstr(
          ", silent since 2023-11-14T22:14:05.000Z (5s ago), kept firing until 2023-11-14T22:19:05.000Z (in 4m55s)"));
}

TEST(Explain, AnAlertThatIsPending) {
  Bench bench(rule("x > 1", ", for: 5m"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  (void)bench.evaluate(0);
  const Explanation out = explained(bench, 100);
  EXPECT_EQ(out.verdict, "A: 1 alert is pending");
  EXPECT_EQ(out.alerts.at(0).fires_at, at_second(300));
  EXPECT_EQ(
      out.alerts.at(0).words,
      "pending since 2023-11-14T22:13:20.000Z (1m40s ago), fires at 2023-11-14T22:18:20.000Z (in 3m20s) if it goes on");
}

struct Silent {
  std::string expression;
  std::string verdict;             // after "A is silent: "
  std::vector<std::string> notes;  // of any node, in the order of the tree
};
void collect(const ExplainedNode& node, std::vector<std::string>& out) {
  out.insert(out.end(), node.notes.begin(), node.notes.end());
  for (const ExplainedNode& child : node.children) collect(child, out);
}

TEST(Explain, WhyNothingFires) {
  const std::vector<Silent> table{
      {"redis_up == 0",
       "nothing passes redis_up == 0",
       {R"(it does not hold for 2 series: the nearest is 1, 1 above the limit 0: redis_up{instance="a:1", job="cache"})"}},
      {"redis_upp == 0",
       "there is no data of redis_upp",
       {"there is nothing to compare",
        R"(__name__="redis_upp" leaves none; there are "redis_up", "reqs", "big", "ended", "old_value" and 2 more)"}},
      {R"(redis_up{job="cash",instance=~"a.*"} == 0)",
       R"(there is no data of redis_up{instance=~"a.*",job="cash"})",
       {"there is nothing to compare", R"(__name__="redis_up" leaves 2 series)",
        R"(job="cash" leaves none; there are "cache")"}},
      {R"(redis_up{job="cache",instance=~"b.*"} == 0)",
       R"(there is no data of redis_up{instance=~"b.*",job="cache"})",
       {"there is nothing to compare", R"(__name__="redis_up" leaves 2 series)", R"(job="cache" leaves 2 series)",
        R"(instance=~"b.*" leaves none; there are "a:1", "a:2")"}},
      {"old_value > 0",
       "there is no data of old_value",
       {"there is nothing to compare",
        "1 series matches, but the newest sample is 10m old, and only those of the last 5m count"}},
      {"ended > 0",
       "there is no data of ended",
       {"there is nothing to compare",
        "1 series matches, but ended: the last sample is 1m old, and the target no longer gives it"}},
      {"no_number > 0",
       "nothing passes no_number > 0",
       {"1 value is not a number (NaN): a comparison with it never holds"}},
      {"1 / zero < 5",
       "nothing passes 1 / zero < 5",
       {"it does not hold for 1 series: the nearest is +Inf, +Inf above the limit 5: {}",
        "1 value is divided by 0, which gives Inf or NaN"}},
      {"redis_up > on (job) group_left () big",
       "nothing passes redis_up > on (job) group_left () big",
       {R"(does not hold for 2 series: the nearest is 4 below what it is compared with: {instance="a:1", job="cache"})"}},
      {"redis_up > big",
       "nothing passes redis_up > big",
       {R"(no series of the left side meets one of the right: there is {instance="a:1", job="cache"} on the left and {job="cache"} on the right)"}},
      {"rate(ended[70s]) > 0",
       "rate(ended[1m10s]) gives nothing",
       {"there is nothing to compare", "1 series has only one sample in the range, and rate needs two"}},
      {R"(sum by (job) (reqs) < 3 and on (job) redis_up{job="no"} == 1)",
       R"(there is no data of redis_up{job="no"})",
       {"there is nothing to compare", R"(__name__="redis_up" leaves 2 series)",
        R"(job="no" leaves none; there are "cache")"}},
      {"max_over_time(reqs[5m:10s]) > 5",
       "nothing passes max_over_time(reqs[5m:10s]) > 5",
       {"it does not hold for 2 series: the nearest is 2, 3 below the limit 5: {job=\"cache\"}",
        "what is inside is shown for the end of the range"}},
  };
  for (const Silent& one : table) {
    Bench bench(rule(one.expression));
    bench.give(-600, {{"old_value", 1}});
    // Its block lives on without a further sample: it is old, and was not ended.
    bench.block = bench.store.open_block("target");
    bench.table = core::SeriesTable();
    bench.give(-60, {{"ended", 1}});
    bench.give(0, {{R"(redis_up{job="cache",instance="a:1"})", 1},
                   {R"(redis_up{job="cache",instance="a:2"})", 1},
                   {R"(reqs{job="cache"})", 2},
                   {R"(reqs{job="web"})", 1},
                   {"zero", 0},
                   {"no_number", std::nan("")},
                   {R"(big{job="cache"})", 5}});
    (void)bench.evaluate(0);
    const Explanation out = explained(bench, 0);
    EXPECT_EQ(out.verdict, "A is silent: " + one.verdict);
    std::vector<std::string> notes;
    collect(*out.expression, notes);
    EXPECT_EQ(notes, one.notes) << one.expression;
  }
}

TEST(Explain, ARecordingRuleAndABrokenOne) {
  Bench bench(
      "groups: [{name: g, rules: [{record: r, expr: 'sum by (i) (x)'}, {alert: B, expr: 'x * on (i) y > 0'}]}]");
  bench.give(0, {{R"(x{i="1"})", 2}, {R"(y{i="1",a="1"})", 2}, {R"(y{i="1",a="2"})", 2}});
  (void)bench.evaluate(0);
  EXPECT_EQ(explained(bench, 0).verdict, "r records 1 series");
  const Explanation broken = explained(bench, 0, 1);
  EXPECT_EQ(broken.verdict, "B is silent: its expression cannot be evaluated");
  EXPECT_EQ(broken.health, Health::err);
  EXPECT_THAT(to_text(broken), HasSubstr("\n  error "));
  EXPECT_THAT(to_text(broken), HasSubstr("failed\n"));
}

TEST(Explain, BoundsHold) {
  Bench bench(rule("x > 1"));
  std::vector<std::pair<std::string, double>> many;
  for (int i = 0; i < 50; ++i) many.emplace_back("x{i=\"" + std::to_string(i) + "\"}", 2);
  bench.give(0, many);
  (void)bench.evaluate(0);
  const Explanation out = explained(bench, 0);
  EXPECT_EQ(out.firing, 50U);
  EXPECT_EQ(out.alerts.size(), 10U);
  EXPECT_EQ(out.expression->count, 50U);
  EXPECT_EQ(out.expression->samples.size(), 10U);
  EXPECT_THAT(to_text(out), HasSubstr("  ... and 40 more alerts\n"));
  EXPECT_THAT(to_text(out), HasSubstr("... and 40 more\n"));
  std::string deep = "x";
  for (int i = 0; i < 300; ++i) deep = "abs(" + deep + ")";
  auto parsed = promql::parse(deep);
  if (const auto* tree = std::get_if<promql::ExprPtr>(&parsed)) {
    ExplainRequest few = request(0);
    few.limits.nodes = 5;
    ExplainedNode node = explain(**tree, bench.store.live(), few);
    std::size_t depth = 1;
    const ExplainedNode* last = &node;
    for (; !last->children.empty(); last = &last->children.front()) ++depth;
    EXPECT_EQ(depth, 5U);
    EXPECT_THAT(last->notes, ElementsAre("what lies deeper is left out"));
  }
  ExplainRequest late = request(0);
  late.limits.evaluation.expired = [] { return true; };
  const RuleStatus status = bench.rule();
  (void)explain(bench.group->spec().rules.at(0), &status, bench.store.live(), late);
}

TEST(Explain, ATimeThatHasPassed) {
  Bench bench(rule("x > 1", ", for: 30s, labels: {severity: page}"));
  bench.give(0, {{R"(x{i="1"})", 2}});
  (void)bench.evaluate(0);
  (void)bench.evaluate(30);
  bench.give(60, {{R"(x{i="1"})", 0}});
  (void)bench.evaluate(60);
  const auto at = [&](double second) {
    return explain(bench.group->spec().rules.at(0), nullptr, bench.store.live(), request(second));
  };
  EXPECT_EQ(at(10).verdict, "A: 1 alert is pending");
  EXPECT_EQ(at(10).alerts.at(0).fires_at, at_second(30));
  EXPECT_EQ(at(10).alerts.at(0).alert.labels, (core::Labels{{"alertname", "A"}, {"i", "1"}, {"severity", "page"}}));
  EXPECT_EQ(at(45).verdict, "A: 1 alert fires");
  EXPECT_EQ(at(60).verdict, "A is silent: nothing passes x > 1");
  EXPECT_THAT(at(45).notes, ElementsAre(HasSubstr("hysteresis is not known")));
}

TEST(Explain, Thresholds) {
  Bench bench(
      "thresholds: [{alert: A, all: [{metric: x, above: 80, clear_below: 70}, {metric: y, below: 5}], for: 1m}]");
  const auto give = [&](double second, double x, double y) {
    bench.give(second, {{R"(x{i="1"})", x}, {R"(y{i="1"})", y}, {R"(x{i="2"})", 10}, {R"(y{i="2"})", 7}});
    (void)bench.evaluate(second);
  };
  give(0, 85, 1);
  const Explanation pending = explained(bench, 5);
  EXPECT_EQ(pending.verdict, "A: 1 alert is pending");
  ASSERT_EQ(pending.lines.size(), 2U);
  EXPECT_EQ(pending.lines[0].text, "x above 80 (clears below 70)");
  ASSERT_EQ(pending.lines[0].series.size(), 2U);
  EXPECT_TRUE(pending.lines[0].series[0].on);
  EXPECT_EQ(pending.lines[0].series[0].distance, 15);  // to the limit that would clear it
  EXPECT_FALSE(pending.lines[0].series[0].held_on);
  EXPECT_FALSE(pending.lines[0].series[1].on);
  EXPECT_EQ(pending.lines[0].series[1].distance, -70);
  EXPECT_EQ(pending.lines[1].series[1].distance, -2);
  give(60, 75, 1);
  const Explanation firing = explained(bench, 60);
  EXPECT_EQ(firing.verdict, "A: 1 alert fires");
  EXPECT_TRUE(firing.lines[0].series[0].held_on);
  EXPECT_THAT(to_text(firing), HasSubstr("still on: it has not passed the limit that clears it (5 above 70)"));
  bench.give(70, {{R"(y{i="1"})", 1}});
  (void)bench.evaluate(75);
  const Explanation held = explained(bench, 80);
  EXPECT_THAT(held.alerts.at(0).words,
              HasSubstr(", held because its data is missing, at most until 2023-11-14T23:14:20.000Z (in 59m40s)"));
  EXPECT_EQ(held.lines[0].series.at(0).missing_since, at_second(60));
  EXPECT_THAT(to_text(held), HasSubstr(R"(no data   {i="1"}  since 2023-11-14T22:14:20.000Z, was beyond)"));
  (void)bench.evaluate(4000);
  const Explanation unknown = explained(bench, 4000);
  EXPECT_THAT(unknown.alerts.at(0).words,
              HasSubstr("there has been no data since 2023-11-14T22:14:20.000Z (1h5m40s ago)"));
  EXPECT_THAT(to_text(unknown), HasSubstr("FIRING   TocsinTruthUnknown{about=\"A\", i=\"1\"}"));
}

TEST(Explain, SilentThresholdsAndPeriods) {
  Bench bench(
      "thresholds: [{alert: A, any: [{metric: x, above: 10}, {metric: nothing, above: 1}], average: 60s, breaches: 2 "
      "of 3}]");
  for (int second = 0; second <= 180; second += 10)
    bench.give(second, {{"x", second > 60 && second <= 120 ? 20.0 : 5.0}});
  (void)bench.evaluate(180);
  const Explanation out = explained(bench, 180);
  EXPECT_EQ(out.verdict, "A is silent: there is no data for avg_over_time(nothing[1m]) above 1");
  ASSERT_EQ(out.lines.at(0).series.size(), 1U);
  EXPECT_THAT(out.lines[0].series[0].periods, ElementsAre(5.0, 20.0, 5.0));
  EXPECT_EQ(out.lines[0].series[0].breaches, 1U);
  EXPECT_THAT(to_text(out), HasSubstr("1 of 3 periods, 2 needed: 5 20 5"));
  EXPECT_THAT(to_text(out), HasSubstr("__name__=\"nothing\" leaves none; there are "));
}

TEST(Explain, TextIsATree) {
  Bench bench(rule(R"(sum by (job) (rate(reqs{job=~"c.*"}[1m])) > 0.5)", ", for: 1m"));
  for (int second = 0; second <= 60; second += 15) {
    bench.give(second, {{R"(reqs{job="cache",path="/\n"})", second * 1.0}, {R"(reqs{job="cold"})", second * 0.1}});
  }
  (void)bench.evaluate(60);
  EXPECT_EQ(to_text(explained(bench, 60)), R"(A: 1 alert is pending
  at    2023-11-14T22:14:20.000Z
  rule  sum by (job) (rate(reqs{job=~"c.*"}[1m])) > 0.5   for 1m

  pending  {job="cache"}
           pending since 2023-11-14T22:14:20.000Z (0s ago), fires at 2023-11-14T22:15:20.000Z (in 1m) if it
             goes on

sum by (job) (rate(reqs{job=~"c.*"}[1m])) > 0.5   1 series
│  1           {job="cache"}
│  * does not hold for 1 series: the nearest is 0.1, 0.4 below the limit 0.5: {job="cold"}
├─ sum by (job) (rate(reqs{job=~"c.*"}[1m]))   2 series
│  │  1           {job="cache"}
│  │  0.1         {job="cold"}
│  └─ rate(reqs{job=~"c.*"}[1m])   2 series
│     │  1           {job="cache", path="/\n"}
│     │  0.1         {job="cold"}
│     └─ reqs{job=~"c.*"}[1m]   2 series
│           60          {job="cache", path="/\n"}  (the newest of 4 samples)
│           6           {job="cold"}  (the newest of 4 samples)
└─ 0.5
)");
}

TEST(Explain, TextKeepsToItsWidthAndIsHarmless) {
  Bench bench(rule("x > 1"));
  bench.give(0, {{"x{a=\"" + std::string(300, 'a') + "\",b=\"\x1b[31mred\"}", 2}});
  (void)bench.evaluate(0);
  const std::string text = to_text(explained(bench, 0), 60);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
    EXPECT_LE(end - begin, 60U + 10U) << text.substr(begin, end - begin);  // bytes: the tree's signs have three
  }
}

}  // namespace
}  // namespace tocsin::rules
