// Numbers and texts as Go's fmt and strconv print them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "value.hpp"

namespace tocsin::rules::tmpl {

/// Throws ExpandError if the text is longer than a template may make one.
void bounded(const std::string& text);
/// `%v`; what a template prints, except that nil is `<no value>` there.
[[nodiscard]] std::string print_value(const Value& value);
/// fmt.Sprint: a space between neighbours neither of which is a string.
[[nodiscard]] std::string print_all(std::span<const Value> values);
/// fmt.Sprintln.
[[nodiscard]] std::string print_line(std::span<const Value> values);
/// fmt.Sprintf, its complaints about wrong verbs included.
[[nodiscard]] std::string print_format(std::string_view format, std::span<const Value> values);
/// `%v` of a float64: the fewest digits, with an exponent below 1e-4 and from 1e+06 on (measured: Go prints 1e+06).
[[nodiscard]] std::string print_float(double value);
/// `%.4g`.
[[nodiscard]] std::string print_short(double value);

}  // namespace tocsin::rules::tmpl
