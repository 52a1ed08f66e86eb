#include "src/promql/utf8.hpp"

namespace tocsin::rules::promql {

Rune decode_rune(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t value = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {value, length};
}

void append_rune(std::uint32_t rune, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (rune < 0x80) {
    put(rune);
  } else if (rune < 0x800) {
    put(0xc0 | (rune >> 6));
    put(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    put(0xe0 | (rune >> 12));
    put(0x80 | ((rune >> 6) & 0x3f));
    put(0x80 | (rune & 0x3f));
  } else {
    put(0xf0 | (rune >> 18));
    put(0x80 | ((rune >> 12) & 0x3f));
    put(0x80 | ((rune >> 6) & 0x3f));
    put(0x80 | (rune & 0x3f));
  }
}

bool is_utf8_name(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const Rune rune = decode_rune(text);
    if (rune.length == 0) return false;
    text.remove_prefix(rune.length);
  }
  return true;
}

}  // namespace tocsin::rules::promql
