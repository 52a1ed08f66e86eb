#include "tocsin/store/store.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_map>

namespace tocsin::store {
namespace {

using core::Duration;
using core::Labels;
using core::Sample;
using core::TimePoint;

struct Series {
  Labels labels;
  std::vector<Sample> samples;
  std::optional<BlockId> live_in;
};

struct Block {
  std::string name;
  std::optional<TimePoint> newest;
  std::unordered_map<core::Slot, Labels> meanings;
  std::map<SeriesId, TimePoint> live;  // and when it was last appended to
};

}  // namespace

// The first, simple inside: everything under one mutex.
struct View::Impl {
  mutable std::mutex mutex;
  Limits limits;
  Stats stats;
  std::uint64_t generation = 1;
  std::vector<Series> series;
  std::unordered_map<Labels, SeriesId, core::LabelsHash> by_labels;
  std::map<BlockId, Block> blocks;
  BlockId next_block = 0;

  void put(SeriesId id, TimePoint at, double value) {
    auto& samples = series[id].samples;
    while (!samples.empty() && samples.back().time >= at) samples.pop_back();
    samples.push_back({at, value});
  }
  void end(Block& block, SeriesId id, TimePoint at) {
    put(id, at, core::stale_marker());
    series[id].live_in.reset();
    block.live.erase(id);
  }
  std::optional<SeriesId> find_or_make(BlockId block, const Labels& labels, AppendResult& result) {
    const auto known = by_labels.find(labels);
    if (known != by_labels.end()) {
      const auto& owner = series[known->second].live_in;
      if (!owner || *owner == block) return known->second;
      ++result.refused_duplicate;
      return std::nullopt;
    }
    if (by_labels.size() >= limits.max_series) {
      ++result.refused_series;
      ++stats.series_refused;
      stats.limit_hit = true;
      return std::nullopt;
    }
    const auto id = static_cast<SeriesId>(series.size());
    series.push_back({labels, {}, std::nullopt});
    by_labels.emplace(labels, id);
    ++generation;
    return id;
  }
};

struct Store::Impl : View::Impl {};

std::uint64_t View::generation() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->generation;
}

std::vector<SeriesId> View::select(std::span<const core::Matcher> matchers) const {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<SeriesId> found;
  for (SeriesId id = 0; id < impl_->series.size(); ++id) {
    if (!impl_->series[id].samples.empty() && core::matches_all(matchers, impl_->series[id].labels))
      found.push_back(id);
  }
  return found;
}

core::Labels View::labels(SeriesId series) const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->series.at(series).labels;
}

std::optional<Sample> View::latest(SeriesId series, TimePoint at, Duration lookback) const {
  const std::scoped_lock lock(impl_->mutex);
  const auto& samples = impl_->series.at(series).samples;
  auto it = std::upper_bound(samples.begin(), samples.end(), at,
                             [](TimePoint t, const Sample& sample) { return t < sample.time; });
  if (it == samples.begin()) return std::nullopt;
  --it;
  if (it->time <= at - lookback || core::is_stale(it->value)) return std::nullopt;
  return *it;
}

void View::read(SeriesId series, TimePoint after, TimePoint until, std::vector<Sample>& out) const {
  const std::scoped_lock lock(impl_->mutex);
  for (const auto& sample : impl_->series.at(series).samples) {
    if (sample.time > after && sample.time <= until && !core::is_stale(sample.value)) out.push_back(sample);
  }
}

Store::Store(Limits limits) : impl_(std::make_shared<Impl>()) { impl_->limits = limits; }
Store::~Store() = default;

BlockId Store::open_block(std::string name) {
  const std::scoped_lock lock(impl_->mutex);
  const auto id = impl_->next_block++;
  impl_->blocks[id].name = std::move(name);
  return id;
}

void Store::close_block(BlockId block, TimePoint at) {
  const std::scoped_lock lock(impl_->mutex);
  const auto it = impl_->blocks.find(block);
  if (it == impl_->blocks.end()) return;
  while (!it->second.live.empty()) impl_->end(it->second, it->second.live.begin()->first, at);
  impl_->blocks.erase(it);
}

AppendResult Store::append(BlockId block_id, TimePoint at, const core::Batch& batch) {
  const std::scoped_lock lock(impl_->mutex);
  AppendResult result;
  const auto it = impl_->blocks.find(block_id);
  if (it == impl_->blocks.end()) {
    impl_->stats.samples_refused += batch.rows.size();
    return result;
  }
  auto& block = it->second;
  for (const auto& fresh : batch.fresh) block.meanings[fresh.slot] = fresh.labels;
  if (block.newest && at <= *block.newest) {
    impl_->stats.samples_refused += batch.rows.size();
    result.too_old = true;
    return result;
  }
  block.newest = at;
  for (const auto& row : batch.rows) {
    const auto meaning = block.meanings.find(row.slot);
    const auto id =
        meaning == block.meanings.end() ? std::nullopt : impl_->find_or_make(block_id, meaning->second, result);
    if (!id) {
      ++impl_->stats.samples_refused;
      continue;
    }
    if (core::is_stale(row.value)) {
      if (block.live.contains(*id)) impl_->end(block, *id, at);
    } else {
      impl_->put(*id, at, row.value);
      impl_->series[*id].live_in = block_id;
      block.live[*id] = at;
    }
    ++result.appended;
  }
  std::vector<SeriesId> gone;
  for (const auto& [id, last] : block.live) {
    if (last != at) gone.push_back(id);
  }
  for (const auto id : gone) impl_->end(block, id, at);
  impl_->stats.samples_appended += result.appended;
  return result;
}

void Store::maintain(TimePoint now) {
  const std::scoped_lock lock(impl_->mutex);
  const auto oldest = now - impl_->limits.retention;
  for (auto& series : impl_->series) {
    const auto& samples = series.samples;
    const auto keep = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.time > oldest; });
    series.samples.erase(series.samples.begin(), keep);
  }
}

void Store::set_limits(Limits limits) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->limits = limits;
}

View Store::live() const { return View(impl_); }
View Store::snapshot() const { return View(impl_); }
void Store::publish() {}

Stats Store::stats() const {
  const std::scoped_lock lock(impl_->mutex);
  auto stats = impl_->stats;
  stats.blocks = impl_->blocks.size();
  for (const auto& [id, block] : impl_->blocks) stats.series += block.live.size();
  for (const auto& series : impl_->series) stats.bytes += series.samples.capacity() * sizeof(Sample);
  return stats;
}

}  // namespace tocsin::store
