#include "rule.hpp"

#include <fmt/format.h>

#include "alerting_rule.hpp"
#include "recording_rule.hpp"
#include "threshold_rule.hpp"

namespace tocsin::rules {

std::optional<std::string> Output::commit(store::Store& store, const std::string& name, core::TimePoint at,
                                          bool shared) {
  const core::Batch batch = table_.take();
  if (!block_) {
    if (batch.rows.empty()) return std::nullopt;
    block_ = store.open_block(name);
  }
  const store::AppendResult result = store.append(*block_, at, batch);
  if (result.too_old) return "the time is not later than that of the newest samples";
  if (result.refused_duplicate > 0 && !shared) {
    return fmt::format("{} series have labels that another rule or target gives already", result.refused_duplicate);
  }
  if (result.refused_series > 0) return fmt::format("{} series did not fit: the store is full", result.refused_series);
  return std::nullopt;
}

void Output::close(store::Store& store, core::TimePoint at) {
  if (block_) store.close_block(*block_, at);
  block_.reset();
  table_.reset();
}

std::unique_ptr<Rule> make_rule(const RuleSpec& spec, RuleMark mark, const std::string& group_id,
                                const TemplateContext& templates) {
  switch (spec.kind) {
    case RuleSpec::Kind::record:
      return std::make_unique<RecordingRule>(spec, mark);
    case RuleSpec::Kind::alert:
      return std::make_unique<AlertingRule>(spec, mark, group_id, templates);
    case RuleSpec::Kind::threshold:
      break;
  }
  return std::make_unique<ThresholdRule>(spec, mark, group_id, templates);
}

std::variant<promql::Vector, std::string> run(promql::Plan& plan, const Round& round, core::TimePoint at) {
  auto answer = plan.instant(round.store.live(), at, round.limits);
  if (const auto* error = std::get_if<promql::EvalError>(&answer)) return error->message;
  auto& value = std::get<promql::Value>(answer);
  if (auto* vector = std::get_if<promql::Vector>(&value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::Scalar>(&value)) return promql::Vector{{core::Labels{}, scalar->sample}};
  return "rule result is not a vector or scalar";
}

}  // namespace tocsin::rules
