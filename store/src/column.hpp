// A series's values of one segment as one column of numbers, where that is shorter than steps: integers, or decimals of
// one scale, whose differences (or the differences of those) all have the same few bits.
//
//   11110000 11ossnnn nnnwwwww   a step that only stands first, and alone: o + 1 differences deep, scale s (1, 10^3,
//                                10^6, 10^9), n + 1 rows, w bits
//   varints (zigzag)             the first value; if o, the first difference; the least of what follows
//   w bits each                  what is above the least, lowest bits first, to a whole byte
//
// Many series of a target go up and down together (a sum, its count and its buckets; seconds and microseconds of one
// thing). What is above the least is then the same, and stands once:
//
//   11111111 11111111            two staleness markers, which no steps begin with
//   varint (zigzag)              how many heads before this one the column is whose bits these are
//   the column without its bits
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

namespace tocsin::store {

inline constexpr std::uint8_t column_step = 0xf0;  // a decimal step, but of no scale
inline constexpr std::uint8_t column_mark = 0xc0;
inline constexpr std::array<double, 4> column_scales{1, 1e3, 1e6, 1e9};
inline constexpr std::size_t max_column = 288;  // bytes
using ColumnBuffer = std::array<std::uint8_t, max_column>;

[[nodiscard]] inline bool is_column(std::span<const std::uint8_t> steps) {
  return steps.size() > 2 && steps[0] == column_step && steps[1] >= column_mark;
}

/// Reads what `write_column` wrote, or `sound_column` found to be sound.
class ColumnReader {
 public:
  ColumnReader() = default;
  explicit ColumnReader(std::span<const std::uint8_t> steps);

  /// Rows that are not read yet.
  [[nodiscard]] std::uint32_t left() const { return left_; }
  /// The next row's bits; there is one.
  [[nodiscard]] std::uint64_t next();
  /// Whether the last row's value, and its difference from the one before, are nearer to 0 than these.
  [[nodiscard]] bool within(std::int64_t value, std::int64_t difference) const {
    return value_ > -value && value_ < value && difference_ > -difference && difference_ < difference;
  }

 private:
  [[nodiscard]] std::int64_t above();

  const std::uint8_t* at_ = nullptr;
  double scale_ = 1;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::int64_t least_ = 0;
  std::uint32_t width_ = 0;
  std::uint32_t bit_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t known_ = 0;  // rows that need nothing more read
  bool deep_ = false;
};

/// The column that says what these sound steps say for so many rows; its size, or 0 if it would not be shorter.
[[nodiscard]] std::size_t write_column(std::span<const std::uint8_t> steps, std::uint32_t rows, ColumnBuffer& out);

[[nodiscard]] inline bool is_likeness(std::span<const std::uint8_t> bytes) {
  return bytes.size() > 2 && bytes[0] == 0xff && bytes[1] == 0xff;
}

/// Finds columns of one segment that have the same bits.
class Likenesses {
 public:
  /// The likeness of the column of `head` that ends `payload` to one that was shown before it; its size, or 0 where
  /// there is none, or it would not be shorter.
  [[nodiscard]] std::size_t write(std::uint32_t head, std::span<const std::uint8_t> payload, std::size_t column,
                                  ColumnBuffer& out);

 private:
  struct Shown {
    std::uint32_t head = 0;
    std::size_t at = 0;  // in the payload
    std::size_t size = 0;
  };
  std::unordered_map<std::uint64_t, Shown> shown_;  // by a hash of the bits
};

/// How many heads before its own the column is; 0 if the likeness makes no sense.
[[nodiscard]] std::uint32_t likeness_distance(std::span<const std::uint8_t> likeness);
/// The column that a likeness stands for, in `space`; nothing if the other is none that it could be like.
[[nodiscard]] std::optional<std::span<const std::uint8_t>> column_like(std::span<const std::uint8_t> likeness,
                                                                       std::span<const std::uint8_t> other,
                                                                       ColumnBuffer& space);

/// Whether a column from a disk can be read: all its bytes are there, no more than that, and every number in it fits.
[[nodiscard]] bool sound_column(std::span<const std::uint8_t> steps);

}  // namespace tocsin::store
