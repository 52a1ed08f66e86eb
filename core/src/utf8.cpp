#include "utf8.hpp"

namespace tocsin::core {

CodePoint decode_utf8(std::string_view text) {
  if (text.empty()) return {};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t value = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80U) return {};
    value = (value << 6U) | (next & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

bool is_yaml_printable(std::uint32_t c) {
  return c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7f) || c == 0x85 || (c >= 0xa0 && c < 0xd800) ||
         (c >= 0xe000 && c < 0xfffe && c != 0xfeff) || c >= 0x10000;
}

std::optional<Unprintable> find_unprintable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool line_end = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || line_end) {
      ++i;
      continue;
    }
    const CodePoint character = decode_utf8(text.substr(i));
    if (character.length == 0) return Unprintable{i, true};
    if (!is_yaml_printable(character.value)) return Unprintable{i, false};
    i += character.length;
  }
  return std::nullopt;
}

}  // namespace tocsin::core
