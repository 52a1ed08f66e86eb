// Rule files as Prometheus reads them, and threshold files, which become rules of the same kind.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/promql/ast.hpp"

namespace tocsin::rules {

/// What a threshold has beyond an alerting rule.
struct ThresholdSpec {
  struct Line {
    std::string metric;  // a metric name, with or without matchers
    bool above = true;   // else below
    double limit = 0;
    std::optional<double> clear;  // clear_below / clear_above
    std::string expression;       // what is evaluated for this line, `where` and `average` worked in
    std::shared_ptr<const promql::Expr> parsed;
  };
  bool all = true;  // every line must hold, else any
  std::vector<Line> lines;
  std::optional<core::Duration> average;
  std::optional<std::pair<unsigned, unsigned>> breaches;  // M of N periods
  enum class OnMissing { hold, fire, resolve } on_missing = OnMissing::hold;
  core::Duration hold_max{std::chrono::hours{1}};
};

struct RuleSpec {
  enum class Kind { record, alert, threshold } kind = Kind::alert;
  std::string name;                            // of the alert or the recorded metric
  std::string expression;                      // as written; of a threshold: in words
  std::shared_ptr<const promql::Expr> parsed;  // null for a threshold
  core::Duration hold{0};                      // `for`
  core::Duration keep_firing{0};
  std::vector<core::Label> labels;       // unexpanded templates, in file order; group labels worked in
  std::vector<core::Label> annotations;  // unexpanded
  std::optional<ThresholdSpec> threshold;
  core::Position at;
};

struct GroupSpec {
  std::string file;
  std::string name;
  std::optional<core::Duration> interval;
  std::optional<core::Duration> query_offset;
  std::size_t limit = 0;
  std::vector<RuleSpec> rules;
  /// Two groups with the same identity text keep their state over a reload untouched (annotations included).
  [[nodiscard]] std::string identity() const;
};

/// Reads a rule file or a threshold file (it has the key `thresholds`). Strict: every unknown key, wrong type, bad
/// expression or template is a diagnostic with its place.
[[nodiscard]] std::vector<GroupSpec> parse_rule_file(const core::YamlDocument& document,
                                                     core::Diagnostics& diagnostics);

/// How far back a group's expressions read: an instant selector as far as `lookback_delta`.
[[nodiscard]] core::Duration look_back(const GroupSpec& group, core::Duration lookback_delta);

/// What templates know besides the alert.
struct TemplateContext {
  core::Labels external_labels;
  std::string external_url;
};

}  // namespace tocsin::rules
