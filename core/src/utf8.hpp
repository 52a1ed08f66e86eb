// Just enough of UTF-8 to tell text from bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::core {

/// One character at the beginning of `text`: its code point and length in bytes; length 0 where it is not UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
[[nodiscard]] CodePoint decode_utf8(std::string_view text);

/// Characters that YAML 1.1 allows to stand in a text as they are.
[[nodiscard]] bool is_yaml_printable(std::uint32_t code_point);

struct Unprintable {
  std::size_t offset = 0;
  bool invalid = false;  // not UTF-8 at all
};
[[nodiscard]] std::optional<Unprintable> find_unprintable(std::string_view text);

}  // namespace tocsin::core
