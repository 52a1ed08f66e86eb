#include "kafka/label.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "tocsin/core/utf8.hpp"

namespace tocsin::probes::kafka {
namespace {

constexpr std::size_t max_label_bytes = 256;
constexpr std::size_t hash_bytes = 17;  // a dash and 16 digits

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

std::string label_text(std::string_view name) {
  std::string out;
  bool changed = name.size() > max_label_bytes;
  const std::size_t room = changed ? max_label_bytes - hash_bytes : max_label_bytes;
  out.reserve(name.size() < room ? name.size() + hash_bytes : max_label_bytes);
  for (std::string_view rest = name; !rest.empty();) {
    const std::size_t length = core::decode_utf8(rest).length;
    const std::size_t step = length == 0 ? 1 : length;
    if (out.size() + step > room) break;
    if (length == 0) changed = true;
    out += length == 0 ? std::string_view("?") : rest.substr(0, length);
    rest.remove_prefix(step);
  }
  if (!changed) return out;
  // What was cut need not be cut again for the hash: only text with broken characters can be too long for it by now.
  while (out.size() > max_label_bytes - hash_bytes) {
    do {
      const char last = out.back();
      out.pop_back();
      if ((static_cast<unsigned char>(last) & 0xc0U) != 0x80) break;
    } while (!out.empty());
  }
  return out + fmt::format("-{:016x}", fnv1a(name));
}

}  // namespace tocsin::probes::kafka
