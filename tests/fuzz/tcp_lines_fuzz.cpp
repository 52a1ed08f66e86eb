// What a TCP peer says, as lines and bytes, in pieces of any size.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tcp/lines.hpp"

/// The first byte says how large the pieces are; every line must be what a search in the whole text finds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view whole(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (whole.size() >= tocsin::probes::tcp::Lines::longest) return 0;
  std::string_view text = whole;
  std::string_view left = whole;
  tocsin::probes::tcp::Lines lines;
  const auto check = [&left](std::string_view line) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    std::string_view expected = left.substr(0, end);
    if (expected.ends_with('\r')) expected.remove_suffix(1);
    if (line != expected) std::abort();
    left.remove_prefix(std::min(end + 1, left.size()));
  };
  while (!text.empty()) {
    const auto space = lines.space();
    if (space.empty()) std::abort();
    const std::size_t part = std::min({step, text.size(), space.size()});
    std::copy_n(text.begin(), part, space.begin());
    lines.filled(part);
    text.remove_prefix(part);
    while (const auto line = lines.line()) check(*line);
  }
  while (const auto line = lines.last_line()) check(*line);
  if (!left.empty()) std::abort();
  return 0;
}
