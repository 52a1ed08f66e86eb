#include "selectors.hpp"

#include <algorithm>

namespace tocsin::rules {
namespace {

struct Collector {
  std::vector<std::vector<core::Matcher>>& out;

  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& selector) const { out.push_back(selector.matchers); }
  void operator()(const promql::MatrixSelector& matrix) const { out.push_back(matrix.selector.matchers); }
  void operator()(const promql::Subquery& subquery) const { visit(subquery.inner); }
  void operator()(const promql::Call& call) const {
    for (const promql::ExprPtr& arg : call.args) visit(arg);
  }
  void operator()(const promql::Aggregation& aggregation) const {
    visit(aggregation.parameter);
    visit(aggregation.inner);
  }
  void operator()(const promql::Binary& binary) const {
    visit(binary.lhs);
    visit(binary.rhs);
  }
  void operator()(const promql::Unary& unary) const { visit(unary.inner); }
  void operator()(const promql::Paren& paren) const { visit(paren.inner); }
  void visit(const promql::ExprPtr& expr) const {
    if (expr) std::visit(*this, expr->node);
  }
};

}  // namespace

void collect_selectors(const promql::Expr& expr, std::vector<std::vector<core::Matcher>>& out) {
  std::visit(Collector{out}, expr.node);
}

bool may_match(const std::vector<core::Matcher>& matchers, const core::Labels& base,
               std::span<const std::string_view> metric_names) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const core::Matcher& matcher) {
    if (matcher.name() == core::metric_name_label) {
      return std::any_of(metric_names.begin(), metric_names.end(),
                         [&](std::string_view name) { return matcher.matches(name); });
    }
    // A label that the target does not have may be one that only some of its series have.
    return !base.has(matcher.name()) || matcher.matches(base.get(matcher.name()));
  });
}

}  // namespace tocsin::rules
