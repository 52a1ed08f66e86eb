// From the tree of an expression to the nodes of a plan.
#pragma once

#include <string>
#include <variant>

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// What stands at the root: a scalar or a vector, a range, or a string.
struct Compiled {
  ValueType type = ValueType::scalar;
  std::variant<NodePtr, RangePtr, std::string> root;
};
[[nodiscard]] Compiled compile(const Expr& expr);

}  // namespace tocsin::rules::promql
