#include "tocsin/rules/promql/ast.hpp"

#include <algorithm>

#include "src/promql/functions.hpp"

namespace tocsin::rules::promql {
namespace {

/// How far before its evaluation time an expression reads. A range that is left open needs not a moment more than its
/// length.
class LookBack {
 public:
  explicit LookBack(core::Duration lookback) : lookback_(lookback) {}

  [[nodiscard]] core::Duration of(const Expr& expr) const {
    return std::visit([this](const auto& node) { return visit(node); }, expr.node);
  }

 private:
  using Duration = core::Duration;
  static constexpr Duration zero{0};

  Duration visit(const NumberLiteral&) const { return zero; }
  Duration visit(const StringLiteral&) const { return zero; }
  Duration visit(const VectorSelector& node) const { return std::max(zero, node.offset + lookback_); }
  Duration visit(const MatrixSelector& node) const { return std::max(zero, node.selector.offset + node.range); }
  Duration visit(const Subquery& node) const { return std::max(zero, node.offset + node.range + of(*node.inner)); }
  Duration visit(const Call& node) const {
    Duration longest = zero;
    for (const ExprPtr& arg : node.args) longest = std::max(longest, of(*arg));
    return longest;
  }
  Duration visit(const Aggregation& node) const {
    const Duration parameter = node.parameter ? of(*node.parameter) : zero;
    return std::max(parameter, of(*node.inner));
  }
  Duration visit(const Binary& node) const { return std::max(of(*node.lhs), of(*node.rhs)); }
  Duration visit(const Unary& node) const { return of(*node.inner); }
  Duration visit(const Paren& node) const { return of(*node.inner); }

  Duration lookback_;
};

struct TypeOf {
  ValueType operator()(const NumberLiteral&) const { return ValueType::scalar; }
  ValueType operator()(const StringLiteral&) const { return ValueType::string; }
  ValueType operator()(const VectorSelector&) const { return ValueType::vector; }
  ValueType operator()(const MatrixSelector&) const { return ValueType::matrix; }
  ValueType operator()(const Subquery&) const { return ValueType::matrix; }
  ValueType operator()(const Call& node) const { return find_function(node.function)->result; }
  ValueType operator()(const Aggregation&) const { return ValueType::vector; }
  ValueType operator()(const Binary& node) const {
    const bool scalars = type_of(*node.lhs) == ValueType::scalar && type_of(*node.rhs) == ValueType::scalar;
    return scalars ? ValueType::scalar : ValueType::vector;
  }
  ValueType operator()(const Unary& node) const { return type_of(*node.inner); }
  ValueType operator()(const Paren& node) const { return type_of(*node.inner); }
};

}  // namespace

ValueType type_of(const Expr& expr) { return std::visit(TypeOf{}, expr.node); }

core::Duration look_back(const Expr& expr, core::Duration lookback_delta) { return LookBack(lookback_delta).of(expr); }

}  // namespace tocsin::rules::promql
