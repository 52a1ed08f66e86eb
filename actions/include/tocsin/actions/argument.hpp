// What may stand in a command or a URL where an alert or the configuration puts it.
#pragma once

#include <algorithm>
#include <string_view>

namespace tocsin::actions {

/// Letters, digits and `._:/@+-`: nothing that a shell, an option parser or a URL would take for more than a name.
[[nodiscard]] constexpr bool may_stand_in_argument(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._:/@+-").find(c) != std::string_view::npos;
}

/// At most 128 such characters, not none, and not beginning like an option.
[[nodiscard]] constexpr bool may_be_argument(std::string_view value) {
  return !value.empty() && value.size() <= 128 && value.front() != '-' &&
         std::all_of(value.begin(), value.end(), may_stand_in_argument);
}

}  // namespace tocsin::actions
