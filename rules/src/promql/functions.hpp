// What PromQL's functions take and give.
#pragma once

#include <span>
#include <string_view>

#include "tocsin/rules/promql/ast.hpp"

namespace tocsin::rules::promql {

struct Signature {
  std::string_view name;
  std::span<const ValueType> args;
  /// How many of the last arguments may be left out; -1: the last one may be given any number of times, or not at all.
  int variadic = 0;
  ValueType result = ValueType::vector;
  bool experimental = false;  // Prometheus has it behind a flag; it is refused here
};

/// Null for an unknown name.
[[nodiscard]] const Signature* find_function(std::string_view name);
[[nodiscard]] std::span<const Signature> all_functions();
/// `scalar`, `instant vector`, `range vector`, `string`.
[[nodiscard]] std::string_view type_name(ValueType type);

}  // namespace tocsin::rules::promql
