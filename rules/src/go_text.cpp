#include "src/go_text.hpp"

#include <fmt/format.h>

#include "tocsin/core/utf8.hpp"

namespace tocsin::rules {

std::string go_quote(std::string_view text) {
  constexpr std::string_view named = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view letters = "abfnrtv\\\"";
  std::string out = "\"";
  while (!text.empty()) {
    const auto [rune, length] = core::decode_utf8(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (const auto at = named.find(text.front()); at != std::string_view::npos) {
      out += '\\';
      out += letters[at];
    } else if (rune < 0x20 || rune == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if ((rune >= 0x80 && rune < 0xa1) || rune == 0xad || (rune >= 0x2028 && rune <= 0x202e)) {
      out += fmt::format("\\u{:04x}", rune);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

char32_t take_rune(std::string_view& text) {
  const auto [rune, length] = core::decode_utf8(text);
  text.remove_prefix(length == 0 ? 1 : length);
  return length == 0 ? U'\ufffd' : static_cast<char32_t>(rune);
}

bool is_utf8_name(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto length = core::decode_utf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace tocsin::rules
