#include "redis/series.hpp"

#include <algorithm>
#include <vector>

namespace tocsin::probes::redis {
namespace {

constexpr std::size_t max_label_bytes = 256;

/// How many bytes the UTF-8 character at the front has; 0 if there is none.
std::size_t character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  // Longer than needed, a surrogate, or beyond the last code point.
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return size;
}

}  // namespace

std::string label_text(std::string_view text) {
  std::string out;
  out.reserve(std::min(text.size(), max_label_bytes));
  while (!text.empty()) {
    const std::size_t size = character(text);
    if (out.size() + std::max<std::size_t>(size, 1) > max_label_bytes) break;
    if (size == 0) {
      out += '?';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

core::Labels series_labels(const core::Labels& base, std::string_view metric, std::span<const LabelPair> more) {
  std::vector<core::Label> labels;
  labels.reserve(base.size() + more.size() + 1);
  labels.assign(base.begin(), base.end());
  labels.push_back({std::string(core::metric_name_label), std::string(metric)});
  // A label of the configuration does not give way to one of the server; Prometheus renames the latter in the same way.
  for (const auto& [name, value] : more) {
    labels.push_back({base.has(name) ? "exported_" + std::string(name) : std::string(name), label_text(value)});
  }
  return core::Labels(std::move(labels));
}

}  // namespace tocsin::probes::redis
