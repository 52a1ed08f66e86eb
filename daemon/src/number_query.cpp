#include "src/number_query.hpp"

#include <variant>

#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {

NumberAnswer query_one_number(const store::View& view, const std::string& expression, core::TimePoint at) {
  auto parsed = rules::promql::parse(expression);
  if (const auto* error = std::get_if<rules::promql::ParseError>(&parsed))
    return {std::nullopt, error->render(expression)};
  rules::promql::Plan plan(*std::get<rules::promql::ExprPtr>(parsed));
  const auto result = plan.instant(view, at, rules::promql::EvalLimits{});
  if (const auto* error = std::get_if<rules::promql::EvalError>(&result)) return {std::nullopt, error->message};
  const auto& value = std::get<rules::promql::Value>(result);
  if (const auto* scalar = std::get_if<rules::promql::Scalar>(&value)) return {scalar->sample.value, ""};
  const auto* vector = std::get_if<rules::promql::Vector>(&value);
  if (vector == nullptr || vector->empty()) return {std::nullopt, "the expression gives nothing"};
  if (vector->size() > 1) return {std::nullopt, "the expression gives more than one series"};
  return {vector->front().sample.value, ""};
}

}  // namespace tocsin::daemon
