// How a block is read: what is asked for is collected under its mutex, and decoded after that.
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <limits>

#include "src/block.hpp"

namespace tocsin::store {
namespace {

/// The sample of the newest row that is not later than `at`, if there is one in it, after `after`.
std::optional<core::Sample> sample_of(std::span<const std::uint8_t> steps, const Times& times, std::int64_t at,
                                      std::int64_t after) {
  const auto row = times.until(at) - 1;
  const auto bits = decode_one(steps, row);
  if (bits == core::stale_bits || times.at(row) <= after) return std::nullopt;
  return core::Sample{core::from_millis(times.at(row)), std::bit_cast<double>(bits)};
}

}  // namespace

// What is decoded after the mutex is given back.
struct Block::Pieces {
  boost::container::small_vector<std::shared_ptr<const Segment>, 8> held;
  boost::container::small_vector<const Segment*, 16> segments;
  StepBuffer steps;
  std::array<std::uint32_t, max_rows> offsets;
  std::size_t size = 0;
  Times open;  // no rows: nothing of them is asked for
};

void Block::collect(HeadRef ref, std::int64_t after, std::int64_t until, bool shared, Pieces& pieces) const {
  if (!holds(ref)) return;
  const auto begin = std::partition_point(sealed_.begin(), sealed_.end(),
                                          [&](const auto& segment) { return segment->last() <= after; });
  for (auto it = begin; it != sealed_.end() && (*it)->first() <= until; ++it) {
    if (!(*it)->has(ref.head)) continue;
    pieces.segments.push_back(it->get());
    if (shared) pieces.held.push_back(*it);
  }
  const auto& head = heads_[ref.head];
  if (offsets_.empty() || base_ > until || newest_ <= after || !in_open_rows(head)) return;
  pieces.size = gather(head, pieces.steps.data());
  pieces.open = open_times();
  if (shared) {
    std::copy(offsets_.begin(), offsets_.end(), pieces.offsets.begin());
    pieces.open.offsets = reinterpret_cast<const std::uint8_t*>(pieces.offsets.data());
  }
}

void Block::read(HeadRef ref, std::int64_t after, std::int64_t until, bool shared,
                 std::vector<core::Sample>& out) const {
  Pieces pieces;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    if (shared) lock.lock();
    collect(ref, after, until, shared, pieces);
  }
  ColumnBuffer space;
  for (const auto* segment : pieces.segments) {
    const SegmentInHand here(*segment);
    if (here) decode(here->steps(ref.head, space), here->times(), after, until, out);
  }
  if (pieces.open.rows > 0) decode({pieces.steps.data(), pieces.size}, pieces.open, after, until, out);
}

std::optional<core::Sample> Block::newest_locked(HeadRef ref, std::int64_t at, std::int64_t after, bool& known) const {
  known = true;
  if (!holds(ref)) return std::nullopt;
  const auto& head = heads_[ref.head];
  if (head.state == State::kept) [[unlikely]] {
    const auto time = time_of(head.row);
    known = at >= time;
    if (!known || time <= after) return std::nullopt;
    return core::Sample{core::from_millis(time), std::bit_cast<double>(head.last)};
  }
  known = at >= newest_;
  if (!known || head.state != State::live || newest_ <= after) return std::nullopt;
  return core::Sample{core::from_millis(newest_), std::bit_cast<double>(head.last)};
}

std::optional<core::Sample> Block::newest(HeadRef ref, std::int64_t at, std::int64_t after, bool shared,
                                          bool& known) const {
  if (!shared) return newest_locked(ref, at, after, known);
  const std::scoped_lock lock(mutex_);
  return newest_locked(ref, at, after, known);
}

std::optional<core::Sample> Block::earlier(HeadRef ref, std::int64_t at, std::int64_t after, bool shared) const {
  Pieces pieces;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    if (shared) lock.lock();
    collect(ref, after, at, shared, pieces);
  }
  // The newest row that is not later tells: where the series had no sample in it, it had ended.
  if (pieces.open.rows > 0) return sample_of({pieces.steps.data(), pieces.size}, pieces.open, at, after);
  if (pieces.segments.empty()) return std::nullopt;
  const SegmentInHand here(*pieces.segments.back());
  if (!here) return std::nullopt;
  ColumnBuffer space;
  return sample_of(here->steps(ref.head, space), here->times(), at, after);
}

std::int64_t Block::time_of(std::uint32_t row) const {
  const auto after = std::partition_point(sealed_.begin(), sealed_.end(), [&](const auto& segment) {
    return static_cast<std::int32_t>(segment->first_row() - row) <= 0;
  });
  if (after == sealed_.begin()) return std::numeric_limits<std::int64_t>::min();
  const auto& segment = *(after - 1);
  const auto times = segment->times();
  return times.at(std::min(row - segment->first_row(), times.rows - 1));
}

}  // namespace tocsin::store
