// Series as test files write them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tocsin/rules/series_notation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto values = tocsin::rules::parse_series_values(text);
  if (const auto* wrong = std::get_if<1>(&values)) {
    if (wrong->offset > size || wrong->message.empty()) std::abort();
  } else if (std::get<0>(values).size() > tocsin::rules::max_series_values) {
    std::abort();
  }
  const auto labels = tocsin::rules::parse_series_labels(text);
  if (const auto* wrong = std::get_if<1>(&labels)) {
    if (wrong->offset > size || wrong->message.empty()) std::abort();
    return 0;
  }
  // What is printed reads back, where names are names.
  const tocsin::core::Labels& read = std::get<0>(labels);
  if (read.has("__name__") && !tocsin::core::is_metric_name(read.metric_name())) return 0;
  for (const tocsin::core::Label& label : read) {
    if (!tocsin::core::is_label_name(label.name)) return 0;
  }
  const auto again = tocsin::rules::parse_series_labels(read.to_string());
  if (again.index() != 0 || std::get<0>(again) != read) std::abort();
  return 0;
}
