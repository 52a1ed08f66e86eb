#include "src/codec.hpp"

#include <algorithm>

namespace tocsin::store {
namespace {

/// Follows one step; false where the decoder would read on behind the end or take no integer for one.
bool follow(const std::uint8_t*& at, const std::uint8_t* end, std::uint64_t& last) {
  const std::uint32_t first = *at++;
  if (static_cast<std::size_t>(end - at) < bytes_after(first)) return false;
  if (first == stale_step) {
    last = core::stale_bits;
    return true;
  }
  const auto before = last == core::stale_bits ? 0 : last;
  if (first >= 0xf0) {
    last = before ^ read_xor(first, at);
    return true;
  }
  const auto integer = as_integer(before);
  if (!integer) return false;
  last = std::bit_cast<std::uint64_t>(static_cast<double>(*integer + read_difference(first, at)));
  return true;
}

}  // namespace

std::optional<Examined> examine(std::span<const std::uint8_t> steps, std::uint32_t rows) {
  Examined found;
  if (steps.size() == 1 && steps.front() == stale_step) return found;
  const auto* at = steps.data();
  const auto* const end = at + steps.size();
  std::uint64_t last = 0;
  std::uint32_t row = 0;
  const auto pass = [&](std::uint32_t length) {
    if (row < rows && last != core::stale_bits) {
      const auto counted = std::min(length, rows - row);
      found.samples += counted;
      found.last_row = row + counted - 1;
      found.last = last;
    }
    row += length;
  };
  while (at != end) {
    if (*at < 0x40) {
      pass(*at++ + 1U);
    } else {
      if (!follow(at, end, last)) return std::nullopt;
      pass(1);
    }
    if (row > max_rows) return std::nullopt;
  }
  if (row < rows) pass(rows - row);
  return found;
}

}  // namespace tocsin::store
