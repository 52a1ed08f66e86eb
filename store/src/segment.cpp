#include "src/segment.hpp"

#include <algorithm>

#include "src/segment_file.hpp"

namespace tocsin::store {
namespace {

template <class T>
T number_at(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

std::uint32_t Times::until(std::int64_t time) const {
  std::uint32_t low = 0;
  std::uint32_t high = rows;
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (at(middle) <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void decode(std::span<const std::uint8_t> steps, const Times& times, std::int64_t after, std::int64_t until,
            std::vector<core::Sample>& out) {
  const auto begin = times.until(after);
  const auto end = times.until(until);
  Decoder decoder(steps);
  std::uint32_t row = 0;
  while (row < end) {
    const auto run = decoder.next();
    const auto stop = run.length >= end - row ? end : row + run.length;
    if (run.bits != core::stale_bits) {
      const auto value = std::bit_cast<double>(run.bits);
      for (auto r = std::max(row, begin); r < stop; ++r) out.push_back({core::from_millis(times.at(r)), value});
    }
    row = stop;
  }
}

std::uint64_t decode_one(std::span<const std::uint8_t> steps, std::uint32_t row) {
  Decoder decoder(steps);
  std::uint32_t passed = 0;
  while (true) {
    const auto run = decoder.next();
    if (run.length > row - passed) return run.bits;
    passed += run.length;
  }
}

Segment::Segment(std::uint32_t first_row, const Times& times, std::span<const std::uint16_t> lengths,
                 std::span<const std::uint8_t> payload)
    : base_(times.base),
      last_(times.at(times.rows - 1)),
      first_row_(first_row),
      heads_(static_cast<std::uint32_t>(lengths.size())),
      rows_(times.rows) {
  const auto payload_at = lengths_at() + lengths.size_bytes();
  size_ = static_cast<std::uint32_t>(payload_at + payload.size());
  blob_ = std::make_unique_for_overwrite<std::uint8_t[]>(size_);
  std::memcpy(blob_.get(), times.offsets, 4 * rows_);
  std::uint32_t offset = 0;
  for (std::uint32_t i = 0; i < heads_; ++i) {
    if (i % stride == 0) std::memcpy(blob_.get() + 4 * (rows_ + i / stride), &offset, sizeof offset);
    offset += lengths[i];
  }
  if (!lengths.empty()) std::memcpy(blob_.get() + lengths_at(), lengths.data(), lengths.size_bytes());
  if (!payload.empty()) std::memcpy(blob_.get() + payload_at, payload.data(), payload.size());
}

Segment::Segment(const Segment& whole, std::shared_ptr<const SegmentFile> file, std::uint64_t offset)
    : file_(std::move(file)),
      offset_(offset),
      base_(whole.base_),
      last_(whole.last_),
      size_(whole.size_),
      first_row_(whole.first_row_),
      heads_(whole.heads_),
      rows_(whole.rows_) {}

std::shared_ptr<const Segment> Segment::load() const { return file_->load(*this, offset_); }

std::shared_ptr<const Segment> Segment::restore(std::uint32_t first_row, std::int64_t base, std::uint32_t heads,
                                                std::uint32_t rows, std::span<const std::uint8_t> blob,
                                                std::int64_t until) {
  const auto at = lengths_at(rows, heads);
  if (base <= -max_time || base >= max_time) return nullptr;
  if (rows == 0 || rows > max_rows || blob.size() < at || (blob.size() - at) / 2 < heads) return nullptr;
  Times times{base, blob.data(), rows};
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (row == 0 ? times.at(0) != base : times.at(row) <= times.at(row - 1)) return nullptr;
  }
  std::vector<std::uint16_t> lengths(heads);
  if (heads > 0) std::memcpy(lengths.data(), blob.data() + at, heads * sizeof lengths[0]);
  std::size_t sum = 0;
  for (const auto length : lengths) sum += length;
  const auto payload = blob.subspan(at + heads * sizeof lengths[0]);
  if (sum != payload.size()) return nullptr;
  times.rows = times.until(until);
  if (times.rows == 0) return nullptr;
  return std::make_shared<const Segment>(first_row, times, lengths, payload);
}

std::span<const std::uint8_t> Segment::steps(std::uint32_t head, ColumnBuffer& space) const {
  static constexpr std::uint8_t none[] = {0x80};  // cut off: nobody takes it for steps
  const auto own = written(head);
  if (!is_likeness(own)) return own;
  const auto distance = likeness_distance(own);
  if (distance == 0 || distance > head) return none;
  return column_like(own, written(head - distance), space).value_or(none);
}

std::span<const std::uint8_t> Segment::written(std::uint32_t head) const {
  const auto* lengths = blob_.get() + lengths_at();
  auto offset = number_at<std::uint32_t>(blob_.get() + 4 * (rows_ + head / stride));
  for (auto i = head / stride * stride; i < head; ++i) offset += number_at<std::uint16_t>(lengths + 2 * i);
  return {lengths + 2 * heads_ + offset, number_at<std::uint16_t>(lengths + 2 * head)};
}

}  // namespace tocsin::store
