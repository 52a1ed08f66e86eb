// How a series's values of one segment are written down: byte-aligned steps, each from the value before (the first from
// 0.0).
//
//   00rrrrrr               the value before, r + 1 times more
//   01dddddd               the integer before + d - 2^5
//   10dddddd B             the same with 14 bits, big-endian, - 2^13
//   110ddddd B B           21 bits, - 2^20
//   1110dddd B B B         28 bits, - 2^27
//   11110000 ssnndddd B... decimals: as above with the values times 10^3, 10^6 or 10^9 (s), n more bytes, 4 + 8 n bits
//   11110nnn B...          XOR with the value before: its n + 1 low bytes, n > 0
//   11111nnn B...          XOR with the value before: its n + 1 high bytes, n < 7
//   11111111               a staleness marker; the value after it starts from 0.0
//
// Of a sealed segment, a series may also be a column (src/column.hpp).
//
// A run at the end is left out: what follows the last step is the last value again, to the end of the segment. Rows in
// which a series had no sample are staleness markers: to every reader that is the same.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <span>

#include "src/column.hpp"
#include "tocsin/core/sample.hpp"

namespace tocsin::store {

inline constexpr std::size_t max_step = 9;
inline constexpr std::uint32_t max_rows = 64;  // of a segment; a run length fits one step
inline constexpr std::uint8_t stale_step = 0xff;

[[nodiscard]] inline std::uint8_t run_step(std::uint32_t length) { return static_cast<std::uint8_t>(length - 1); }

/// The integer that these bits stand for, where a double of that integer gives the same bits again.
[[nodiscard]] inline std::optional<std::int64_t> as_integer(std::uint64_t bits) {
  const auto value = std::bit_cast<double>(bits);
  if (!(std::fabs(value) < 9007199254740992.0)) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(value);
  if (std::bit_cast<std::uint64_t>(static_cast<double>(integer)) != bits) return std::nullopt;
  return integer;
}

/// Writes an integer step if the difference fits one; 0 if not.
[[nodiscard]] inline std::size_t encode_difference(std::int64_t difference, std::uint8_t* out) {
  const auto byte = [](std::int64_t v) { return static_cast<std::uint8_t>(v & 0xff); };
  if (difference >= -32 && difference < 32) {
    out[0] = byte(0x40 | (difference + 32));
    return 1;
  }
  if (difference >= -8192 && difference < 8192) {
    const auto v = difference + 8192;
    out[0] = byte(0x80 | (v >> 8));
    out[1] = byte(v);
    return 2;
  }
  if (difference >= -(1 << 20) && difference < (1 << 20)) {
    const auto v = difference + (1 << 20);
    out[0] = byte(0xc0 | (v >> 16));
    out[1] = byte(v >> 8);
    out[2] = byte(v);
    return 3;
  }
  if (difference >= -(1 << 27) && difference < (1 << 27)) {
    const auto v = difference + (1 << 27);
    out[0] = byte(0xe0 | (v >> 24));
    out[1] = byte(v >> 16);
    out[2] = byte(v >> 8);
    out[3] = byte(v);
    return 4;
  }
  return 0;
}

inline constexpr std::uint8_t decimal_step = 0xf0;
inline constexpr double decimal_scales[] = {1e3, 1e6, 1e9};

/// The integer that these bits times the scale stand for, where dividing it gives the same bits again.
[[nodiscard]] inline std::optional<std::int64_t> as_decimal(std::uint64_t bits, double scale) {
  const double scaled = std::bit_cast<double>(bits) * scale;
  if (!(std::fabs(scaled) < 9007199254740992.0)) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  if (std::bit_cast<std::uint64_t>(static_cast<double>(integer) / scale) != bits) return std::nullopt;
  return integer;
}

/// Seconds to the microsecond, ratios to the hundredth: writes a decimal step if both values are such; 0 if not.
[[nodiscard]] inline std::size_t encode_decimal(std::uint64_t before, std::uint64_t bits, std::uint8_t* out) {
  for (std::uint32_t scale = 0; scale < std::size(decimal_scales); ++scale) {
    const auto to = as_decimal(bits, decimal_scales[scale]);
    if (!to) continue;
    const auto from = as_decimal(before, decimal_scales[scale]);
    if (!from) continue;
    const auto difference = *to - *from;
    for (std::uint32_t more = 0; more < 4; ++more) {
      const auto half = std::int64_t{1} << (3 + 8 * more);
      if (difference < -half || difference >= half) continue;
      const auto v = static_cast<std::uint64_t>(difference + half);
      out[0] = decimal_step;
      out[1] = static_cast<std::uint8_t>(scale << 6U | more << 4U | v >> (8 * more));
      for (std::uint32_t i = 0; i < more; ++i) out[2 + i] = static_cast<std::uint8_t>(v >> (8 * (more - 1 - i)));
      return 2 + more;
    }
    return 0;
  }
  return 0;
}

[[nodiscard]] inline std::size_t encode_xor(std::uint64_t difference, std::uint8_t* out) {
  const auto leading = static_cast<std::size_t>(std::countl_zero(difference)) / 8;
  const auto trailing = static_cast<std::size_t>(std::countr_zero(difference)) / 8;
  const bool high = trailing > leading && difference != 0;
  const auto bytes = high ? 8 - trailing : (leading > 6 ? 2 : 8 - leading);
  out[0] = static_cast<std::uint8_t>((high ? 0xf8U : 0xf0U) | (bytes - 1));
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto shift = high ? 56 - 8 * i : 8 * i;
    out[1 + i] = static_cast<std::uint8_t>(difference >> shift);
  }
  return 1 + bytes;
}

/// Writes the step from `before` to `bits` (at most max_step bytes) and returns its size. Equal values are for runs.
[[nodiscard]] inline std::size_t encode_step(std::uint64_t before, std::uint64_t bits, std::uint8_t* out) {
  if (bits == core::stale_bits) {
    out[0] = stale_step;
    return 1;
  }
  if (before == core::stale_bits) before = 0;
  if (const auto to = as_integer(bits)) {
    if (const auto from = as_integer(before)) {
      if (const auto size = encode_difference(*to - *from, out)) return size;
    }
  }
  const auto size = encode_xor(before ^ bits, out);
  if (size <= 3) return size;
  std::array<std::uint8_t, 5> decimal;
  const auto shorter = encode_decimal(before, bits, decimal.data());
  if (shorter == 0 || shorter >= size) return size;
  std::memcpy(out, decimal.data(), shorter);
  return shorter;
}

/// How many bytes follow the first one of a step; of a decimal one, how many at least.
[[nodiscard]] inline std::size_t bytes_after(std::uint32_t first) {
  if (first == decimal_step) return 1;
  if (first < 0x80 || first == stale_step) return 0;
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : (first & 7) + 1;
}

[[nodiscard]] inline std::uint64_t read_xor(std::uint32_t first, const std::uint8_t*& at) {
  const std::uint32_t bytes = (first & 7) + 1;
  std::uint64_t bits = 0;
  for (std::uint32_t i = 0; i < bytes; ++i) {
    const auto shift = first >= 0xf8 ? 56 - 8 * i : 8 * i;
    bits |= static_cast<std::uint64_t>(*at++) << shift;
  }
  return bits;
}

/// What a decimal step says; `at` is behind its first byte.
struct Decimal {
  double scale = 1;
  std::int64_t difference = 0;
};
[[nodiscard]] inline Decimal read_decimal(const std::uint8_t*& at) {
  const std::uint32_t second = *at++;
  const auto more = second >> 4U & 3U;
  std::int64_t v = second & 0x0fU;
  for (std::uint32_t i = 0; i < more; ++i) v = v << 8U | *at++;
  return {decimal_scales[second >> 6U], v - (std::int64_t{1} << (3 + 8 * more))};
}
/// The value after it. Only where `as_decimal` finds an integer in the one before.
[[nodiscard]] inline std::uint64_t apply(const Decimal& decimal, std::uint64_t before) {
  const double scaled = std::bit_cast<double>(before) * decimal.scale;
  const auto integer = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  return std::bit_cast<std::uint64_t>(static_cast<double>(integer + decimal.difference) / decimal.scale);
}

[[nodiscard]] inline std::int64_t read_difference(std::uint32_t first, const std::uint8_t*& at) {
  if (first < 0x80) return static_cast<std::int64_t>(first & 0x3f) - 32;
  std::int64_t v = 0;
  if (first < 0xc0) {
    v = (static_cast<std::int64_t>(first & 0x3f) << 8) | at[0];
    at += 1;
    return v - 8192;
  }
  if (first < 0xe0) {
    v = (static_cast<std::int64_t>(first & 0x1f) << 16) | (at[0] << 8) | at[1];
    at += 2;
    return v - (1 << 20);
  }
  v = (static_cast<std::int64_t>(first & 0x0f) << 24) | (at[0] << 16) | (at[1] << 8) | at[2];
  at += 3;
  return v - (1 << 27);
}

/// What a series has in the first `rows` rows of a segment.
struct Examined {
  std::uint32_t samples = 0;
  std::uint32_t last_row = 0;             // of the newest sample, if there is one
  std::uint64_t last = core::stale_bits;  // its bits
};
/// Nothing if the decoder would not get through these bytes: they come from a disk.
[[nodiscard]] std::optional<Examined> examine(std::span<const std::uint8_t> steps, std::uint32_t rows);

/// Reads what the encoder wrote, in runs of equal values.
class Decoder {
 public:
  struct Run {
    std::uint64_t bits = 0;
    std::uint32_t length = 0;
  };
  static constexpr std::uint32_t endless = std::numeric_limits<std::uint32_t>::max();

  explicit Decoder(std::span<const std::uint8_t> bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {
    if (!is_column(bytes)) return;
    column_ = ColumnReader(bytes);
    at_ = end_;
  }

  Run next() {
    if (column_.left() > 0) [[unlikely]] {
      last_ = column_.next();
      return {last_, column_.left() > 0 ? 1 : endless};
    }
    if (at_ == end_) return {last_, endless};
    Run run;
    if (*at_ >= 0x40) {
      step();
      run.length = 1;
    }
    if (at_ != end_ && *at_ < 0x40) run.length += *at_++ + 1U;
    if (at_ == end_) run.length = endless;
    run.bits = last_;
    return run;
  }

 private:
  void step() {
    const std::uint32_t first = *at_++;
    if (first == stale_step) {
      last_ = core::stale_bits;
      return;
    }
    const auto before = last_ == core::stale_bits ? 0 : last_;
    if (first >= 0xf0) {
      last_ = first == decimal_step ? apply(read_decimal(at_), before) : before ^ read_xor(first, at_);
      return;
    }
    const auto integer = static_cast<std::int64_t>(std::bit_cast<double>(before));
    last_ = std::bit_cast<std::uint64_t>(static_cast<double>(integer + read_difference(first, at_)));
  }
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint64_t last_ = 0;
  ColumnReader column_;
};

}  // namespace tocsin::store
