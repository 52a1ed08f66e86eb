// Text as Go reads and writes it.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::rules {

/// As Go's strconv.Quote writes it.
[[nodiscard]] std::string go_quote(std::string_view text);
/// Reads one code point from the front of `text` and cuts it off; U+FFFD and one byte where the bytes are no UTF-8.
[[nodiscard]] char32_t take_rune(std::string_view& text);
/// What may name a label: UTF-8, and not empty.
[[nodiscard]] bool is_utf8_name(std::string_view text);

}  // namespace tocsin::rules
