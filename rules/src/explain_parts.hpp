// What the parts of explain share.
#pragma once

#include <string>
#include <vector>

#include "tocsin/rules/explain.hpp"

namespace tocsin::rules {

/// A selector at a time: how many series match, how many of them live, and why none does. The first that live go into
/// `samples`.
[[nodiscard]] ExplainedSelector explain_selector(const promql::VectorSelector& selector, const store::View& view,
                                                 core::TimePoint at, core::Duration look_back, bool range,
                                                 const ExplainLimits& limits, std::vector<ExplainedSample>& samples);
/// The time that a selector or a subquery means when the clock says `at`.
[[nodiscard]] core::TimePoint time_of(core::TimePoint at, core::Duration offset,
                                      const std::optional<promql::AtModifier>& modifier);
/// What it says in words, if anything is worth it.
[[nodiscard]] std::vector<std::string> notes_of(const ExplainedSelector& selector, core::Duration look_back);

/// What is worth saying of an operation, by its operands' values.
void note_operation(const promql::Expr& expression, const store::View& view, core::TimePoint at,
                    const ExplainLimits& limits, ExplainedNode& node);
void note_values(ExplainedNode& node, std::size_t nans);

/// `3 series`, `1 series`, `no series`.
[[nodiscard]] std::string counted(std::size_t count, std::string_view one, std::string_view many);
/// Numbers for people: six digits are enough for most.
[[nodiscard]] std::string number_text(double value);
/// Without milliseconds once there are seconds.
[[nodiscard]] std::string span_text(core::Duration duration);

/// The lines of a threshold.
[[nodiscard]] std::vector<ExplainedLine> explain_lines(const ThresholdSpec& threshold, const RuleStatus* status,
                                                       const store::View& view, const ExplainRequest& request);
/// The alerts that a rule wrote into ALERTS.
[[nodiscard]] std::vector<core::Alert> recorded_alerts(const RuleSpec& rule, const store::View& view,
                                                       core::TimePoint at, core::Duration look_back);
/// The name of an alert or a threshold's line, its labels, one that is shown: without the alert's name.
[[nodiscard]] std::string labels_text(const core::Labels& labels);

}  // namespace tocsin::rules
