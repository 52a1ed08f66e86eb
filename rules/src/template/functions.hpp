// What templates can call: Go's own functions and Prometheus's.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/rules/template.hpp"
#include "value.hpp"

namespace tocsin::rules::tmpl {

/// No text of a template, whole or in part, grows beyond this.
inline constexpr std::size_t max_output = 64 * 1024;

/// Ends an expansion; never leaves Template::expand. An exception because Go's functions fail anywhere inside nested
/// calls.
struct ExpandError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Function {
  enum class Param { any, string, sample, result };
  using Call = Value (*)(std::span<const Value> args, const TemplateData& data);

  std::string_view name;
  std::vector<Param> params;
  bool variadic = false;  // any number more of Param::any
  Call call = nullptr;    // null for `and` and `or`, which the executor short-cuts
};

/// Null if there is no such function.
[[nodiscard]] const Function* find_function(std::string_view name);
[[nodiscard]] std::vector<Function> go_functions();
[[nodiscard]] std::vector<Function> prometheus_functions();

}  // namespace tocsin::rules::tmpl
