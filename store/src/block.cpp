#include "src/block.hpp"

#include <algorithm>

#include "tocsin/core/spread.hpp"

namespace tocsin::store {
namespace {

// The more rows, the less each takes: a series begins anew in each segment.
constexpr std::int64_t min_seal_age = 240'000;
constexpr std::uint32_t min_seal_rows = 16;
constexpr std::int64_t max_span = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::uint32_t picture_heads = 2048;  // are copied at a time
constexpr int picture_tries = 3;

/// A part of a block's first open rows is sealed early, so that not all blocks that began together are full together:
/// they are spread evenly from a quarter to the whole.
double first_part(std::uint32_t id) { return 1 - 0.75 * core::golden_turn(id); }

}  // namespace

bool Block::holds(HeadRef ref) const {
  return ref.head < heads_.size() && heads_[ref.head].serial == ref.serial && heads_[ref.head].state != State::free;
}

std::size_t Block::bytes() const {
  return sizeof(Block) + heads_.capacity() * sizeof(Head) + slabs_.bytes() +
         (offsets_.capacity() + free_.capacity()) * sizeof(std::uint32_t) +
         sealed_.capacity() * sizeof(std::shared_ptr<const Segment>) + sealed_bytes_;
}

bool Block::due(std::int64_t at, std::int64_t max_age) const {
  if (offsets_.empty()) return false;
  const auto age = at - base_;
  if (rows() >= max_rows || age > max_span) return true;
  const double part = sealed_.empty() ? first_part(id_) : 1;
  return (rows() >= min_seal_rows * part && static_cast<double>(age) >= min_seal_age * part) ||
         age >= std::max(max_age, min_seal_age);
}

std::optional<std::int64_t> Block::oldest() const {
  if (sealed_.empty()) return std::nullopt;
  return sealed_.front()->last();
}

void Block::begin_row(std::int64_t at) {
  if (offsets_.empty()) base_ = at;
  offsets_.push_back(static_cast<std::uint32_t>(at - base_));
  newest_ = at;
  ++row_;
  written_live_ = 0;
}

HeadRef Block::add_head() {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = heads();
    if (heads_.size() == heads_.capacity()) heads_.reserve(heads_.size() + heads_.size() / 4 + 8);
    heads_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  auto& head = heads_[index];
  const auto serial = head.serial + 1;
  head = Head{};
  head.serial = serial;
  head.row = open_first_ - 1;
  head.state = State::ended;
  return {index, serial};
}

bool Block::put_change(Head& head, double value) {
  if (head.row == row_) return false;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const bool was_live = head.state == State::live;
  if (head.state == State::kept) {
    head.state = State::ended;
    --kept_;
  }
  if (bits == core::stale_bits) [[unlikely]] {
    if (!was_live) return true;
    head.state = State::ended;
    --live_;
  } else {
    ++written_live_;
    if (!was_live) {
      head.state = State::live;
      ++live_;
    }
  }
  write(head, bits);
  return true;
}

std::size_t Block::end_row() {
  if (written_live_ == live_) return 0;
  std::size_t ended = 0;
  for (auto& head : heads_) {
    if (head.state != State::live || head.row == row_) continue;
    head.state = State::ended;
    write(head, core::stale_bits);
    ++ended;
  }
  live_ -= ended;
  return ended;
}

void Block::write(Head& head, std::uint64_t bits) {
  auto before = head.last;
  auto next = head.row + 1;
  if (!in_open_rows(head)) {
    before = 0;
    next = open_first_;
    head.first_slab = head.tail_slab = none;
    head.run = 0;
  }
  for (; next != row_; ++next) {  // it was away
    step(head, before, core::stale_bits);
    before = core::stale_bits;
  }
  step(head, before, bits);
  head.last = bits;
  head.row = row_;
}

void Block::step(Head& head, std::uint64_t before, std::uint64_t bits) {
  if (before == bits) {
    ++head.run;
    return;
  }
  if (head.run != 0) {
    write_byte(head, run_step(head.run));
    head.run = 0;
  }
  if (head.tail_slab != none && head.tail_used + max_step <= Slabs::room) {
    auto* out = slabs_[head.tail_slab].bytes.data() + head.tail_used;
    head.tail_used = static_cast<std::uint8_t>(head.tail_used + encode_step(before, bits, out));
    return;
  }
  std::array<std::uint8_t, max_step> bytes;
  const auto size = encode_step(before, bits, bytes.data());
  const std::size_t here = head.tail_slab == none ? 0 : std::min<std::size_t>(size, Slabs::room - head.tail_used);
  if (here > 0) {
    std::memcpy(slabs_[head.tail_slab].bytes.data() + head.tail_used, bytes.data(), here);
    head.tail_used = static_cast<std::uint8_t>(head.tail_used + here);
  }
  if (here == size) return;
  add_slab(head);
  std::memcpy(slabs_[head.tail_slab].bytes.data(), bytes.data() + here, size - here);
  head.tail_used = static_cast<std::uint8_t>(size - here);
}

void Block::write_byte(Head& head, std::uint8_t byte) {
  if (head.tail_slab == none || head.tail_used == Slabs::room) add_slab(head);
  slabs_[head.tail_slab].bytes[head.tail_used++] = byte;
}

void Block::add_slab(Head& head) {
  const auto slab = slabs_.take();
  (head.tail_slab == none ? head.first_slab : slabs_[head.tail_slab].next) = slab;
  head.tail_slab = slab;
  head.tail_used = 0;
}

std::size_t Block::gather(const Head& head, std::uint8_t* out) const {
  std::size_t size = 0;
  for (auto slab = head.first_slab; slab != none; slab = slabs_[slab].next) {
    const std::size_t used = slab == head.tail_slab ? head.tail_used : Slabs::room;
    std::memcpy(out + size, slabs_[slab].bytes.data(), used);
    size += used;
  }
  return size;
}

Times Block::open_times() const { return {base_, reinterpret_cast<const std::uint8_t*>(offsets_.data()), rows()}; }

std::shared_ptr<const Segment> Block::make_segment() const {
  std::vector<std::uint16_t> lengths;
  std::vector<std::uint8_t> payload;
  lengths.reserve(heads_.size());
  payload.reserve(slabs_.size() * Slabs::room + heads_.size());
  Likenesses likenesses;
  for (std::uint32_t head = 0; head < heads(); ++head) {
    append_steps(head, lengths, payload);
    ColumnBuffer shorter;
    const auto replace = [&](std::size_t size) {
      const auto before = payload.end() - lengths.back();
      payload.erase(std::copy_n(shorter.begin(), size, before), payload.end());
      lengths.back() = static_cast<std::uint16_t>(size);
    };
    const auto column = write_column(std::span(payload).last(lengths.back()), rows(), shorter);
    if (column == 0) continue;
    replace(column);
    const auto likeness = likenesses.write(head, payload, column, shorter);
    if (likeness > 0) replace(likeness);
  }
  return std::make_shared<const Segment>(open_first_, open_times(), lengths, payload);
}

void Block::append_steps(std::uint32_t index, std::vector<std::uint16_t>& lengths,
                         std::vector<std::uint8_t>& payload) const {
  const auto& head = heads_[index];
  StepBuffer steps;
  std::size_t size = 1;
  if (head.state != State::free && in_open_rows(head)) {
    size = gather(head, steps.data());
  } else {
    steps[0] = stale_step;
  }
  payload.insert(payload.end(), steps.data(), steps.data() + size);
  lengths.push_back(static_cast<std::uint16_t>(size));
}

void Block::seal() {
  if (offsets_.empty()) return;
  auto segment = make_segment();
  count(*segment);
  std::optional<Slabs> full;  // freed after the lock: other blocks are filling up meanwhile
  const std::scoped_lock lock(mutex_);
  if (sealed_.size() == sealed_.capacity()) sealed_.reserve(sealed_.size() + sealed_.size() / 4 + 2);
  sealed_.push_back(std::move(segment));
  offsets_.clear();
  full.emplace(std::move(slabs_));
  if (heads_.capacity() > heads_.size() + heads_.size() / 16) heads_.shrink_to_fit();  // new series are rare by now
  open_first_ = row_ + 1;
}

void Block::count(const Segment& segment) {
  sealed_bytes_ += segment.bytes();
  if (!segment.here()) away_bytes_ += segment.size();
}

void Block::discount(const Segment& segment) {
  sealed_bytes_ -= segment.bytes();
  if (!segment.here()) away_bytes_ -= segment.size();
}

void Block::exchange(std::shared_ptr<const Segment> segment) {
  if (kept_ > 0 && !segment->here()) return;
  const auto same = std::find_if(sealed_.begin(), sealed_.end(), [&](const auto& one) {
    return one->first_row() == segment->first_row() && one->rows() == segment->rows();
  });
  if (same == sealed_.end() || (*same)->here() == segment->here()) return;
  discount(**same);
  count(*segment);
  const std::scoped_lock lock(mutex_);
  same->swap(segment);  // freed after the lock
}

std::size_t Block::drop(std::int64_t time) {
  const auto keep = std::find_if(sealed_.begin(), sealed_.end(), [&](const auto& s) { return s->last() > time; });
  const std::vector<std::shared_ptr<const Segment>> dropped(sealed_.begin(), keep);  // freed after the lock
  if (dropped.empty()) return 0;
  for (const auto& segment : dropped) discount(*segment);
  const std::scoped_lock lock(mutex_);
  sealed_.erase(sealed_.begin(), keep);
  return dropped.size();
}

void Block::turn_back(std::int64_t time) {
  if (newest_ <= time) return;
  seal();
  const auto later = std::find_if(sealed_.begin(), sealed_.end(), [&](const auto& s) { return s->last() > time; });
  const std::vector<std::shared_ptr<const Segment>> dropped(later, sealed_.end());  // freed after the lock
  for (const auto& segment : dropped) discount(*segment);
  const std::scoped_lock lock(mutex_);
  sealed_.erase(later, sealed_.end());
  newest_ = sealed_.empty() ? lowest : sealed_.back()->last();
  for (auto& head : heads_) {
    if (head.state != State::free) head.state = State::ended;
  }
  live_ = kept_ = 0;
}

void Block::reclaim(std::vector<std::uint32_t>& gone) {
  const auto oldest_row = sealed_.empty() ? open_first_ : sealed_.front()->first_row();
  const auto over = [&](const Head& head) {
    return (head.state == State::ended || head.state == State::kept) &&
           static_cast<std::int32_t>(head.row - oldest_row) < 0;
  };
  if (std::none_of(heads_.begin(), heads_.end(), over)) return;
  const std::scoped_lock lock(mutex_);
  for (std::uint32_t i = 0; i < heads_.size(); ++i) {
    if (!over(heads_[i])) continue;
    if (heads_[i].state == State::kept) --kept_;
    heads_[i].state = State::free;
    free_.push_back(i);
    gone.push_back(i);
  }
}

void Block::clear() {
  const std::scoped_lock lock(mutex_);
  std::vector<Head>().swap(heads_);
  const Slabs gone(std::move(slabs_));
  std::vector<std::uint32_t>().swap(free_);
  std::vector<std::uint32_t>().swap(offsets_);
  kept_ = 0;
}

void Block::revive(Revived revived) {
  const std::scoped_lock lock(mutex_);
  uid_ = revived.uid;
  row_ = revived.last_row;
  open_first_ = row_ + 1;
  newest_ = revived.segments.back()->last();
  heads_.reserve(revived.heads.size());
  for (std::uint32_t i = 0; i < revived.heads.size(); ++i) {
    const auto& was = revived.heads[i];
    auto& head = heads_.emplace_back();
    head.serial = was.serial;
    head.series = no_series;
    head.row = was.row;
    if (was.kept) head.last = was.last;
    if (was.row != 0) {
      head.state = State::ended;
    } else {
      free_.push_back(i);
    }
  }
  for (const auto& segment : revived.segments) count(*segment);
  sealed_ = std::move(revived.segments);
}

void Block::keep(std::uint32_t index, std::uint32_t series) {
  auto& head = heads_[index];
  head.series = series;
  if (head.last == core::stale_bits) return;
  head.state = State::kept;
  ++kept_;
}

void Block::end_kept() {
  if (kept_ == 0) return;
  const std::scoped_lock lock(mutex_);
  for (auto& head : heads_) {
    if (head.state == State::kept) head.state = State::ended;
  }
  kept_ = 0;
}

void Block::picture(Picture& out) const {
  for (int i = 0; i < picture_tries; ++i) {
    if (picture_at_once(out, picture_heads)) return;
  }
  picture_at_once(out, std::numeric_limits<std::uint32_t>::max());
}

// Some heads at a time, so that the judge hardly waits. Rows that it writes in between do no harm: steps that go on
// behind the last row are not read. Sealing in between does: false then.
bool Block::picture_at_once(Picture& out, std::uint32_t heads_at_once) const {
  out.serials.clear();
  out.kept.clear();
  out.offsets.clear();
  out.lengths.clear();
  out.payload.clear();
  std::unique_lock lock(mutex_);
  out.uid = uid_;
  out.last_row = row_;
  out.open_first = open_first_;
  out.sealed = sealed_;
  out.base = base_;
  out.offsets = offsets_;
  const auto count = heads();
  for (std::uint32_t head = 0; head < count;) {
    if (head != 0) {
      lock.unlock();
      lock.lock();
      if (open_first_ != out.open_first || heads() < count) return false;
    }
    for (const auto stop = head + std::min(heads_at_once, count - head); head < stop; ++head) {
      out.serials.push_back(heads_[head].serial);
      if (heads_[head].state == State::kept) out.kept.push_back(head);
      if (!out.offsets.empty()) append_steps(head, out.lengths, out.payload);
    }
  }
  return true;
}

}  // namespace tocsin::store
