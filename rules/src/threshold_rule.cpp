#include "threshold_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alerting_rule.hpp"
#include "threshold_limit.hpp"
#include "tocsin/core/duration.hpp"
#include "truth_unknown.hpp"

namespace tocsin::rules {
namespace {

using OnMissing = ThresholdSpec::OnMissing;

/// What is missing for longer than this was taken away, whatever was asked for.
constexpr core::Duration longest_memory{std::chrono::hours{24}};

bool worse(const ThresholdSpec::Line& line, double a, double b) { return line.above ? a > b : a < b; }

}  // namespace

ThresholdRule::ThresholdRule(const RuleSpec& spec, RuleMark mark, const std::string& group_id,
                             const TemplateContext& templates)
    : Rule(spec, mark),
      threshold_(*spec.threshold),
      wording_(stable_hash(spec.expression)),
      texts_(spec, templates),
      book_({spec.name, group_id, spec.expression}),
      unknown_({std::string(truth_unknown), group_id, spec.expression}, MemoryKey::Kind::unknown) {
  for (const ThresholdSpec::Line& line : threshold_.lines) {
    lines_.push_back({line, promql::Plan(*line.parsed), {}, {}, {}});
  }
}

std::optional<std::string> ThresholdRule::evaluate(Round& round) {
  std::vector<std::vector<promql::Vector>> results(lines_.size());
  if (auto error = read(round, results)) return error;
  learn_names(results);
  for (std::size_t i = 0; i < lines_.size(); ++i) judge(lines_[i], periods(lines_[i], results[i]), round.at);
  Judgement judgement;
  judgement.freeze_rest = round.settling;
  labels_seen_.clear();
  for (const core::Labels* labels : keys()) decide(*labels, round, judgement);
  if (!round.settling) forget(round.at);
  const AlertBook::Policy policy{spec_.hold, spec_.keep_firing, round.group.limit};
  auto error = book_.apply(std::move(judgement), round.at, policy);
  if (!error) (void)unknown_.apply(doubted(round), round.at, {});
  if (!error) error = publish(round, *this, output_, {&book_, &unknown_});
  remember({round.memory_prefix, mark_, round.memories});
  return error;
}

void ThresholdRule::hold(Round& round) {
  freeze(book_, round.at);
  freeze(unknown_, round.at);
  (void)publish(round, *this, output_, {&book_, &unknown_});
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
  for (Line& line : lines_) drop_series(line, [](const Series&) { return true; });  // was known of other label sets
  alert_labels_.clear();
  doubts_.clear();
}

core::Labels ThresholdRule::key(const core::Labels& labels) const {
  std::vector<core::Label> kept;
  std::copy_if(labels.begin(), labels.end(), std::back_inserter(kept),
               [&](const core::Label& label) { return common_.contains(label.name); });
  return core::Labels(std::move(kept));
}

/// The label sets of all lines, in order.
std::vector<const core::Labels*> ThresholdRule::keys() const {
  const auto before = [](const core::Labels* a, const core::Labels* b) { return *a < *b; };
  std::vector<const core::Labels*> out;
  for (const Line& line : lines_) {
    std::vector<const core::Labels*> own;
    own.reserve(line.series.size());
    for (const auto& [labels, series] : line.series) own.push_back(&labels);
    std::vector<const core::Labels*> both;
    both.reserve(out.size() + own.size());
    std::set_union(out.begin(), out.end(), own.begin(), own.end(), std::back_inserter(both), before);
    out = std::move(both);
  }
  return out;
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
    unsigned breaches = 0;
    unsigned unknown = 0;
    for (const auto& value : values) {
      if (!value) ++unknown;
      if (value && is_beyond(line.spec, *value, series.on)) ++breaches;
    }
    // Periods without data begin nothing, and with `hold` they end nothing either.
    const bool held = series.on && threshold_.on_missing == OnMissing::hold && breaches + unknown >= needed;
    const bool on = breaches >= needed || held;
    if (on != series.on || series.missing) series.changed = true;
    series.on = on;
    series.missing = false;
    series.value = *values.front();
    series.seen = at;
  }
  for (auto& [labels, series] : line.series) {
    if (series.seen == at || series.missing) continue;
    series.missing = series.changed = true;
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

void ThresholdRule::decide(const core::Labels& labels, Round& round, Judgement& judgement) {
  const Verdict verdict = combine(labels, round.at);
  Truth truth = verdict.truth;
  if (verdict.sure) doubts_.erase(labels);
  if (truth == Truth::unknown) {
    if (threshold_.on_missing == OnMissing::hold || round.settling) return hold(labels, verdict, round, judgement);
    truth = threshold_.on_missing == OnMissing::fire ? Truth::yes : Truth::no;
  }
  const auto known = alert_labels_.find(labels);
  if (truth == Truth::no) {
    // While it settles only that ends of which there is data.
    if (round.settling && verdict.sure && known != alert_labels_.end()) judgement.ended.push_back(known->second);
    return;
  }
  Found one;
  one.value = verdict.value;
  one.labels = texts_.labels(labels, verdict.value, round);
  one.annotations = texts_.annotations(labels, verdict.value, round);
  one.of = labels;
  const auto same = [&](const Found& other) { return other.labels == one.labels; };
  // The rule's labels may make two alerts one.
  one.hash = one.labels.hash();
  if (!labels_seen_.insert(one.hash).second && std::any_of(judgement.found.begin(), judgement.found.end(), same)) {
    return;
  }
  if (known == alert_labels_.end()) {
    alert_labels_.emplace(labels, one.labels);
  } else if (known->second != one.labels) {
    known->second = one.labels;
  }
  judgement.found.push_back(std::move(one));
}

/// Nothing is known: the alert stays as it is, for a time.
void ThresholdRule::hold(const core::Labels& labels, const Verdict& verdict, const Round& round, Judgement& judgement) {
  const auto known = alert_labels_.find(labels);
  const core::Alert* alert = known == alert_labels_.end() ? nullptr : book_.find(known->second);
  if (alert == nullptr) return;  // there is nothing to hold
  if (round.settling || round.at - verdict.seen <= threshold_.hold_max) {
    judgement.frozen.push_back(known->second);
  } else {
    doubts_.try_emplace(labels, doubt_of(labels, *alert, verdict));
  }
}

ThresholdRule::Doubt ThresholdRule::doubt_of(const core::Labels& labels, const core::Alert& alert,
                                             const Verdict& verdict) const {
  LostSight lost{alert, verdict.seen, threshold_.hold_max, spec_.expression, {}};
  for (const Line& line : lines_) {
    const auto series = line.series.find(labels);
    if (series != line.series.end() && series->second.missing) lost.missing.push_back(line.spec.expression);
  }
  return {verdict.seen, alert.value, unknown_labels(alert.labels), unknown_annotations(lost)};
}

/// The alerts that say so.
Judgement ThresholdRule::doubted(const Round& round) const {
  Judgement judgement;
  judgement.freeze_rest = round.settling;
  for (const auto& [labels, doubt] : doubts_) {
    judgement.found.push_back({doubt.labels, doubt.annotations, doubt.value, labels, doubt.since, doubt.labels.hash()});
  }
  if (!round.settling) return judgement;
  unknown_.each([&](const core::Alert& alert, const core::Labels& of) {
    if (!doubts_.contains(of)) judgement.ended.push_back(alert.labels);
  });
  return judgement;
}

void ThresholdRule::forget(core::TimePoint at) {
  const core::Duration asked = threshold_.on_missing == OnMissing::hold      ? threshold_.hold_max
                               : threshold_.on_missing == OnMissing::resolve ? core::Duration{0}
                                                                             : longest_memory;
  const core::Duration memory = std::min(asked, longest_memory);
  for (Line& line : lines_) drop_series(line, [&](const Series& series) { return at - series.seen > memory; });
  std::erase_if(doubts_,
                [&](const auto& entry) { return at - entry.second.since > threshold_.hold_max + longest_memory; });
  forget_labels();
}

/// Of alerts of whose lines nothing is known.
void ThresholdRule::forget_labels() {
  std::erase_if(alert_labels_, [&](const auto& entry) {
    return std::none_of(lines_.begin(), lines_.end(),
                        [&](const Line& line) { return line.series.contains(entry.first); });
  });
}

std::string ThresholdRule::doubt() const {
  if (doubts_.empty()) return {};
  const auto& [labels, first] = *doubts_.begin();
  std::string out = fmt::format("no data of {} since {}: whether it is beyond its limit is unknown", labels.to_string(),
                                core::format_rfc3339(first.since));
  if (doubts_.size() > 1) out += fmt::format(" (and {} more)", doubts_.size() - 1);
  return out;
}

std::vector<core::Alert> ThresholdRule::alerts() const {
  auto out = book_.alerts();
  unknown_.each([&](const core::Alert& alert, const core::Labels&) { out.push_back(alert); });
  return out;
}

void ThresholdRule::visit(const std::function<void(const promql::Expr&)>& visitor) const {
  for (const ThresholdSpec::Line& line : threshold_.lines) visitor(*line.parsed);
}

}  // namespace tocsin::rules
