// Rules on samples made by hand: evaluated here, and by promtool, which must come to the same alerts.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "evaluate.hpp"
#include "support/promtool.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules::test {

/// Samples of one series: `start`, `start + slope`, ..., or, from `turn` seconds on, `then` instead.
struct Input {
  std::string series;
  double start = 0;
  double slope = 0;
  int turn = -1;
  double then = 0;

  [[nodiscard]] double at(int second, int step) const {
    if (turn >= 0 && second >= turn) return then;
    return start + slope * (second / step);
  }
};

struct Scenario {
  std::string alert;  // must fire in the end
  std::vector<Input> inputs;
  int seconds = 420;  // when it ends; a multiple of 15 and of 7
};

/// Samples come every 7 s and rules run every 15 s: so no range begins exactly at a sample, which Prometheus 2 counted
/// in and Prometheus 3 and we do not.
inline constexpr int scenario_step = 7;
inline constexpr int scenario_interval = 15;

/// All alerts that fire in the end, by name.
inline std::map<std::string, std::vector<core::Alert>> play(const Scenario& scenario, const std::string& rules) {
  store::Store store{store::Limits{std::chrono::hours{3}}};
  const auto block = store.open_block("target");
  core::SeriesTable table;
  GroupSettings settings;
  std::vector<std::unique_ptr<Group>> groups;
  for (GroupSpec& spec : good_rules(rules)) groups.push_back(std::make_unique<Group>(std::move(spec), settings, store));
  for (int second = 0; second <= scenario.seconds; ++second) {
    const auto now = core::from_millis(second * 1000LL);
    if (second % scenario_step == 0) {
      table.begin();
      for (const Input& input : scenario.inputs) table.add(series(input.series), input.at(second, scenario_step));
      (void)store.append(block, now, table.take());
    }
    if (second % scenario_interval != 0) continue;
    for (const auto& group : groups) {
      const Evaluation evaluation = group->evaluate(now, {});
      EXPECT_TRUE(evaluation.errors.empty()) << evaluation.errors[0].first << ": " << evaluation.errors[0].second;
    }
  }
  std::map<std::string, std::vector<core::Alert>> firing;
  for (const auto& group : groups) {
    for (const RuleStatus& rule : group->status().rules) {
      if (rule.kind == RuleSpec::Kind::record) continue;
      auto& alerts = firing[rule.name];
      for (const core::Alert& alert : rule.alerts) {
        if (alert.state == core::AlertState::firing) alerts.push_back(alert);
      }
    }
  }
  return firing;
}

inline void write_labels(std::ostream& out, const core::Labels& labels) {
  out << "{";
  for (const core::Label& label : labels) {
    if (label.name == "alertname") continue;  // promtool adds it
    std::string value;
    for (const char c : label.value)
      value += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    out << label.name << ": \"" << value << "\", ";
  }
  out << "}";
}

/// Plays each scenario, sees that its alert fires, and lets promtool say of every alert of the file whether it agrees.
inline void expect_agreement(const std::string& rules_path, const std::vector<Scenario>& scenarios) {
  const std::string rules = tocsin::test::read_text(rules_path);
  const tocsin::test::TempDir dir;
  std::ofstream tests(dir / "tests.yml");
  tests << "rule_files: ['" << rules_path << "']\nevaluation_interval: " << scenario_interval << "s\ntests:\n";
  for (const Scenario& scenario : scenarios) {
    const auto firing = play(scenario, rules);
    const auto expected = firing.find(scenario.alert);
    EXPECT_TRUE(expected != firing.end() && !expected->second.empty()) << scenario.alert << " does not fire";
    tests << "- interval: " << scenario_step << "s\n  input_series:\n";
    for (const Input& input : scenario.inputs) {
      tests << "  - series: '" << input.series << "'\n    values: '";
      for (int second = 0; second <= scenario.seconds; second += scenario_step) {
        tests << core::format_value(input.at(second, scenario_step)) << ' ';
      }
      tests << "'\n";
    }
    if (scenario.inputs.empty()) tests << "  - {series: unused, values: '0'}\n";
    tests << "  alert_rule_test:\n";
    for (const auto& [name, alerts] : firing) {
      tests << "  - eval_time: " << scenario.seconds << "s\n    alertname: " << name << "\n    exp_alerts:\n";
      for (const core::Alert& alert : alerts) {
        tests << "    - exp_labels: ";
        write_labels(tests, alert.labels);
        tests << "\n      exp_annotations: ";
        write_labels(tests, alert.annotations);
        tests << "\n";
      }
    }
  }
  tests.close();
  if (!tocsin::test::has_promtool()) GTEST_SKIP() << "promtool is not installed";
  const auto result = tocsin::test::promtool({"test", "rules", dir / "tests.yml"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

}  // namespace tocsin::rules::test
