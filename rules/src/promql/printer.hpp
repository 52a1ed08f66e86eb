// Words and classes of operators.
#pragma once

#include <string_view>

#include "tocsin/rules/promql/ast.hpp"

namespace tocsin::rules::promql {

[[nodiscard]] std::string_view operator_name(BinaryOp op);
[[nodiscard]] constexpr bool is_comparison(BinaryOp op) {
  return op == BinaryOp::eq || op == BinaryOp::ne || op == BinaryOp::lt || op == BinaryOp::le || op == BinaryOp::gt ||
         op == BinaryOp::ge;
}
[[nodiscard]] constexpr bool is_set_operator(BinaryOp op) {
  return op == BinaryOp::and_ || op == BinaryOp::or_ || op == BinaryOp::unless;
}
/// A float without exponent, as short as it can be read back: `1000000`, `0.1`, `+Inf`, `NaN`.
[[nodiscard]] std::string format_plain(double value);

}  // namespace tocsin::rules::promql
