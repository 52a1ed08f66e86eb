// Rows of what is owed, as a broken disk may give them back: what is taken is written again as the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/owed_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto change = tocsin::state::decode_change(bytes)) {
    const auto again = tocsin::state::decode_change(tocsin::state::encode(*change));
    if (!again || tocsin::state::encode(*again) != tocsin::state::encode(*change)) std::abort();
  }
  if (const auto labels = tocsin::state::decode_labels(bytes)) {
    if (tocsin::state::decode_labels(tocsin::state::encode(*labels)) != labels) std::abort();
  }
  return 0;
}
