// Metrics as any application may write them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tocsin/core/text_format.hpp"

namespace {

void read(std::string_view text, tocsin::core::TextFormat format) {
  using Item = tocsin::core::TextReader::Item;
  tocsin::core::TextReader reader(text, format);
  tocsin::core::TextReader again(text, format);
  while (true) {
    const Item item = reader.next();
    // Whoever knows what comes gets the same.
    const Item expected = again.next(item == Item::sample ? reader.series() : std::string_view());
    if (item != expected || reader.line() != again.line()) std::abort();
    if (item == Item::end || item == Item::wrong) return;
    if (item == Item::help) static_cast<void>(tocsin::core::unescape_help(reader.text(), format));
    if (item != Item::sample) continue;
    if (reader.series() != again.series()) std::abort();
    if (const auto labels = tocsin::core::parse_series(reader.series()); labels && labels->metric_name().empty())
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text, tocsin::core::TextFormat::prometheus);
  read(text, tocsin::core::TextFormat::openmetrics);
  return 0;
}
