// Nodes whose value is one number, and the arithmetic of two numbers.
#pragma once

#include <string_view>

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// Arithmetic; a comparison gives 0 or 1.
[[nodiscard]] double apply(BinaryOp op, double lhs, double rhs);
/// Whether a comparison holds.
[[nodiscard]] bool holds(BinaryOp op, double lhs, double rhs);

[[nodiscard]] NodePtr make_number(double value);
[[nodiscard]] NodePtr make_time();
[[nodiscard]] NodePtr make_scalar_binary(BinaryOp op, NodePtr lhs, NodePtr rhs);
[[nodiscard]] NodePtr make_scalar_negation(NodePtr inner);
/// scalar(v)
[[nodiscard]] NodePtr make_scalar_of(NodePtr vector);
/// vector(s)
[[nodiscard]] NodePtr make_vector_of(NodePtr scalar);

}  // namespace tocsin::rules::promql
