#include "threshold_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alerting_rule.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

using OnMissing = ThresholdSpec::OnMissing;

/// What is missing for longer than this was taken away, whatever was asked for.
constexpr core::Duration longest_memory{std::chrono::hours{24}};

bool beyond(const ThresholdSpec::Line& line, double value, bool on) {
  const double limit = on && line.clear ? *line.clear : line.limit;
  // Once on, the value must pass the other limit to be off again: to stand on it is not enough.
  if (on && line.clear) return line.above ? value >= limit : value <= limit;
  return line.above ? value > limit : value < limit;
}

bool worse(const ThresholdSpec::Line& line, double a, double b) { return line.above ? a > b : a < b; }

}  // namespace

ThresholdRule::ThresholdRule(const RuleSpec& spec, const std::string& group_id, const TemplateContext& templates)
    : Rule(spec), threshold_(*spec.threshold), texts_(spec, templates), book_({spec.name, group_id, spec.expression}) {
  for (const ThresholdSpec::Line& line : threshold_.lines) lines_.push_back({line, promql::Plan(*line.parsed), {}, {}});
}

std::optional<std::string> ThresholdRule::evaluate(Round& round) {
  std::vector<std::vector<promql::Vector>> results(lines_.size());
  if (auto error = read(round, results)) return error;
  learn_names(results);
  std::set<core::Labels> keys;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    judge(lines_[i], periods(lines_[i], results[i]), round.at);
    for (const auto& [labels, series] : lines_[i].series) keys.insert(labels);
  }
  std::vector<Found> found;
  std::vector<core::Labels> frozen;
  for (const core::Labels& labels : keys) decide(labels, round, found, frozen);
  forget(round.at);
  return conclude(round, spec_, book_, output_, std::move(found), frozen);
}

/// Evaluates every line, once for each period.
std::optional<std::string> ThresholdRule::read(Round& round, std::vector<std::vector<promql::Vector>>& results) {
  const unsigned count = threshold_.breaches ? threshold_.breaches->second : 1;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    for (unsigned period = 0; period < count; ++period) {
      const core::TimePoint at =
          round.data_at - threshold_.average.value_or(core::Duration{0}) * static_cast<int>(period);
      auto answer = run(lines_[i].plan, round, at);
      if (auto* error = std::get_if<std::string>(&answer)) return std::move(*error);
      results[i].push_back(std::get<promql::Vector>(std::move(answer)));
    }
  }
  return std::nullopt;
}

/// Lines belong together by the labels that all of them have. A line without data now has those that it had.
void ThresholdRule::learn_names(const std::vector<std::vector<promql::Vector>>& results) {
  std::optional<std::set<std::string>> common;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    std::set<std::string> names;
    for (const promql::InstantSample& sample : results[i].front()) {
      for (const core::Label& label : sample.labels) {
        if (label.name != core::metric_name_label) names.insert(label.name);
      }
    }
    if (!results[i].front().empty()) lines_[i].names = std::move(names);
    if (lines_[i].names.empty()) continue;
    if (!common) {
      common = lines_[i].names;
    } else {
      std::erase_if(*common, [&](const std::string& name) { return !lines_[i].names.contains(name); });
    }
  }
  if (!common || *common == common_) return;
  common_ = std::move(*common);
  for (Line& line : lines_) line.series.clear();  // what was known was known of other label sets
  alert_labels_.clear();
  doubts_.clear();
}

core::Labels ThresholdRule::key(const core::Labels& labels) const {
  std::vector<core::Label> kept;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(kept),
               [&](const core::Label& label) { return common_.contains(label.name); });
  return core::Labels(std::move(kept));
}

ThresholdRule::Periods ThresholdRule::periods(const Line& line, const std::vector<promql::Vector>& results) const {
  Periods out;
  for (std::size_t period = 0; period < results.size(); ++period) {
    for (const promql::InstantSample& sample : results[period]) {
      if (std::isnan(sample.sample.value)) continue;  // not a number is no knowledge
      auto& values = out[key(sample.labels)];
      values.resize(results.size());
      // Where several series of a line share a label set, the worst speaks for them.
      std::optional<double>& value = values[period];
      if (!value || worse(line.spec, sample.sample.value, *value)) value = sample.sample.value;
    }
  }
  return out;
}

void ThresholdRule::judge(Line& line, const Periods& periods, core::TimePoint at) const {
  const unsigned needed = threshold_.breaches ? threshold_.breaches->first : 1;
  for (const auto& [labels, values] : periods) {
    if (!values.front()) continue;  // its newest period has no data
    Series& series = line.series[labels];
    const auto breaches = static_cast<unsigned>(std::count_if(values.begin(), values.end(), [&](const auto& value) {
      return value && beyond(line.spec, *value, series.on);
    }));
    series.on = breaches >= needed;
    series.value = *values.front();
    series.seen = at;
  }
}

/// All lines or any line, in logic of three values.
ThresholdRule::Verdict ThresholdRule::combine(const core::Labels& labels, core::TimePoint at) const {
  Verdict verdict{threshold_.all ? Truth::yes : Truth::no, 0, at, true};
  const Truth decisive = threshold_.all ? Truth::no : Truth::yes;
  bool valued = false;
  for (const Line& line : lines_) {
    const auto found = line.series.find(labels);
    // Only what was known once can be missing.
    const bool known = found != line.series.end();
    const Truth truth = !known                     ? Truth::no
                        : found->second.seen != at ? Truth::unknown
                        : found->second.on         ? Truth::yes
                                                   : Truth::no;
    if (truth == Truth::unknown) verdict.seen = std::min(verdict.seen, found->second.seen);
    if (known && !valued && (threshold_.all || truth != Truth::no)) {
      verdict.value = found->second.value;
      valued = true;
    }
    if (verdict.truth == decisive && verdict.sure) continue;
    const bool live = known && truth != Truth::unknown;
    if (truth == decisive || truth == Truth::unknown) verdict.truth = verdict.truth == decisive ? decisive : truth;
    verdict.sure = live && (truth == decisive || verdict.sure);
  }
  return verdict;
}

void ThresholdRule::decide(const core::Labels& labels, Round& round, std::vector<Found>& found,
                           std::vector<core::Labels>& frozen) {
  const Verdict verdict = combine(labels, round.at);
  Truth truth = verdict.truth;
  if (verdict.sure) doubts_.erase(labels);
  if (truth == Truth::unknown) {
    if (threshold_.on_missing == OnMissing::hold) return hold(labels, verdict, round, frozen);
    truth = threshold_.on_missing == OnMissing::fire ? Truth::yes : Truth::no;
  }
  if (truth == Truth::no) return;
  Found one;
  one.value = verdict.value;
  one.labels = texts_.labels(labels, verdict.value, round);
  one.annotations = texts_.annotations(labels, verdict.value, round);
  const bool twice = std::any_of(found.begin(), found.end(), [&](const Found& f) { return f.labels == one.labels; });
  if (twice) return;  // the rule's labels made two alerts one
  alert_labels_[labels] = one.labels;
  found.push_back(std::move(one));
}

/// Nothing is known: the alert stays as it is, for a time.
void ThresholdRule::hold(const core::Labels& labels, const Verdict& verdict, const Round& round,
                         std::vector<core::Labels>& frozen) {
  const auto alert = alert_labels_.find(labels);
  if (alert == alert_labels_.end() || book_.find(alert->second) == nullptr) return;  // there is nothing to hold
  if (round.at - verdict.seen <= threshold_.hold_max) {
    frozen.push_back(alert->second);
  } else {
    doubts_.try_emplace(labels, verdict.seen);
  }
}

void ThresholdRule::forget(core::TimePoint at) {
  const core::Duration memory = threshold_.on_missing == OnMissing::hold      ? threshold_.hold_max
                                : threshold_.on_missing == OnMissing::resolve ? core::Duration{0}
                                                                              : longest_memory;
  for (Line& line : lines_) {
    std::erase_if(line.series,
                  [&](const auto& entry) { return at - entry.second.seen > std::min(memory, longest_memory); });
  }
  std::erase_if(doubts_, [&](const auto& entry) { return at - entry.second > threshold_.hold_max + longest_memory; });
  std::erase_if(alert_labels_, [&](const auto& entry) {
    return std::none_of(lines_.begin(), lines_.end(),
                        [&](const Line& line) { return line.series.contains(entry.first); });
  });
}

std::string ThresholdRule::doubt() const {
  if (doubts_.empty()) return {};
  const auto& [labels, since] = *doubts_.begin();
  std::string out = fmt::format("no data of {} since {}: whether it is beyond its limit is unknown", labels.to_string(),
                                core::format_rfc3339(since));
  if (doubts_.size() > 1) out += fmt::format(" (and {} more)", doubts_.size() - 1);
  return out;
}

void ThresholdRule::take_from(Rule& old) {
  Rule::take_from(old);
  auto& before = dynamic_cast<ThresholdRule&>(old);
  book_.take_from(before.book_);
  // What was known of the lines stays only where the lines are the same.
  if (before.spec_.expression != spec_.expression || before.lines_.size() != lines_.size()) return;
  common_ = std::move(before.common_);
  alert_labels_ = std::move(before.alert_labels_);
  doubts_ = std::move(before.doubts_);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    lines_[i].names = std::move(before.lines_[i].names);
    lines_[i].series = std::move(before.lines_[i].series);
  }
}

void ThresholdRule::visit(const std::function<void(const promql::Expr&)>& visitor) const {
  for (const ThresholdSpec::Line& line : threshold_.lines) visitor(*line.parsed);
}

}  // namespace tocsin::rules
