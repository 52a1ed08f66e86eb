#include "src/rule_test_world.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace tocsin::daemon {
namespace {

/// A test keeps everything.
store::Limits limits() {
  store::Limits limits;
  limits.retention = std::chrono::hours{24 * 365 * 100};
  limits.max_bytes = std::size_t{4} * 1024 * 1024 * 1024;
  return limits;
}

rules::GroupSettings settings_for(const RuleTestFile& file, const RuleTest& test) {
  rules::GroupSettings settings;
  settings.interval = file.evaluation_interval;
  settings.subquery_step = file.evaluation_interval;
  settings.max_samples = 50'000'000;
  settings.templates = {test.external_labels, test.external_url};
  return settings;
}

}  // namespace

RuleTestWorld::RuleTestWorld(const RuleTestFile& file, const RuleTest& test)
    : start_(test.start),
      interval_(test.interval.value_or(file.evaluation_interval)),
      evaluation_interval_(file.evaluation_interval),
      store_(limits()) {
  // Of two series with the same labels the last one stands.
  std::map<core::Labels, const TestSeries*> series;
  for (const TestSeries& each : test.series) series.insert_or_assign(each.labels, &each);
  for (const auto& [labels, each] : series) inputs_.push_back({each, store_.open_block(labels.to_string())});
  const rules::GroupSettings settings = settings_for(file, test);
  for (const rules::GroupSpec& spec : file.groups) {
    groups_.push_back(std::make_unique<rules::Group>(spec, settings, store_));
  }
}

void RuleTestWorld::give(Input& input, core::TimePoint until) {
  const rules::SeriesValues& values = input.series->values;
  for (; input.next < values.size(); ++input.next) {
    const core::TimePoint at = start_ + interval_ * static_cast<std::int64_t>(input.next);
    if (at > until) return;
    if (!values[input.next]) continue;
    core::Batch batch;
    if (!input.named) batch.fresh.push_back({0, input.series->labels});
    input.named = true;
    batch.rows.push_back({0, *values[input.next]});
    const store::AppendResult result = store_.append(input.block, at, batch);
    refused_ += result.refused_series;
  }
}

rules::Evaluation RuleTestWorld::step(core::TimePoint at) {
  for (Input& input : inputs_) give(input, at);
  rules::Evaluation all;
  for (const auto& group : groups_) {
    rules::Evaluation one = group->evaluate(at, {});
    std::move(one.changes.begin(), one.changes.end(), std::back_inserter(all.changes));
    std::move(one.errors.begin(), one.errors.end(), std::back_inserter(all.errors));
  }
  return all;
}

std::vector<core::Alert> RuleTestWorld::alerts(const std::string& name) const {
  std::vector<core::Alert> out;
  for (const auto& group : groups_) {
    const auto& rules = group->spec().rules;
    const auto named = [&name](const rules::RuleSpec& rule) {
      return rule.kind != rules::RuleSpec::Kind::record && rule.name == name;
    };
    if (std::none_of(rules.begin(), rules.end(), named)) continue;
    for (const rules::RuleStatus& rule : group->status().rules) {
      if (rule.kind == rules::RuleSpec::Kind::record || rule.name != name) continue;
      out.insert(out.end(), rule.alerts.begin(), rule.alerts.end());
    }
  }
  return out;
}

NumberAnswer RuleTestWorld::number(const std::string& expression, core::TimePoint at) const {
  return query_one_number(store_.live(), expression, at);
}

std::variant<rules::promql::Value, rules::promql::EvalError> RuleTestWorld::query(const rules::promql::Expr& expression,
                                                                                  core::TimePoint at) const {
  rules::promql::EvalLimits limits;
  limits.default_subquery_step = evaluation_interval_;
  return rules::promql::Plan(expression).instant(store_.live(), at, limits);
}

}  // namespace tocsin::daemon
