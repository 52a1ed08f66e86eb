// Up to 64 rows of a block, written down once and never changed: times, and each series's steps one after the other.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "src/codec.hpp"
#include "tocsin/core/sample.hpp"

namespace tocsin::store {

/// No time that is believed lies farther from 1970: this leaves room to add and subtract.
inline constexpr std::int64_t max_time = std::int64_t{1} << 60U;

/// A column of times: milliseconds after `base`, four bytes each, native order, aligned or not.
struct Times {
  std::int64_t base = 0;
  const std::uint8_t* offsets = nullptr;
  std::uint32_t rows = 0;

  [[nodiscard]] std::int64_t at(std::uint32_t row) const {
    std::uint32_t offset = 0;
    std::memcpy(&offset, offsets + row * sizeof offset, sizeof offset);
    return base + offset;
  }
  /// How many rows are not later than `time`.
  [[nodiscard]] std::uint32_t until(std::int64_t time) const;
};

/// Appends the samples in (after, until] of one series.
void decode(std::span<const std::uint8_t> steps, const Times& times, std::int64_t after, std::int64_t until,
            std::vector<core::Sample>& out);
/// The value's bits in one row.
[[nodiscard]] std::uint64_t decode_one(std::span<const std::uint8_t> steps, std::uint32_t row);

class SegmentFile;

/// Its bytes are in memory, or on disk alone: then only what it says of itself is at hand, and `load` reads the rest.
class Segment {
 public:
  /// `lengths[i]` bytes of `payload` are head i's.
  Segment(std::uint32_t first_row, const Times& times, std::span<const std::uint16_t> lengths,
          std::span<const std::uint8_t> payload);
  /// What stays in memory of a segment that stands in this file, at this offset.
  Segment(const Segment& whole, std::shared_ptr<const SegmentFile> file, std::uint64_t offset);
  /// From a disk: the blob of a segment with that many heads and rows, of which the rows until a time are taken.
  /// Nothing if that is none, or if it does not fit together; `examine` tells whether the steps do.
  [[nodiscard]] static std::shared_ptr<const Segment> restore(std::uint32_t first_row, std::int64_t base,
                                                              std::uint32_t heads, std::uint32_t rows,
                                                              std::span<const std::uint8_t> blob, std::int64_t until);

  /// Whether the bytes are in memory.
  [[nodiscard]] bool here() const { return blob_ != nullptr; }
  /// The same segment with its bytes, read from its file; null if they cannot be read. For one that is not here.
  [[nodiscard]] std::shared_ptr<const Segment> load() const;

  [[nodiscard]] std::uint32_t heads() const { return heads_; }
  [[nodiscard]] std::uint32_t rows() const { return rows_; }
  /// Of the blob, wherever it is.
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::int64_t first() const { return base_; }
  [[nodiscard]] std::int64_t last() const { return last_; }
  /// The block's number of the first row.
  [[nodiscard]] std::uint32_t first_row() const { return first_row_; }
  /// False for heads that came later.
  [[nodiscard]] bool has(std::uint32_t head) const { return head < heads_; }
  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes() const { return (here() ? size_ : 0) + sizeof(Segment) + 32; }

  // Of one that is here:
  [[nodiscard]] std::span<const std::uint8_t> blob() const { return {blob_.get(), size_}; }
  [[nodiscard]] Times times() const { return {base_, blob_.get(), rows_}; }
  /// The head's steps or column, which may be put together in `space`.
  [[nodiscard]] std::span<const std::uint8_t> steps(std::uint32_t head, ColumnBuffer& space) const;

 private:
  // The blob holds: times (4 bytes a row), the payload offset of every 16th head (4 bytes), lengths (2 bytes a head),
  // payload.
  static constexpr std::uint32_t stride = 16;
  [[nodiscard]] std::span<const std::uint8_t> written(std::uint32_t head) const;
  [[nodiscard]] std::size_t lengths_at() const { return lengths_at(rows_, heads_); }
  [[nodiscard]] static std::size_t lengths_at(std::size_t rows, std::size_t heads) {
    return 4 * (rows + (heads + stride - 1) / stride);
  }

  std::unique_ptr<std::uint8_t[]> blob_;
  std::shared_ptr<const SegmentFile> file_;  // of one that is not here
  std::uint64_t offset_ = 0;
  std::int64_t base_;
  std::int64_t last_;
  std::uint32_t size_ = 0;
  std::uint32_t first_row_;
  std::uint32_t heads_;
  std::uint32_t rows_;
};

/// A segment for reading: itself, or what was read of it. Nothing if that cannot be read.
class SegmentInHand {
 public:
  explicit SegmentInHand(const Segment& segment)
      : loaded_(segment.here() ? nullptr : segment.load()), segment_(segment.here() ? &segment : loaded_.get()) {}

  explicit operator bool() const { return segment_ != nullptr; }
  const Segment* operator->() const { return segment_; }
  const Segment& operator*() const { return *segment_; }

 private:
  std::shared_ptr<const Segment> loaded_;
  const Segment* segment_;
};

}  // namespace tocsin::store
