// What of Unicode may stand in YAML as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::core {

/// Characters that YAML 1.1 allows to stand in a text as they are.
[[nodiscard]] bool is_yaml_printable(std::uint32_t code_point);

struct Unprintable {
  std::size_t offset = 0;
  bool invalid = false;  // not UTF-8 at all
};
[[nodiscard]] std::optional<Unprintable> find_unprintable(std::string_view text);

}  // namespace tocsin::core
