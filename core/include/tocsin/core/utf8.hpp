// UTF-8, a character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::core {

/// One character at the beginning of `text`: its code point and length in bytes; length 0 where it is not UTF-8.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
[[nodiscard]] CodePoint decode_utf8(std::string_view text);
/// Appends a code point, which must be one: at most 0x10ffff, no surrogate.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace tocsin::core
