// One value at one time, and the marker that ends a series.
#pragma once

#include <bit>
#include <cstdint>

#include "tocsin/core/time.hpp"

namespace tocsin::core {

struct Sample {
  TimePoint time;
  double value = 0;
};

/// The bit pattern by which Prometheus marks a series as ended (model/value/value.go, StaleNaN).
inline constexpr std::uint64_t stale_bits = 0x7ff0000000000002ULL;
[[nodiscard]] constexpr double stale_marker() { return std::bit_cast<double>(stale_bits); }
[[nodiscard]] constexpr bool is_stale(double v) { return std::bit_cast<std::uint64_t>(v) == stale_bits; }

}  // namespace tocsin::core
