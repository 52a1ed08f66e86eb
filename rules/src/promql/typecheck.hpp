// Finds what is well written but means nothing: `rate(foo)`, `1 and 2`.
#pragma once

#include <optional>
#include <string_view>

#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {

/// The first thing that is wrong. `query` is the text that the tree came from.
[[nodiscard]] std::optional<ParseError> check_types(const Expr& expr, std::string_view query);

}  // namespace tocsin::rules::promql
