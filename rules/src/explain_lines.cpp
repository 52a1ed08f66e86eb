// The lines of a threshold: values, limits, hysteresis, periods.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "explain_parts.hpp"
#include "threshold_limit.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

std::string line_text(const ThresholdSpec::Line& line) {
  std::string out = fmt::format("{} {} {}", line.expression, line.above ? "above" : "below", number_text(line.limit));
  if (line.clear) out += fmt::format(" (clears {} {})", line.above ? "below" : "above", number_text(*line.clear));
  return out;
}

class LineExplainer {
 public:
  LineExplainer(const ThresholdSpec& threshold, const RuleStatus* status, const store::View& view,
                const ExplainRequest& request)
      : threshold_(threshold), status_(status), view_(view), request_(request) {}

  ExplainedLine explain(std::size_t number) {
    const ThresholdSpec::Line& line = threshold_.lines[number];
    ExplainedLine out;
    out.text = line_text(line);
    out.above = line.above;
    out.limit = line.limit;
    out.clear = line.clear;
    out.expression = rules::explain(*line.parsed, view_, request_);
    std::map<core::Labels, ExplainedSeries> all;
    read_periods(line, all);
    add_known(number, all);
    out.count = all.size();
    for (auto& [labels, series] : all) {
      if (out.series.size() >= request_.limits.series) break;
      series.labels = labels;
      judge(line, series);
      out.series.push_back(std::move(series));
    }
    return out;
  }

 private:
  void read_periods(const ThresholdSpec::Line& line, std::map<core::Labels, ExplainedSeries>& all) const {
    const unsigned count = threshold_.breaches ? threshold_.breaches->second : 1;
    promql::Plan plan(*line.parsed);
    for (unsigned period = 0; period < count; ++period) {
      const auto at = request_.at - request_.query_offset -
                      threshold_.average.value_or(core::Duration{0}) * static_cast<int>(period);
      auto answer = plan.instant(view_, at, request_.limits.evaluation);
      const auto* value = std::get_if<promql::Value>(&answer);
      const auto* vector = value == nullptr ? nullptr : std::get_if<promql::Vector>(value);
      if (vector == nullptr) return;
      for (const promql::InstantSample& one : *vector) {
        ExplainedSeries& series = all[one.labels.without_name()];
        series.periods.resize(count);
        if (!std::isnan(one.sample.value)) series.periods[period] = one.sample.value;
      }
    }
  }

  /// What the rule knows beyond the values of now: which series are on, and which are missing.
  void add_known(std::size_t number, std::map<core::Labels, ExplainedSeries>& all) const {
    if (status_ == nullptr) return;
    for (const LineStatus& known : status_->lines) {
      if (known.line != number) continue;
      bool met = false;
      for (auto& [labels, series] : all) {
        // The rule knows them by the labels that all lines have.
        const bool same = std::all_of(known.labels.begin(), known.labels.end(),
                                      [&](const core::Label& label) { return labels.get(label.name) == label.value; });
        if (!same) continue;
        met = true;
        series.on = known.on;
        if (known.missing) series.missing_since = known.seen;
      }
      if (met || !known.missing) continue;
      ExplainedSeries& gone = all[known.labels];
      gone.on = known.on;
      gone.missing_since = known.seen;
    }
  }

  void judge(const ThresholdSpec::Line& line, ExplainedSeries& series) const {
    if (!series.periods.empty()) series.value = series.periods.front();
    const unsigned needed = threshold_.breaches ? threshold_.breaches->first : 1;
    unsigned plain = 0;
    for (const auto& value : series.periods) {
      if (value && is_beyond(line, *value, series.on)) ++series.breaches;
      if (value && is_beyond(line, *value, false)) ++plain;
    }
    // Without the rule's own word (a time that has passed) the limit alone says it.
    if (status_ == nullptr) series.on = plain >= needed;
    series.held_on = series.on && plain < needed;
    if (!threshold_.breaches) series.periods.clear();
    if (!series.value) return;
    const double limit = series.on && line.clear ? *line.clear : line.limit;
    series.distance = line.above ? *series.value - limit : limit - *series.value;
  }

  const ThresholdSpec& threshold_;
  const RuleStatus* status_;
  const store::View& view_;
  const ExplainRequest& request_;
};

}  // namespace

std::vector<ExplainedLine> explain_lines(const ThresholdSpec& threshold, const RuleStatus* status,
                                         const store::View& view, const ExplainRequest& request) {
  LineExplainer explainer(threshold, status, view, request);
  std::vector<ExplainedLine> out;
  for (std::size_t i = 0; i < threshold.lines.size(); ++i) out.push_back(explainer.explain(i));
  return out;
}

}  // namespace tocsin::rules
