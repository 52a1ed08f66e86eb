#include "src/rule_test.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "src/rule_test_command.hpp"
#include "support/promtool.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::string_view rules = R"(groups:
- name: first
  rules:
  - record: doubled
    expr: up * 2
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} is down in {{ $externalLabels.dc }}, see {{ $externalURL }}"}
- name: second
  rules:
  - record: again
    expr: doubled + 1
  - alert: Gone
    expr: absent(up{job="a"})
    keep_firing_for: 2m
)";

/// One test on `rules`, with what it begins and ends with.
std::string with_test(std::string_view head, std::string_view test) {
  return fmt::format("rule_files: [rules.yml]\n{}tests:\n- interval: 1m\n{}", head, test);
}
std::string with_test(std::string_view test) { return with_test("", test); }

/// What is wrong with the file, or with what it tests; empty if all is good.
std::string run(const std::string& path) {
  core::Diagnostics diagnostics;
  const core::YamlDocument document = core::load_yaml(path, diagnostics);
  const auto file = load_rule_test(document, {}, diagnostics);
  std::string out;
  for (const core::Diagnostic& each : diagnostics.all()) {
    if (each.severity == core::Diagnostic::Severity::warning) out += "warning: ";
    out += fmt::format("{}:{}: {}\n", each.at.line, each.at.column, each.message);
  }
  if (!file) return out;
  for (const RuleTest& test : file->tests) {
    for (const TestFailure& failure : run_rule_test(*file, test).failures)
      out += fmt::format("{}:{}: {}\n", failure.at.line, failure.at.column, failure.words);
  }
  return out;
}

/// What promtool makes of each of the files, asked once for all of them.
std::vector<bool> promtool_passes(const std::vector<std::string>& files) {
  std::vector<std::string> arguments{"test", "rules"};
  arguments.insert(arguments.end(), files.begin(), files.end());
  const std::string said = tocsin::test::promtool(arguments).output;
  std::vector<bool> passes;
  for (const std::string& file : files) {
    const std::string title = "Unit Testing:  " + file + "\n";
    const std::size_t begin = said.find(title) + title.size();
    passes.push_back(said.compare(begin, 9, "  SUCCESS") == 0);
  }
  return passes;
}

class RuleTests : public ::testing::Test {
 protected:
  RuleTests() { dir_.write("rules.yml", rules); }
  std::string result(const std::string& text) { return run(dir_.write("test.yml", text)); }
  tocsin::test::TempDir dir_;
};

struct Verdict {
  bool good;
  std::string text;
};

TEST_F(RuleTests, PassAndFailAsPromtoolHasThem) {
  const std::string down = R"(  input_series:
  - {series: 'up{job="a"}', values: '1 0x10'}
  - {series: 'up{job="b"}', values: '1x5 stale 1x5'}
)";
  const std::string alert =
      "    exp_alerts: [{exp_labels: {job: a, severity: page}, exp_annotations: {summary: 'a is down in , see '}}]\n";
  const std::vector<Verdict> table{
      {true, with_test("  input_series:\n")},
      {true, with_test(down + "  alert_rule_test:\n  - eval_time: 3m\n    alertname: Down\n" + alert)},
      {false, with_test(down + "  alert_rule_test:\n  - eval_time: 2m\n    alertname: Down\n" + alert)},
      {false, with_test(down + "  alert_rule_test:\n  - eval_time: 2m59s\n    alertname: Down\n" + alert)},
      {true, with_test(down + "  alert_rule_test:\n  - eval_time: 3m59s\n    alertname: Down\n" + alert)},
      {true, with_test(down + "  alert_rule_test:\n  - {eval_time: 2m, alertname: Down, exp_alerts: }\n")},
      {false, with_test(down + "  alert_rule_test:\n  - {eval_time: 3m, alertname: Down, exp_alerts: []}\n")},
      {true, with_test(down + "  alert_rule_test:\n  - {eval_time: 3m, alertname: Nope}\n")},
      {false, with_test(down + "  alert_rule_test:\n  - {eval_time: 3m, alertname: Nope, exp_alerts: [{}]}\n")},
      {false, with_test(down + "  alert_rule_test:\n  - {eval_time: 3m}\n")},
      // Evaluated every 2 minutes, the alert is pending since minute 2.
      {false, with_test("evaluation_interval: 2m\n",
                        down + "  alert_rule_test:\n  - eval_time: 3m\n    alertname: Down\n" + alert)},
      {true, with_test("evaluation_interval: 2m\n",
                       down + "  alert_rule_test:\n  - eval_time: 4m\n    alertname: Down\n" + alert)},
      {true, with_test(down + R"(  external_labels: {dc: x, level: 3}
  external_url: http://p
  alert_rule_test:
  - eval_time: 3m
    alertname: Down
    exp_alerts: [{exp_labels: {job: a, severity: page}, exp_annotations: {summary: 'a is down in x, see http://p'}}]
)")},
      {true, with_test(down + "  alert_rule_test:\n  - {eval_time: 1m, alertname: Gone}\n")},
      // keep_firing_for
      {true, with_test(R"(  input_series:
  - {series: 'up{job="a"}', values: '_ _ 1x9'}
  alert_rule_test:
  - {eval_time: 1m, alertname: Gone, exp_alerts: [{exp_labels: {job: a}}]}
  - {eval_time: 3m, alertname: Gone, exp_alerts: [{exp_labels: {job: a}}]}
  - {eval_time: 4m, alertname: Gone, exp_alerts: []}
)")},
      // Groups are evaluated in the order that is given.
      {true, with_test("group_eval_order: [first, second]\n", down + R"(  promql_expr_test:
  - {expr: 'again{job="b"}', eval_time: 3m, exp_samples: [{labels: 'again{job="b"}', value: 3}]}
  - {expr: 'again{job="b"}', exp_samples: [{labels: 'again{job="b"}', value: 3}]}
)")},
      {false, with_test("group_eval_order: [second, first]\n", down + R"(  promql_expr_test:
  - {expr: 'again{job="b"}', exp_samples: [{labels: 'again{job="b"}', value: 3}]}
)")},
      {false, with_test("group_eval_order: [second, second]\n", down)},
      // Expressions
      {true, with_test(down + R"(  promql_expr_test:
  - {expr: 'up', eval_time: 6m, exp_samples: [{labels: 'up{job="a"}', value: 0}]}
  - {expr: 'up', eval_time: 7m, exp_samples: [{labels: 'up{job="a"}', value: 0}, {labels: 'up{job="b"}', value: 1.0e+0}]}
  - {expr: '1 + 1', eval_time: 7m, exp_samples: [{value: 2}]}
  - {expr: 'up > 5', eval_time: 7m}
  - {expr: 'count(up)', eval_time: 16m30s, exp_samples: [{labels: '{}', value: 1}]}
)")},
      {false,
       with_test(down +
                 "  promql_expr_test:\n  - {expr: up, eval_time: 6m, exp_samples: [{labels: '{job=\"a\"}'}]}\n")},
      {false, with_test(down + "  promql_expr_test:\n  - {expr: up, eval_time: 6m}\n")},
      {false, with_test(down + "  promql_expr_test:\n  - {expr: 'up[1m]', eval_time: 6m}\n")},
      {false, with_test(down + "  promql_expr_test:\n  - {expr: '\"up\"', eval_time: 6m}\n")},
      {false, with_test(down + "  promql_expr_test:\n  - {expr: 'up(', eval_time: 6m}\n")},
      // What comes after the last evaluation has not come in.
      {true, with_test("evaluation_interval: 5m\n", R"(  input_series:
  - {series: 'x', values: '0+1x10'}
  promql_expr_test:
  - {expr: 'x', eval_time: 7m, exp_samples: [{labels: x, value: 5}]}
)")},
      // A subquery without a step is evaluated as often as rules are.
      {true, with_test("evaluation_interval: 2m\n", R"(  input_series:
  - {series: 'x', values: '0+1x10'}
  promql_expr_test:
  - {expr: 'count_over_time(x[5m30s:])', eval_time: 9m, exp_samples: [{labels: '{}', value: 3}]}
)")},
      // A series may be given in place of what a rule records, not beside it.
      {true, with_test(R"(  input_series:
  - {series: 'doubled{job="a"}', values: '7x9'}
  promql_expr_test:
  - {expr: 'again', eval_time: 3m, exp_samples: [{labels: 'again{job="a"}', value: 8}]}
)")},
      {false, with_test(R"(  input_series:
  - {series: 'doubled{job="a"}', values: '7x9'}
  - {series: 'up{job="a"}', values: '1x9'}
  promql_expr_test:
  - {expr: 'doubled', eval_time: 3m, exp_samples: [{labels: 'doubled{job="a"}', value: 7}]}
)")},
      // Of a series that is given twice the last one stands.
      {true, with_test(R"(  input_series:
  - {series: 'x', values: '7x9'}
  - {series: 'x', values: '8x9'}
  promql_expr_test:
  - {expr: 'x', eval_time: 3m, exp_samples: [{labels: 'x', value: 8}]}
)")},
      {true, with_test(R"(  input_series:
  - {series: 'x', values: '-1+2x3 inf -Inf 1e3 .5 _ _x2 0x0 1-1x1'}
  promql_expr_test:
  - {expr: 'sum_over_time(x[3m30s])', eval_time: 3m, exp_samples: [{value: 8}]}
  - {expr: 'x', eval_time: 4m, exp_samples: [{labels: x, value: .inf}]}
  - {expr: 'x', eval_time: 5m, exp_samples: [{labels: x, value: -.inf}]}
  - {expr: 'x', eval_time: 6m, exp_samples: [{labels: x, value: 1000}]}
  - {expr: 'x', eval_time: 10m, exp_samples: [{labels: x, value: 0.5}]}
  - {expr: 'x', eval_time: 13m, exp_samples: [{labels: x, value: 0}]}
)")},
      {false, with_test("  input_series:\n  - {series: 'x', values: '1y'}\n")},
      {false, with_test("  input_series:\n  - {series: '{}', values: '1'}\n  alert_rule_test:\n  - {eval_time: 1m, "
                        "alertname: Nope}\n")},
      {false, with_test("surprise: 1\n", "  input_series:\n")},
      {false, with_test("  surprise: 1\n")},
      // A rule that cannot be evaluated
      {false,
       with_test(
           "  input_series:\n  - {series: 'up{job=\"a\", x=\"1\"}', values: '1x9'}\n  - {series: 'dup{job=\"a\"}', "
           "values: '1x9'}\n  promql_expr_test:\n  - {expr: 'label_replace(up, \"job\", \"\", \"job\", "
           "\".*\") * on(job) {job=\"a\"}', eval_time: 1m}\n")},
  };
  std::vector<std::string> files;
  for (const Verdict& verdict : table) {
    files.push_back(dir_.write(fmt::format("test{}.yml", files.size()), verdict.text));
    const std::string said = run(files.back());
    const bool good = said.empty() || (said.starts_with("warning: ") && said.find('\n') + 1 == said.size());
    EXPECT_EQ(good, verdict.good) << verdict.text << "\n" << said;
  }
  if (!tocsin::test::has_promtool()) GTEST_SKIP() << "promtool is not installed";
  const std::vector<bool> passes = promtool_passes(files);
  for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(passes[i], table[i].good) << table[i].text;
}

TEST_F(RuleTests, ShowWhatWasExpectedAndWhatIs) {
  EXPECT_EQ(result(R"(rule_files: [rules.yml]
tests:
- interval: 1m
  name: three jobs
  input_series:
  - {series: 'up{job="a"}', values: '0x10'}
  - {series: 'up{job="b"}', values: '1 1 0x10'}
  - {series: 'up{job="c"}', values: '0x10'}
  alert_rule_test:
  - eval_time: 3m
    alertname: Down
    exp_alerts:
    - {exp_labels: {job: a, severity: page}, exp_annotations: {summary: 'a is down', hint: none}}
    - {exp_labels: {job: b, severity: page}, exp_annotations: {summary: "b is\ndown"}}
  promql_expr_test:
  - expr: up + 0.5
    eval_time: 1m
    exp_samples:
    - {labels: '{job="a"}', value: 0.5}
    - {labels: '{job="b"}', value: 0.5}
    - {labels: '{job="d"}', value: 1e99}
)"),
            R"(10:5: test "three jobs": Down at 3m: other alerts fire than expected
  other annotations: {alertname="Down", job="a", severity="page"}
    hint
      expected "none"
      got      nothing
    summary
      expected "a is down"
      got      "a is down in , see "
  expected, but it does not fire:
    {alertname="Down", job="b", severity="page"}
      summary: "b is\ndown"
  fires, but was not expected:
    {alertname="Down", job="c", severity="page"}
      summary: "c is down in , see "
  pending:
    {alertname="Down", job="b", severity="page"} since 2m
16:5: test "three jobs": up + 0.5 at 1m: other samples than expected
  expected {job="b"} 0.5
  expected {job="d"} 1e+99
  got      {job="b"} 1.5
  got      {job="c"} 0.5
)");
}

TEST_F(RuleTests, SayEverythingThatIsWrongWithAFile) {
  const std::string said = result(R"(rule_files: [rules.yml, z*.yml]
evaluation_interval: 1m
group_eval_order: [frist, first, first]
testes: 1
tests:
- interval: 1m
  names: down
  input_series:
  - {series: 'up{job="a"}', values: '0x10 y'}
  - {series: 'up{job!="b"}', values: '1'}
  - {}
  promql_expr_test:
  - {expr: 'count(up', eval_time: 5m, exp_samples: [{value: 2}]}
  - {expr: up, eval_time: 5, exp_samples: [{histogram: '{{}}', value: x}]}
  - {expr: 'up[1m]', eval_time: 5m}
  - {eval_time: 5m}
  start_timestamp: yesterday
  alert_rule_test:
  - eval_time: 5m
    exp_alerts: [{exp_label: {job: a}}]
- input_series: [{series: x, values: '1 {{schema:1}}'}]
- alert_rule_test: [{alertname: Donw}]
)");
  for (const std::string_view wanted :
       {"warning: 1:25: no file matches ", "warning: 3:20: there is no group \"frist\" (did you mean \"first\"?)",
        "3:34: the group \"first\" stands in the order twice",
        "4:1: unknown key \"testes\" in test file (did you mean \"tests\"?)",
        "7:3: unknown key \"names\" in test (did you mean \"name\"?)",
        "9:43: values: a number, _ or stale is needed where \"y\" stands",
        "10:15: series: a series has one value a label: job!=\"b\" is a condition",
        "11:5: input series needs \"series\"",
        "13:21: could not parse expression: 1:9: parse error: unclosed left parenthesis",
        "14:27: \"eval_time\" needs a unit",
        "14:56: \"histogram\" is not supported: in tocsin every sample is a number",
        "14:71: \"value\" needs a number, not \"x\"",
        "15:12: \"expr\" must give samples or one number at a time, not a range or a text",
        "16:5: expression test needs \"expr\"",
        "17:20: \"start_timestamp\" needs seconds since 1970, or a time such as",
        "19:5: alert test needs \"alertname\"",
        "20:19: unknown key \"exp_label\" in expected alert (did you mean \"exp_labels\"?)",
        "21:41: values: native histograms are not supported: in tocsin every sample is a number",
        "warning: 22:33: no rule has an alert \"Donw\" (did you mean \"Down\"?)"}) {
    EXPECT_THAT(said, HasSubstr(wanted));
  }
}

TEST_F(RuleTests, SayWhatIsNotThere) {
  // Of rules that could not be read nothing is said.
  EXPECT_THAT(result("rule_files: [nope.yml, '', rules.yml]\ngroup_eval_order: [a]\ntests:\n- alert_rule_test: "
                     "[{alertname: A}]\n"),
              MatchesRegex("1:14: there is no file [^\n]*nope.yml\n1:24: the name of a file is needed here\n"));
}

TEST_F(RuleTests, NameTheRuleFileThatIsWrong) {
  dir_.write("rules.yml", "groups:\n- name: a\n  rules:\n  - {alert: A, expr: 'up =='}\n");
  EXPECT_EQ(
      run(dir_.write("test.yml", "rule_files: [rules.yml]\ntests: []\n")),
      "4:28: group \"a\", rule 1, \"A\": could not parse expression: 1:6: parse error: unexpected end of input\n");
}

TEST_F(RuleTests, GiveSubqueriesOfRulesTheirStep) {
  dir_.write("rules.yml", "groups: [{name: g, rules: [{record: r, expr: 'count_over_time(x[5m30s:])'}]}]\n");
  const std::string test = with_test("evaluation_interval: 2m\n", R"(  input_series: [{series: 'x', values: '0+1x10'}]
  promql_expr_test: [{expr: 'r', eval_time: 8m, exp_samples: [{labels: r, value: 3}]}]
)");
  EXPECT_EQ(result(test), "");
  if (!tocsin::test::has_promtool()) GTEST_SKIP() << "promtool is not installed";
  EXPECT_EQ(promtool_passes({dir_ / "test.yml"}), std::vector<bool>{true});
}

TEST_F(RuleTests, RefuseATestThatWouldNotEnd) {
  EXPECT_THAT(
      result(with_test("evaluation_interval: 1ms\n", "  alert_rule_test: [{alertname: Down, eval_time: 1d}]\n")),
      HasSubstr("4:3: this test needs more than 1000000 evaluations"));
}

TEST_F(RuleTests, TakeWhatNewerPromtoolsHave) {
  // start_timestamp, fuzzy_compare, and an interval that is the evaluation's; NaN equals NaN.
  EXPECT_EQ(result(R"(rule_files: [rules.yml]
fuzzy_compare: true
evaluation_interval: 30s
tests:
- start_timestamp: 2026-01-02T03:00:00Z
  input_series: [{series: x, values: '0+0.1x10'}]
  promql_expr_test:
  - {expr: 'time()', eval_time: 90s, exp_samples: [{value: 1767322890}]}
  - {expr: 'hour()', eval_time: 90s, exp_samples: [{value: 3}]}
  - {expr: 'x', eval_time: 90s, exp_samples: [{labels: x, value: 0.3}]}
  - {expr: '0 / 0', exp_samples: [{value: .nan}]}
- start_timestamp: 1767322800
  promql_expr_test: [{expr: 'hour()', eval_time: 90s, exp_samples: [{value: 3}]}]
)"),
            "");
  EXPECT_THAT(result(R"(tests:
- input_series: [{series: x, values: '0+0.1x10'}]
  promql_expr_test: [{expr: 'x', eval_time: 3m, exp_samples: [{labels: x, value: 0.3}]}]
)"),
              HasSubstr("got      x 0.30000000000000004"));
}

TEST_F(RuleTests, ReadThresholdsAsWell) {
  dir_.write("thresholds.yml", R"(thresholds:
- alert: MemoryHigh
  any: [{metric: used, above: 0.8, clear_below: 0.7}]
  for: 1m
  annotations: {summary: 'at {{ $value }}'}
)");
  EXPECT_EQ(result(R"(rule_files: [thresholds.yml]
tests:
- input_series: [{series: 'used{job="a"}', values: '0.5 0.9x2 0.75 0.75 0.6'}]
  alert_rule_test:
  - {eval_time: 1m, alertname: MemoryHigh}
  - {eval_time: 2m, alertname: MemoryHigh, exp_alerts: [{exp_labels: {job: a}, exp_annotations: {summary: at 0.9}}]}
  - {eval_time: 5m, alertname: MemoryHigh, exp_alerts: [{exp_labels: {job: a}, exp_annotations: {summary: at 0.75}}]}
  - {eval_time: 6m, alertname: MemoryHigh}
)"),
            "");
}

/// Test files of other people's rules and of our own.
std::string source_file(const std::string& name) { return std::string(TOCSIN_SOURCE_DIR) + "/tests/" + name; }

TEST(RealRuleTests, PassAsWithPromtool) {
  for (const char* name : {"daemon/rule_tests/public.yml", "package/meta_test.yml"}) {
    EXPECT_EQ(run(source_file(name)), "") << name;
    if (!tocsin::test::has_promtool()) continue;
    const auto told = tocsin::test::promtool({"test", "rules", source_file(name)});
    EXPECT_EQ(told.exit_code, 0) << told.output;
  }
}

TEST(RealRuleTests, FailAsWithPromtoolWhenTheyAreChanged) {
  if (!tocsin::test::has_promtool()) GTEST_SKIP() << "promtool is not installed";
  const tocsin::test::TempDir dir;
  const std::string text = std::regex_replace(tocsin::test::read_text(source_file("daemon/rule_tests/public.yml")),
                                              std::regex(R"(\.\./\.\./)"), source_file(""));
  const std::regex number(R"((eval_time: |value: )([0-9]+))");
  std::vector<std::string> files, places;
  bool taken = false;  // every other one: promtool takes its time
  for (std::sregex_iterator it(text.begin(), text.end(), number), end; it != end; ++it) {
    taken = !taken;
    if (!taken) continue;
    std::string changed = text;
    changed.replace(static_cast<std::size_t>(it->position(2)), static_cast<std::size_t>(it->length(2)),
                    std::to_string(std::stoi((*it)[2]) / 2 + 1));
    files.push_back(dir.write(fmt::format("changed{}.yml", files.size()), changed));
    places.push_back(changed.substr(static_cast<std::size_t>(it->position(0)), 80));
  }
  const std::vector<bool> passes = promtool_passes(files);
  for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(run(files[i]).empty(), passes[i]) << places[i];
  EXPECT_GT(std::count(passes.begin(), passes.end(), true), 0);
  EXPECT_GT(std::count(passes.begin(), passes.end(), false), 3);
}

}  // namespace
}  // namespace tocsin::daemon
