// Places for things that come one by one.
#pragma once

#include <cmath>
#include <cstdint>

namespace tocsin::core {

/// In [0, 1): the n-th turn by the golden ratio. Any number of them lie evenly, and none moves when more come.
[[nodiscard]] inline double golden_turn(std::uint64_t n) {
  constexpr double golden = 0.6180339887498949;
  return std::fmod(static_cast<double>(n) * golden, 1.0);
}

}  // namespace tocsin::core
