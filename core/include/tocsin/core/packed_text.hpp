// Texts one behind the other, each after its size: for what is kept by the hundred thousand and read seldom. Sizes are
// numbers of 7 bits a byte, the low ones first, as in protobuf.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tocsin::core {

[[nodiscard]] inline std::size_t packed_size(std::size_t number) {
  std::size_t size = 1;
  for (; number >= 0x80; number >>= 7U) ++size;
  return size;
}
[[nodiscard]] inline std::size_t packed_size(std::string_view text) { return packed_size(text.size()) + text.size(); }

/// `at` has room for it, and is behind it then.
inline void put_packed(char*& at, std::size_t number) {
  for (; number >= 0x80; number >>= 7U) *at++ = static_cast<char>(static_cast<unsigned char>(number | 0x80U));
  *at++ = static_cast<char>(number);
}
inline void put_packed(char*& at, std::string_view text) {
  put_packed(at, text.size());
  at = std::copy(text.begin(), text.end(), at);
}

/// What was put there; `at` is behind it then.
[[nodiscard]] inline std::size_t get_packed_number(const char*& at) {
  std::size_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    number |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return number;
  }
}
[[nodiscard]] inline std::string_view get_packed_text(const char*& at) {
  const std::size_t size = get_packed_number(at);
  const std::string_view text(at, size);
  at += size;
  return text;
}

}  // namespace tocsin::core
