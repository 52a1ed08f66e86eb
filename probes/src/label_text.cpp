#include "src/label_text.hpp"

#include <algorithm>

#include "tocsin/core/utf8.hpp"

namespace tocsin::probes {

std::string label_text(std::string_view text) {
  std::string out;
  out.reserve(std::min(text.size(), max_label_bytes));
  while (!text.empty()) {
    const std::size_t length = core::decode_utf8(text).length;
    const std::size_t size = std::max<std::size_t>(length, 1);
    if (out.size() + size > max_label_bytes) break;
    if (length == 0) {
      out += '?';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace tocsin::probes
