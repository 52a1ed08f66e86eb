#include "tocsin/store/store.hpp"

#include <algorithm>
#include <array>

#include "src/store_impl.hpp"
#include "tocsin/core/fetch_ahead.hpp"

namespace tocsin::store {
namespace {

constexpr std::uint32_t no_head = 0xffffffff;   // the slot means nothing
constexpr std::uint32_t to_ask = 0xfffffffe;    // the slot's labels wait to become a series
constexpr std::uint32_t max_slots = 1U << 22U;  // slots are dense; beyond is a mistake
constexpr std::int64_t pressure_step = 60'000;

std::size_t waiting_bytes(const Owned& owned) { return owned.waiting.size() * 400; }

}  // namespace

AppendResult Store::Impl::append(Owned& owned, core::TimePoint at, const core::Batch& batch) {
  AppendResult result;
  introduce(owned, batch.fresh);
  auto& block = *owned.block;
  if (!block.accepts(core::to_millis(at))) {
    result.too_old = true;
    counters.samples_refused += batch.rows.size();
    return result;
  }
  if (batch.rows.empty() && block.live() == 0) return result;
  if (block.due(core::to_millis(at), limits.retention.count() / 4)) block.seal();
  write_rows(owned, at, batch.rows, result);
  index.commit();
  bound_waiting(owned);
  account(owned);
  counters.appended += result.appended;
  counters.samples_refused += batch.rows.size() - result.appended;
  return result;
}

void Store::Impl::introduce(Owned& owned, const std::vector<core::NewSeries>& fresh) {
  for (const auto& [slot, labels] : fresh) {
    if (slot >= max_slots) continue;
    if (slot >= owned.slots.size()) owned.slots.resize(slot + 1, no_head);
    owned.slots[slot] = to_ask;
    owned.waiting.insert_or_assign(slot, Waiting{labels, labels.hash(), false});
  }
  if (owned.slots.capacity() > owned.slots.size() + owned.slots.size() / 8) owned.slots.shrink_to_fit();
}

void Store::Impl::write_rows(Owned& owned, core::TimePoint at, const std::vector<core::Row>& rows,
                             AppendResult& result) {
  auto& block = *owned.block;
  const std::scoped_lock lock(block.mutex());
  block.begin_row(core::to_millis(at));
  for (const auto& row : rows) {
    auto head = row.slot < owned.slots.size() ? owned.slots[row.slot] : no_head;
    if (head >= to_ask) [[unlikely]] {
      if (head == no_head || core::is_stale(row.value)) continue;
      head = head_for(owned, row.slot, at, result);
      if (head == no_head) continue;
    }
    if (block.put(head, row.value)) {
      ++result.appended;
    } else {
      ++result.refused_duplicate;
    }
  }
  block.end_row();
}

// Called under the block's mutex.
std::uint32_t Store::Impl::head_for(Owned& owned, core::Slot slot, core::TimePoint at, AppendResult& result) {
  const auto it = owned.waiting.find(slot);
  auto& waiting = it->second;
  const auto known = index.find(waiting.labels, waiting.hash);
  const auto place = known ? index.place(*known) : Place{};
  if (place.block == owned.block.get() && place.block != nullptr) {
    owned.slots[slot] = place.ref.head;
    owned.waiting.erase(it);
    return place.ref.head;
  }
  if (place.block != nullptr && place.block->state(place.ref.head) == Block::State::live) {
    return refuse(waiting, result.refused_duplicate);
  }
  if (known ? taken() >= limits.max_bytes : full()) {
    counters.limit_hit = true;
    return refuse(waiting, result.refused_series);
  }
  const auto ref = owned.block->add_head();
  if (known) {
    const auto other = blocks.find(place.block->id());
    if (other != blocks.end()) unlink(other->second, {place.ref.head});
    index.take_over(*known, std::move(waiting.labels), waiting.hash, owned.block, ref, core::to_millis(at));
  } else {
    index.add(std::move(waiting.labels), waiting.hash, owned.block, ref);
  }
  owned.slots[slot] = ref.head;
  owned.waiting.erase(it);
  return ref.head;
}

std::uint32_t Store::Impl::refuse(Waiting& waiting, std::size_t& reason) {
  ++reason;
  if (!waiting.counted) ++counters.series_refused;
  waiting.counted = true;
  return no_head;
}

// These heads no longer stand for their labels. Should a slot that did be used again, its labels are asked for anew.
void Store::Impl::unlink(Owned& owned, const std::vector<std::uint32_t>& heads) {
  std::vector<bool> gone(owned.block->heads());
  for (const auto head : heads) gone[head] = true;
  for (core::Slot slot = 0; slot < owned.slots.size(); ++slot) {
    const auto head = owned.slots[slot];
    if (head >= to_ask || !gone[head]) continue;
    auto labels = index.labels(owned.block->series(head));
    const auto hash = labels.hash();
    owned.slots[slot] = to_ask;
    owned.waiting.insert_or_assign(slot, Waiting{std::move(labels), hash, false});
  }
}

// Labels that wait for room must not take it. What is forgotten here comes back when its sender introduces it anew.
void Store::Impl::bound_waiting(Owned& owned) {
  if (owned.waiting.empty()) {
    // Not by `= {}`: that is an empty list, and keeps the buckets.
    if (owned.waiting.bucket_count() > 1) owned.waiting = WaitingSlots();
    return;
  }
  if (taken() + waiting_bytes(owned) <= limits.max_bytes + limits.max_bytes / 16) return;
  for (const auto& [slot, labels] : owned.waiting) owned.slots[slot] = no_head;
  owned.waiting = WaitingSlots();
}

void Store::Impl::account(Owned& owned) {
  const auto bytes_now = owned.block->bytes() + owned.slots.capacity() * sizeof(std::uint32_t) + waiting_bytes(owned);
  blocks_bytes += bytes_now - owned.accounted_bytes;
  owned.accounted_bytes = bytes_now;
  away_bytes += owned.block->bytes_away() - owned.accounted_away;
  owned.accounted_away = owned.block->bytes_away();
  counters.live += owned.block->live() - owned.accounted_live;
  owned.accounted_live = owned.block->live();
  count_bytes();
}

void Store::Impl::count_bytes() {
  counters.bytes = bytes();
  counters.bytes_away = away_bytes;
}

void Store::Impl::drop(Owned& owned, std::int64_t time) {
  const auto dropped = owned.block->drop(time);
  if (dropped == 0) return;
  counters.segments_dropped += dropped;
  reclaim(owned);
}

void Store::Impl::reclaim(Owned& owned) {
  std::vector<std::uint32_t> gone;
  owned.block->reclaim(gone);
  unlink(owned, gone);
  for (const auto head : gone) {
    const auto series = owned.block->series(head);
    if (series != no_series) index.forget(series);  // else another block took it over
  }
  account(owned);
}

// What the writer found safe on disk, and what no rule looks back on.
void Store::Impl::move_segments() {
  std::vector<Move> ready;
  {
    const std::scoped_lock lock(publish_mutex);
    ready.swap(moves);
  }
  for (auto& [block, segment] : ready) {
    const auto it = blocks.find(block->id());
    if (it == blocks.end() || it->second.block != block) continue;
    block->exchange(std::move(segment));
    account(it->second);
  }
}

void Store::Impl::relieve_pressure() {
  while (taken() > limits.max_bytes + limits.max_bytes / 8) {
    std::optional<std::int64_t> oldest;
    for (const auto& [id, owned] : blocks) {
      const auto time = owned.block->oldest();
      if (time && (!oldest || *time < *oldest)) oldest = time;
    }
    if (!oldest) return;
    for (auto& [id, owned] : blocks) drop(owned, *oldest + pressure_step);
  }
}

Store::Store(Limits limits) : impl_(std::make_shared<Impl>(limits)) {}
Store::~Store() = default;

BlockId Store::Impl::open_block(std::string name) {
  if (const auto it = left.find(name); it != left.end()) {
    const auto known = blocks.find(it->second);
    left.erase(it);
    if (known != blocks.end()) {
      known->second.closed = false;
      return known->first;
    }
  }
  const auto id = next_block++;
  auto& owned = blocks[id];
  owned.block = std::make_shared<Block>(id, std::move(name), next_uid++);
  account(owned);
  counters.blocks = blocks.size();
  return id;
}

BlockId Store::open_block(std::string name) { return impl_->open_block(std::move(name)); }

void Store::close_block(BlockId block, core::TimePoint at) {
  const auto it = impl_->blocks.find(block);
  if (it == impl_->blocks.end() || it->second.closed) return;
  auto& owned = it->second;
  owned.closed = true;
  owned.slots = {};
  owned.waiting = WaitingSlots();
  if (owned.block->live() + owned.block->kept() > 0) {
    const auto time = owned.block->accepts(core::to_millis(at)) ? core::to_millis(at) : owned.block->newest() + 1;
    if (owned.block->due(time, impl_->limits.retention.count() / 4)) owned.block->seal();
    const std::scoped_lock lock(owned.block->mutex());
    owned.block->begin_row(time);
    owned.block->end_row();
  }
  owned.block->end_kept();
  owned.block->seal();
  impl_->account(owned);
}

AppendResult Store::append(BlockId block, core::TimePoint at, const core::Batch& batch) {
  const auto it = impl_->blocks.find(block);
  if (it != impl_->blocks.end() && !it->second.closed) return impl_->append(it->second, at, batch);
  impl_->counters.samples_refused += batch.rows.size();
  return {};
}

void Store::fetch_ahead(std::span<const BlockId> blocks) const {
  std::array<const Owned*, 16> owned{};
  std::size_t count = 0;
  for (const BlockId block : blocks.first(std::min(blocks.size(), owned.size()))) {
    const auto it = impl_->blocks.find(block);
    if (it == impl_->blocks.end()) continue;
    owned[count++] = &it->second;
    core::fetch_ahead(it->second.block.get(), sizeof(Block));
    core::fetch_ahead(it->second.slots.data(), it->second.slots.size() * sizeof it->second.slots[0]);
  }
  for (const Owned* one : std::span(owned).first(count)) one->block->fetch_ahead();
}

void Store::turn_back(core::TimePoint now) {
  for (auto& [id, owned] : impl_->blocks) {
    owned.block->turn_back(core::to_millis(now));
    impl_->reclaim(owned);
  }
}

void Store::maintain(core::TimePoint now) {
  auto& impl = *impl_;
  const auto time = core::to_millis(now);
  const auto retention = impl.limits.retention.count();
  impl.move_segments();
  impl.loaded->age();
  for (auto it = impl.blocks.begin(); it != impl.blocks.end();) {
    auto& owned = it->second;
    if (owned.block->due(time, retention / 4)) {
      owned.block->seal();
      impl.account(owned);
    }
    impl.drop(owned, time - retention);
    if (owned.closed && !owned.block->has_samples()) {
      owned.block->clear();
      impl.blocks_bytes -= owned.accounted_bytes;
      impl.away_bytes -= owned.accounted_away;
      ++impl.husks;
      it = impl.blocks.erase(it);
    } else {
      ++it;
    }
  }
  impl.relieve_pressure();
  impl.index.commit();
  if (impl.index.compact_due(impl.husks)) {
    impl.index.compact();
    impl.husks = 0;
  }
  impl.counters.blocks = impl.blocks.size();
  impl.count_bytes();
  if (!impl.full()) impl.counters.limit_hit = false;
}

void Store::set_limits(Limits limits) {
  impl_->limits = limits;
  impl_->at_hand = limits.at_hand.count();
}

View Store::live() const { return View(impl_->index.view()); }

View Store::snapshot() const {
  const std::scoped_lock lock(impl_->publish_mutex);
  return View(impl_->published);
}

void Store::publish() {
  if (impl_->published->generation == impl_->index.view()->generation) return;
  auto view = impl_->index.shared_view();
  const std::scoped_lock lock(impl_->publish_mutex);
  impl_->published.swap(view);
}

Stats Store::stats() const {
  const auto& counters = impl_->counters;
  Stats stats;
  stats.series = counters.live;
  stats.blocks = counters.blocks;
  stats.bytes = counters.bytes;
  stats.bytes_away = counters.bytes_away;
  stats.read_failures = impl_->loaded->failures();
  stats.samples_appended = counters.appended;
  stats.series_refused = counters.series_refused;
  stats.samples_refused = counters.samples_refused;
  stats.segments_dropped = counters.segments_dropped;
  stats.limit_hit = counters.limit_hit;
  return stats;
}

}  // namespace tocsin::store
