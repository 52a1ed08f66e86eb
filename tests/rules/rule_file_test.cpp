#include "tocsin/rules/rule_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "evaluate.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::rules {
namespace {

using test::read_rules;

std::vector<std::string> complaints(const std::string& text) {
  core::Diagnostics diagnostics;
  (void)read_rules(text, diagnostics, "r.yml");
  std::vector<std::string> out;
  for (const core::Diagnostic& d : diagnostics.all()) {
    out.push_back(std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + ": " + d.message);
  }
  return out;
}

TEST(RuleFile, ReadsWhatPrometheusReads) {
  const auto groups = test::good_rules(R"(
groups:
- name: g
  interval: 30s
  query_offset: 10s
  limit: 7
  labels: {team: a, severity: info}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {kind: x}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 10m
    labels: {severity: 1}
    annotations: {summary: "{{ $labels.instance }} is down", empty: }
- name: h
)");
  ASSERT_EQ(groups.size(), 2U);
  const GroupSpec& group = groups[0];
  EXPECT_EQ(group.file, "rules.yml");
  EXPECT_EQ(group.interval, std::chrono::seconds(30));
  EXPECT_EQ(group.query_offset, std::chrono::seconds(10));
  EXPECT_EQ(group.limit, 7U);
  ASSERT_EQ(group.rules.size(), 2U);
  EXPECT_EQ(group.rules[0].kind, RuleSpec::Kind::record);
  EXPECT_EQ(group.rules[0].labels, (std::vector<core::Label>{{"team", "a"}, {"severity", "info"}, {"kind", "x"}}));
  EXPECT_EQ(group.rules[1].name, "Down");
  EXPECT_EQ(group.rules[1].hold, std::chrono::minutes(5));
  EXPECT_EQ(group.rules[1].keep_firing, std::chrono::minutes(10));
  EXPECT_EQ(group.rules[1].labels, (std::vector<core::Label>{{"team", "a"}, {"severity", "1"}}));
  EXPECT_EQ(group.rules[1].annotations.at(1), (core::Label{"empty", ""}));
  EXPECT_TRUE(groups[1].rules.empty());
}

TEST(RuleFile, EmptyFilesAreFine) {
  EXPECT_TRUE(complaints("").empty());
  EXPECT_TRUE(complaints("groups:\n").empty());
  EXPECT_TRUE(complaints("groups: []\n").empty());
}

TEST(RuleFile, AnchorsAreFine) {
  const auto groups = test::good_rules(
      "groups:\n- name: g\n  rules:\n  - &base {alert: A, expr: up == 0, labels: &l {a: b}}\n  - {alert: B, expr: up "
      "== 0, labels: *l}\n");
  EXPECT_EQ(groups[0].rules[1].labels, (std::vector<core::Label>{{"a", "b"}}));
}

struct Bad {
  std::string rule;  // what stands in the rule
  std::string message;
};

TEST(RuleFile, SaysWhatIsWrongWithARule) {
  const std::vector<Bad> cases{
      {"{expr: up}", "5:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set"},
      {"{record: a, alert: b, expr: up}",
       "5:14: group \"g\", rule 1, \"a\": only one of 'record' and 'alert' must be set"},
      {"{alert: A}", "5:5: group \"g\", rule 1, \"A\": field 'expr' must be set in rule"},
      {"{record: 'a b', expr: up}", "5:14: group \"g\", rule 1, \"a b\": invalid recording rule name: a b"},
      {"{record: 'a{b=\"c\"}', expr: up}",
       "5:14: group \"g\", rule 1, \"a{b=\"c\"}\": braces present in the recording rule name; should it be in expr?: "
       "a{b=\"c\"}"},
      {"{record: a, expr: up, for: 1m}", "5:32: group \"g\", rule 1, \"a\": invalid field 'for' in recording rule"},
      {"{record: a, expr: up, keep_firing_for: 1m}",
       "5:44: group \"g\", rule 1, \"a\": invalid field 'keep_firing_for' in recording rule"},
      {"{record: a, expr: up, annotations: {x: y}}",
       "5:40: group \"g\", rule 1, \"a\": invalid field 'annotations' in recording rule"},
      {"{alert: A, expr: up, labels: {a-b: c}}", "5:35: group \"g\", rule 1, \"A\": invalid label name: a-b"},
      {"{alert: A, expr: up, labels: {__name__: c}}", "5:35: group \"g\", rule 1, \"A\": invalid label name: __name__"},
      {"{alert: A, expr: up, annotations: {a-b: c}}", "5:40: group \"g\", rule 1, \"A\": invalid annotation name: a-b"},
      {"{alert: A, expr: up, labels: {a: '{{ foo }}'}}",
       "5:38: group \"g\", rule 1, \"A\": label \"a\": template: __alert_A:1: function \"foo\" not defined"},
      {"{alert: A, expr: up, annotations: {a: '{{ if }}'}}",
       "5:43: group \"g\", rule 1, \"A\": annotation \"a\": template: __alert_A:1: missing value for if"},
      {"{alert: A, expr: up, fro: 1m}", "5:26: unknown key \"fro\" in rule (did you mean \"for\"?)"},
  };
  for (const auto& [rule, message] : cases) {
    EXPECT_THAT(complaints("groups:\n- name: g\n  rules:\n\n  - " + rule + "\n"), ::testing::ElementsAre(message))
        << rule;
  }
}

TEST(RuleFile, PointsIntoTheExpression) {
  const auto at = [](const std::string& expr) {
    const auto all = complaints("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: " + expr + "\n");
    return all.empty() ? std::string() : all[0].substr(0, all[0].find(" group"));
  };
  EXPECT_EQ(at("sum(up) by"), "5:21:");                    // the end of the text
  EXPECT_EQ(at("up == foo(1)"), "5:17:");                  // the name of the function
  EXPECT_EQ(at("'up == foo(1)'"), "5:18:");                // behind the quote
  EXPECT_EQ(at("|\n      up ==\n      foo(1)"), "5:11:");  // a block of lines: the scalar
  const auto all = complaints("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == foo(1)\n");
  EXPECT_EQ(all[0],
            "5:17: group \"g\", rule 1, \"A\": could not parse expression: 1:7: parse error: unknown function with "
            "name \"foo\"");
}

TEST(RuleFile, SaysWhatIsWrongWithGroups) {
  EXPECT_THAT(complaints("groups:\n- name: ''\n"), ::testing::ElementsAre("2:9: Groupname must not be empty"));
  EXPECT_THAT(complaints("groups:\n- rules: []\n"), ::testing::ElementsAre("2:3: Groupname must not be empty"));
  EXPECT_THAT(complaints("groups:\n- name: g\n- name: g\n"),
              ::testing::ElementsAre("3:9: groupname: \"g\" is repeated in the same file"));
  EXPECT_THAT(complaints("grups: []\n"),
              ::testing::ElementsAre("1:1: unknown key \"grups\" in rule file (did you mean \"groups\"?)"));
  EXPECT_EQ(complaints("groups:\n- name: g\n  interval: fast\n").size(), 1U);
  EXPECT_EQ(complaints("groups: 5\n").size(), 1U);
  EXPECT_EQ(complaints("- a\n").size(), 1U);
}

TEST(RuleFile, TellsAllErrorsAtOnce) {
  const auto all = complaints(
      "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up =='}\n  - {record: 'x y', expr: up}\n- name: g\n  "
      "rules:\n  - {alert: B}\n");
  EXPECT_EQ(all.size(), 4U) << ::testing::PrintToString(all);
}

TEST(RuleFile, IdentityKnowsEveryPartOfARule) {
  const std::string base = "{alert: A, expr: up, for: 1m, labels: {a: b}, annotations: {c: d}}";
  const auto identity = [](const std::string& rule) {
    return test::good_rules("groups: [{name: g, rules: [" + rule + "]}]").at(0).identity();
  };
  EXPECT_EQ(identity(base), identity(base));
  for (const char* other :
       {"{alert: B, expr: up, for: 1m, labels: {a: b}, annotations: {c: d}}",
        "{alert: A, expr: up2, for: 1m, labels: {a: b}, annotations: {c: d}}",
        "{alert: A, expr: up, for: 2m, labels: {a: b}, annotations: {c: d}}",
        "{alert: A, expr: up, for: 1m, labels: {a: c}, annotations: {c: d}}",
        "{alert: A, expr: up, for: 1m, labels: {a: b}, annotations: {c: e}}",
        "{alert: A, expr: up, for: 1m, keep_firing_for: 1m, labels: {a: b}, annotations: {c: d}}"}) {
    EXPECT_NE(identity(base), identity(other)) << other;
  }
}

TEST(RuleFile, LookBackIsThatOfTheLongestExpression) {
  const auto back = [](const std::string& expr, const std::string& group = "",
                       core::Duration lookback = promql::default_lookback) {
    const auto groups =
        test::good_rules("groups: [{name: g, " + group + "rules: [{record: a, expr: '" + expr + "'}]}]");
    return look_back(groups.at(0), lookback);
  };
  EXPECT_EQ(back("up", "", core::Duration{0}), core::Duration{0});
  EXPECT_EQ(back("up offset 7m or rate(x[2m])", "", core::Duration{0}), std::chrono::minutes(7));
  EXPECT_EQ(back("up"), std::chrono::minutes(5));
  EXPECT_GE(back("rate(x[1h] offset 10m)"), std::chrono::minutes(70));
  EXPECT_GE(back("up", "query_offset: 1m, "), std::chrono::minutes(6));
}

TEST(RuleFile, AllPublicRulesLoad) {
  std::size_t rules = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/tests/rules/public")) {
    if (entry.path().extension() != ".yml") continue;
    core::Diagnostics diagnostics;
    const auto groups =
        read_rules(tocsin::test::read_text(entry.path()), diagnostics, entry.path().filename().string());
    EXPECT_EQ(diagnostics.render(), "");
    for (const GroupSpec& group : groups) rules += group.rules.size();
  }
  EXPECT_EQ(rules, 45U);
}

TEST(ThresholdFile, ReadsPlainWords) {
  const auto groups = test::good_rules(R"(
interval: 30s
thresholds:
- alert: SessionsUnderPressure
  all:
  - {metric: "redis:memory_used:ratio", above: 80%, clear_below: 70%}
  - {metric: 'redis:evicted_keys:rate5m{db="0"}', above: 0}
  where: '{job="sessions"}'
  average: 300s
  breaches: 2 of 3
  on_missing: hold
  hold_max: 2h
  labels: {severity: warning}
  annotations: {summary: "{{ $labels.instance }}"}
- alert: Big
  any:
  - {metric: redis_memory_used_bytes, above: 256MiB}
  - {metric: up, below: 1, clear_above: 1}
  for: 10m
  on_missing: fire
)");
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].interval, std::chrono::seconds(30));
  const RuleSpec& first = groups[0].rules.at(0);
  EXPECT_EQ(first.kind, RuleSpec::Kind::threshold);
  EXPECT_EQ(first.parsed, nullptr);
  const ThresholdSpec& pressure = first.threshold.value();
  EXPECT_TRUE(pressure.all);
  EXPECT_EQ(pressure.lines.at(0).limit, 0.8);
  EXPECT_EQ(pressure.lines[0].clear, 0.7);
  EXPECT_EQ(pressure.lines[0].expression, "avg_over_time(redis:memory_used:ratio{job=\"sessions\"}[5m])");
  EXPECT_EQ(pressure.lines.at(1).expression, "avg_over_time(redis:evicted_keys:rate5m{db=\"0\",job=\"sessions\"}[5m])");
  EXPECT_EQ(pressure.breaches, (std::pair<unsigned, unsigned>{2, 3}));
  EXPECT_EQ(pressure.hold_max, std::chrono::hours(2));
  EXPECT_GE(look_back(groups[0], promql::default_lookback), std::chrono::minutes(15));
  const RuleSpec& second = groups[0].rules.at(1);
  EXPECT_EQ(second.hold, std::chrono::minutes(10));
  EXPECT_FALSE(second.threshold->all);
  EXPECT_EQ(second.threshold->lines.at(0).limit, 268435456);
  EXPECT_FALSE(second.threshold->lines.at(1).above);
  EXPECT_EQ(second.threshold->on_missing, ThresholdSpec::OnMissing::fire);
  EXPECT_EQ(second.expression,
            "redis_memory_used_bytes above 268435456 or up below 1 (clears above 1), missing data fires");
}

TEST(ThresholdFile, SaysWhatIsWrong) {
  const std::vector<Bad> cases{
      {"{alert: A, all: [{metric: redis_memory_used_bytes, above: 80%}]}",
       "% needs a ratio, and redis_memory_used_bytes is none (use redis:memory_used:ratio)"},
      {"{alert: A, all: [{metric: redis_connected_clients, above: 80%}]}",
       "% needs a ratio, and redis_connected_clients is none (use redis:connected_clients:ratio)"},
      {"{alert: A, all: [{metric: redis_keyspace_hits_total, below: 80%}]}", "(use redis:keyspace_hits:ratio5m)"},
      {"{alert: A, all: [{metric: foo_bytes, above: 80%}]}",
       "% needs a ratio, and foo_bytes is none (record the ratio"},
      {"{alert: A, all: [{metric: x, above: 1, clear_below: 2}]}", "\"clear_below\" must not be higher than \"above\""},
      {"{alert: A, all: [{metric: x, above: 1, clear_above: 2}]}", "\"above\" goes with \"clear_below\""},
      {"{alert: A, all: [{metric: x, below: 1, clear_above: 0}]}", "\"clear_above\" must not be lower than \"below\""},
      {"{alert: A, all: [{metric: x}]}", "a line needs \"above\" or \"below\""},
      {"{alert: A, all: [{metric: x, above: 1, below: 2}]}", "above"},
      {"{alert: A, all: [{metric: x, above: much}]}", "needs a number, a percentage such as 80% or a size"},
      {"{alert: A, all: [{metric: 'rate(x[5m])', above: 1}]}", "\"metric\" needs a metric's name"},
      {"{alert: A, all: [{metric: 'x{', above: 1}]}", "\"metric\" needs a metric's name"},
      {"{alert: A, all: [{metric: x, above: 1}], where: 'job=\"a\"'}", "\"where\" needs matchers"},
      {"{alert: A}", "needs \"all\" or \"any\""},
      {"{alert: A, all: [{metric: x, above: 1}], any: [{metric: x, above: 1}]}", "any"},
      {"{alert: A, all: [{metric: x, above: 1}], breaches: 2 of 2}", "\"breaches\" needs \"average\""},
      {"{alert: A, all: [{metric: x, above: 1}], average: 1m, breaches: 3 of 2}", "needs \"M of N\" periods"},
      {"{alert: A, all: [{metric: x, above: 1}], average: 1m, breaches: 2 of 2, for: 1m}", "for"},
      {"{alert: A, all: [{metric: x, above: 1}], on_missing: fire, hold_max: 1m}", "\"hold_max\" means something"},
      {"{alert: A, all: [{metric: x, abvoe: 1}]}", "unknown key \"abvoe\" in threshold line (did you mean \"above\"?)"},
      {"{alert: A, all: [{metric: x, above: 1}], labels: {a: '{{ x }}'}}", "function \"x\" not defined"},
  };
  for (const auto& [rule, message] : cases) {
    EXPECT_THAT(complaints("thresholds:\n- " + rule + "\n"), ::testing::Contains(::testing::HasSubstr(message)))
        << rule;
  }
  EXPECT_EQ(complaints("thresholds:\n- {alert: A, all: [{metric: redis_memory_used_bytes, above: 80%}]}\n")
                .at(0)
                .substr(0, 5),
            "2:61:");
}

}  // namespace
}  // namespace tocsin::rules
