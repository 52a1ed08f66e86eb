// The series that an expression reads.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/rules/promql/ast.hpp"

namespace tocsin::rules {

/// Appends the matchers of every selector in the expression.
void collect_selectors(const promql::Expr& expr, std::vector<std::vector<core::Matcher>>& out);

/// True if a series of one of these metrics, with these labels and perhaps more, may match.
[[nodiscard]] bool may_match(const std::vector<core::Matcher>& matchers, const core::Labels& base,
                             std::span<const std::string_view> metric_names);

}  // namespace tocsin::rules
