// Operators with at least one vector.
#pragma once

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// Vector with scalar; `scalar_left` tells the sides.
[[nodiscard]] NodePtr make_vector_scalar(BinaryOp op, NodePtr vector, NodePtr scalar, bool scalar_left,
                                         bool return_bool);
[[nodiscard]] NodePtr make_join(const Binary& binary, NodePtr lhs, NodePtr rhs);
/// and, or, unless
[[nodiscard]] NodePtr make_set_operation(const Binary& binary, NodePtr lhs, NodePtr rhs);

}  // namespace tocsin::rules::promql
