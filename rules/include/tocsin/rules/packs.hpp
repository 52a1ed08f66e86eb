// The rules that are shipped inside the binary.
#pragma once

#include <iterator>
#include <span>
#include <string_view>

namespace tocsin::rules {

struct Pack {
  std::string_view name;  // "redis"
  std::string_view text;  // a rule file
};
/// All of them, sorted by name.
[[nodiscard]] std::span<const Pack> packs();

}  // namespace tocsin::rules
