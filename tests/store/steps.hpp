// Values as a block writes them.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "src/codec.hpp"

namespace tocsin::store {

using Column = std::vector<std::uint8_t>;

/// Runs, and none at the end.
inline Column steps_of(const std::vector<std::uint64_t>& values) {
  Column out;
  std::uint64_t before = 0;
  std::uint32_t run = 0;
  for (const auto bits : values) {
    if (bits == before) {
      ++run;
      continue;
    }
    if (run > 0) out.push_back(run_step(run));
    run = 0;
    std::uint8_t step[max_step];
    const auto size = encode_step(before, bits, step);
    EXPECT_GE(size, 1U);
    EXPECT_LE(size, max_step);
    out.insert(out.end(), step, step + size);
    before = bits;
  }
  return out;
}

inline Column steps_of(const std::vector<double>& values) {
  std::vector<std::uint64_t> bits;
  for (const double value : values) bits.push_back(std::bit_cast<std::uint64_t>(value));
  return steps_of(bits);
}

/// Empty where it would be no shorter.
inline Column column_of(const std::vector<double>& values) {
  ColumnBuffer buffer;
  const auto size = write_column(steps_of(values), static_cast<std::uint32_t>(values.size()), buffer);
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace tocsin::store
