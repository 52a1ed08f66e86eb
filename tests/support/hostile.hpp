// What a probe of a hostile target may cost: its deadline and 50 ms, and no memory that goes with what the target says.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>

#include "tocsin/core/observation.hpp"

namespace tocsin::test {

/// How far the process's resident memory rose above what it was at the start of a watch.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
    start_ = peak();
  }
  [[nodiscard]] std::size_t growth() const { return peak() - start_; }

 private:
  static std::size_t peak() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
    }
    return 0;
  }
  std::size_t start_ = 0;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Sanitizers keep what was freed, and make work (a page of zeroes, a TLS handshake) many times slower.
inline constexpr bool memory_counts = false;
inline constexpr std::chrono::milliseconds grace{500};
#else
inline constexpr bool memory_counts = true;
inline constexpr std::chrono::milliseconds grace{50};
#endif

/// A deadline that must pass where it is to; where something else is to be noticed, a busy machine has time for it.
inline std::chrono::milliseconds patience(core::Outcome expected) {
  return std::chrono::milliseconds(expected == core::Outcome::timeout ? 300 : 3000);
}

/// One probe. Where the machine is so busy that it ends late, further ones must show that this was not its fault.
template <class Probe>
core::Observation probe_hostile(Probe& probe, std::chrono::milliseconds deadline) {
  constexpr std::size_t most_growth = 8 * 1024 * 1024;
  constexpr int tries = 4;
  const PeakMemory memory;
  core::Observation first;
  std::chrono::nanoseconds took{0};
  for (int i = 0; i < tries && (i == 0 || took > deadline + grace); ++i) {
    const auto began = std::chrono::steady_clock::now();
    auto observation = probe(deadline);
    took = std::chrono::steady_clock::now() - began;
    if (i == 0) first = std::move(observation);
  }
  EXPECT_LE(took, deadline + grace);
  if (memory_counts) {
    EXPECT_LT(memory.growth(), most_growth);
  }
  return first;
}

}  // namespace tocsin::test
