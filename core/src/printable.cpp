#include "printable.hpp"

#include "tocsin/core/utf8.hpp"

namespace tocsin::core {

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
