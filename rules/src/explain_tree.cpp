// An expression as a tree, with the value at every node.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "explain_parts.hpp"
#include "src/promql/printer.hpp"

namespace tocsin::rules {
namespace {

using Kind = ExplainedNode::Kind;
using promql::Expr;

class Explainer {
 public:
  Explainer(const store::View& view, const ExplainRequest& request) : view_(view), limits_(request.limits) {}

  ExplainedNode explain(const Expr& expression, core::TimePoint at) {
    if (const auto* paren = std::get_if<promql::Paren>(&expression.node)) return explain(*paren->inner, at);
    ++nodes_;
    ExplainedNode node;
    node.expression = promql::to_string(expression);
    node.type = promql::type_of(expression);
    std::visit([&](const auto& of) { enter(of, at, node); }, expression.node);
    evaluate(expression, at, node);
    note_operation(expression, view_, at, limits_, node);
    return node;
  }

 private:
  void enter(const promql::NumberLiteral&, core::TimePoint, ExplainedNode& node) { node.kind = Kind::number; }
  void enter(const promql::StringLiteral&, core::TimePoint, ExplainedNode& node) { node.kind = Kind::text; }
  void enter(const promql::VectorSelector& selector, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::selector;
    select(selector, at, limits_.evaluation.lookback, node);
  }
  void enter(const promql::MatrixSelector& matrix, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::range;
    select(matrix.selector, at, matrix.range, node);
  }
  void enter(const promql::Subquery& subquery, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::subquery;
    const core::TimePoint end = time_of(at, subquery.offset, subquery.at);
    child(*subquery.inner, end, node);
    node.notes.emplace_back("what is inside is shown for the end of the range");
  }
  void enter(const promql::Call& call, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::call;
    node.operation = call.function;
    for (const promql::ExprPtr& argument : call.args) child(*argument, at, node);
  }
  void enter(const promql::Aggregation& aggregation, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::aggregation;
    node.operation = aggregation.op;
    if (aggregation.parameter) child(*aggregation.parameter, at, node);
    child(*aggregation.inner, at, node);
  }
  void enter(const promql::Binary& binary, core::TimePoint at, ExplainedNode& node) {
    node.kind = promql::is_comparison(binary.op)     ? Kind::comparison
                : promql::is_set_operator(binary.op) ? Kind::set
                                                     : Kind::arithmetic;
    node.operation = promql::operator_name(binary.op);
    child(*binary.lhs, at, node);
    child(*binary.rhs, at, node);
  }
  void enter(const promql::Unary& unary, core::TimePoint at, ExplainedNode& node) {
    node.kind = Kind::sign;
    node.operation = unary.negative ? "-" : "+";
    child(*unary.inner, at, node);
  }
  void enter(const promql::Paren&, core::TimePoint, ExplainedNode&) {}

  void child(const Expr& expression, core::TimePoint at, ExplainedNode& node) {
    if (nodes_ < limits_.nodes) {
      node.children.push_back(explain(expression, at));
    } else if (node.notes.empty() || node.notes.back() != left_out) {
      node.notes.emplace_back(left_out);
    }
  }

  void select(const promql::VectorSelector& selector, core::TimePoint at, core::Duration look_back,
              ExplainedNode& node) {
    std::vector<ExplainedSample> samples;
    node.selector = explain_selector(selector, view_, at, look_back, node.kind == Kind::range, limits_, samples);
    if (node.kind == Kind::selector) node.samples = std::move(samples);
    for (std::string& note : notes_of(*node.selector, look_back)) node.notes.push_back(std::move(note));
  }

  void evaluate(const Expr& expression, core::TimePoint at, ExplainedNode& node) {
    if (node.type == promql::ValueType::string) return;
    promql::Plan plan(expression);
    auto answer = plan.instant(view_, at, limits_.evaluation);
    if (const auto* error = std::get_if<promql::EvalError>(&answer)) {
      node.error = error->message;
      return;
    }
    std::visit([&](auto& value) { show(value, node); }, std::get<promql::Value>(answer));
  }
  void show(const promql::Scalar& scalar, ExplainedNode& node) {
    node.count = 1;
    node.samples.push_back({core::Labels{}, scalar.sample.value, std::nullopt, 0});
  }
  static void show(const promql::String&, ExplainedNode&) {}
  void show(promql::Vector& vector, ExplainedNode& node) {
    node.count = vector.size();
    std::size_t nans = 0;
    for (promql::InstantSample& one : vector) {
      if (std::isnan(one.sample.value)) ++nans;
      if (node.kind == Kind::selector || node.samples.size() >= limits_.series) continue;
      node.samples.push_back({std::move(one.labels), one.sample.value, std::nullopt, 0});
    }
    note_values(node, nans);
  }
  void show(promql::Matrix& matrix, ExplainedNode& node) {
    node.count = matrix.size();
    for (promql::Series& series : matrix) {
      if (node.samples.size() >= limits_.series || series.samples.empty()) break;
      node.samples.push_back(
          {std::move(series.labels), series.samples.back().value, std::nullopt, series.samples.size()});
    }
  }

  static constexpr const char* left_out = "what lies deeper is left out";
  const store::View& view_;
  const ExplainLimits& limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string_view to_string(ExplainedNode::Kind kind) {
  static constexpr std::array<std::string_view, 11> names{"number",     "text", "selector",    "range",
                                                          "subquery",   "call", "aggregation", "comparison",
                                                          "arithmetic", "set",  "sign"};
  return names[static_cast<std::size_t>(kind)];
}

ExplainedNode explain(const Expr& expression, const store::View& view, const ExplainRequest& request) {
  return Explainer(view, request).explain(expression, request.at - request.query_offset);
}

}  // namespace tocsin::rules
