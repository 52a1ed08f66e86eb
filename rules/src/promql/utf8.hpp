// Bytes that are text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::rules::promql {

struct Rune {
  std::uint32_t value = 0;
  std::size_t length = 0;  // 0: these bytes are no UTF-8
};
/// The first character of a text that is not empty.
[[nodiscard]] Rune decode_rune(std::string_view text);
void append_rune(std::uint32_t rune, std::string& out);
/// What may name a label: UTF-8, and not empty.
[[nodiscard]] bool is_utf8_name(std::string_view text);

}  // namespace tocsin::rules::promql
