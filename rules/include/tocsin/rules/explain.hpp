// Why an alert fires, or why it does not: the expression as a tree with the value at every node, the matchers that
// matched nothing, limits, and timers. Pure; reads a view of the samples, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/group.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::rules {

struct ExplainLimits {
  std::size_t series = 10;        // shown of each node, line and kind of alert
  std::size_t values = 5;         // label values that exist, where a matcher matched none
  std::size_t nodes = 200;        // of a tree; what lies deeper is left out
  std::size_t scanned = 200'000;  // series looked through for such values
  promql::EvalLimits evaluation;
};

struct ExplainRequest {
  core::TimePoint at;
  core::Duration query_offset{0};  // of the rule's group
  ExplainLimits limits;
};

struct ExplainedSample {
  core::Labels labels;
  double value = 0;
  std::optional<core::Duration> age;  // of a selector: how old the sample is
  std::size_t samples = 0;            // of a range: how many there are; `value` is the newest
};

/// How many series are left after a matcher, and after those before it.
struct MatcherStep {
  std::string matcher;
  std::size_t left = 0;
  std::vector<std::string> near;  // values that exist, those most like the wanted one first; only where none is left
  std::size_t more = 0;           // other values than those
};

struct ExplainedSelector {
  std::size_t series = 0;                    // match, ended ones included
  std::size_t live = 0;                      // have a sample that counts
  std::vector<MatcherStep> steps;            // where nothing matches
  std::optional<core::Duration> newest_age;  // where nothing is live: of the newest sample there is
  bool ended = false;                        // and that series was ended: its target no longer gives it
};

struct ExplainedNode {
  enum class Kind { number, text, selector, range, subquery, call, aggregation, comparison, arithmetic, set, sign };
  Kind kind = Kind::number;
  std::string expression;  // in normal form
  std::string operation;   // `>`, `rate`, `sum`; empty for a selector and a number
  promql::ValueType type = promql::ValueType::vector;
  std::size_t count = 0;                 // of series in the result
  std::vector<ExplainedSample> samples;  // the first of them; of a scalar the one
  std::string error;                     // it could not be evaluated
  std::vector<std::string> notes;        // what a person should know of it
  std::optional<ExplainedSelector> selector;
  std::vector<ExplainedNode> children;
};
[[nodiscard]] std::string_view to_string(ExplainedNode::Kind kind);

/// One label set of a line of a threshold.
struct ExplainedSeries {
  core::Labels labels;
  std::optional<double> value;  // of the newest period; not present: no data
  bool on = false;              // beyond its limit, hysteresis and periods worked in
  bool held_on = false;         // only by hysteresis: the limit alone would not say so
  double distance = 0;          // how far the value is from the limit that decides; negative: not beyond it
  std::vector<std::optional<double>> periods;  // newest first; of a threshold with `breaches`
  unsigned breaches = 0;
  std::optional<core::TimePoint> missing_since;
};
struct ExplainedLine {
  std::string text;  // `redis:memory_used:ratio above 0.8 (clears below 0.7)`
  bool above = true;
  double limit = 0;
  std::optional<double> clear;
  std::size_t count = 0;  // of label sets
  std::vector<ExplainedSeries> series;
  ExplainedNode expression;
};

struct ExplainedAlert {
  core::Alert alert;
  std::optional<core::TimePoint> fires_at;  // a pending one, if its condition goes on
  std::optional<core::TimePoint> ends_at;   // keep_firing_for, or hold_max, is over then
  std::string words;                        // "pending since ..., fires at ... (in 3m20s)"
};

struct Explanation {
  std::string rule;
  RuleSpec::Kind kind = RuleSpec::Kind::alert;
  std::string query;
  core::TimePoint at;
  core::AlertState state = core::AlertState::inactive;
  std::string verdict;  // one sentence
  core::Duration hold{0};
  core::Duration keep_firing{0};
  Health health = Health::unknown;
  std::string error;
  std::size_t pending = 0;
  std::size_t firing = 0;
  std::vector<ExplainedAlert> alerts;       // firing ones first, bounded
  std::optional<ExplainedNode> expression;  // of an alert or a record
  std::optional<ThresholdSpec> threshold;
  std::vector<ExplainedLine> lines;  // of a threshold
  std::vector<std::string> notes;
};

/// `status` is the rule's as it is now; null for a time that has passed: then the alerts are those that the rule wrote
/// into ALERTS, as far as the samples reach back.
[[nodiscard]] Explanation explain(const RuleSpec& rule, const RuleStatus* status, const store::View& view,
                                  const ExplainRequest& request);
/// An expression alone.
[[nodiscard]] ExplainedNode explain(const promql::Expr& expression, const store::View& view,
                                    const ExplainRequest& request);

/// For a terminal: lines of at most about `width` columns where that can be.
[[nodiscard]] std::string to_text(const Explanation& explanation, std::size_t width = 110);

}  // namespace tocsin::rules
