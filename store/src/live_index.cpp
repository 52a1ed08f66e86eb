#include "src/live_index.hpp"

#include <algorithm>

namespace tocsin::store {
namespace {

constexpr std::uint32_t tier = 4;      // how many times larger than the next a part is
constexpr std::size_t max_links = 16;  // of a chain
constexpr std::size_t min_hidden = 1024;
constexpr std::size_t min_husks = 64;

}  // namespace

View::Impl::Found View::Impl::find(std::uint32_t series) const {
  for (const auto& range : parts) {
    if (series - range.first < range.part->size()) return {range.part.get(), series - range.first};
  }
  return {};
}

bool View::Impl::is_hidden(std::uint32_t series) const {
  return series / 64 < hidden->size() && ((*hidden)[series / 64] >> (series % 64) & 1U) != 0;
}

LiveIndex::LiveIndex() {
  auto view = std::make_shared<View::Impl>();
  view->hidden = std::make_shared<const View::Impl::Bits>();
  view_ = std::move(view);
}

bool LiveIndex::equals(std::uint32_t series, const core::Labels& labels) const {
  if (series >= total_) return fresh_[series - total_].labels == labels;
  const auto found = view_->find(series);
  return found.part->equals(found.series, labels);
}

std::optional<std::uint32_t> LiveIndex::find(const core::Labels& labels, std::uint64_t hash) const {
  return table_.find(hash, [&](std::uint32_t series) { return equals(series, labels); });
}

Place LiveIndex::place(std::uint32_t series) const {
  if (series >= total_) return {fresh_[series - total_].block.get(), fresh_[series - total_].ref};
  const auto found = view_->find(series);
  return found.part->place(found.series);
}

core::Labels LiveIndex::labels(std::uint32_t series) const {
  if (series >= total_) return fresh_[series - total_].labels;
  const auto found = view_->find(series);
  return found.part->labels(found.series);
}

std::shared_ptr<Block> LiveIndex::owner(std::uint32_t series) const {
  if (series >= total_) return fresh_[series - total_].block;
  const auto found = view_->find(series);
  return found.part->owner(found.series);
}

std::shared_ptr<const Chain> LiveIndex::chain(std::uint32_t series) const {
  if (series >= total_) return fresh_[series - total_].chain;
  const auto found = view_->find(series);
  return found.part->chain(found.series);
}

std::uint32_t LiveIndex::add(core::Labels labels, std::uint64_t hash, std::shared_ptr<Block> block, HeadRef ref) {
  const auto series = next();
  table_.insert(hash, series);
  block->set_series(ref.head, series);
  fresh_.push_back({std::move(labels), std::move(block), ref, nullptr});
  return series;
}

std::uint32_t LiveIndex::take_over(std::uint32_t before, core::Labels labels, std::uint64_t hash,
                                   std::shared_ptr<Block> block, HeadRef ref, std::int64_t from) {
  auto links = std::make_shared<Chain>();
  links->from = from;
  const auto older = chain(before);
  const auto since = older ? older->from : lowest_time;
  auto old_block = owner(before);
  const auto old_ref = place(before).ref;
  old_block->set_series(old_ref.head, no_series);
  links->older.push_back({std::move(old_block), old_ref, since});
  if (older) {
    for (const auto& link : older->older) {
      if (links->older.size() < max_links && link.block->holds(link.ref)) links->older.push_back(link);
    }
  }
  table_.erase(hash, before);
  hide(before);
  const auto series = add(std::move(labels), hash, std::move(block), ref);
  fresh_.back().chain = std::move(links);
  return series;
}

std::size_t LiveIndex::adopt(std::shared_ptr<const IndexPart> part, std::span<const std::uint64_t> hashes,
                             const IndexPart::Keep& keep) {
  commit();
  const auto first = total_;
  const auto& added = *parts_.emplace_back(View::Impl::Range{first, std::move(part)}).part;
  total_ += added.size();
  publish_parts();  // so that labels can be compared
  table_.reserve(total_ - hidden_count_);
  std::size_t taken = 0;
  std::shared_ptr<Block> block;  // of the series before: most often the same
  for (std::uint32_t i = 0; i < added.size(); ++i) {
    const auto same = [&](std::uint32_t series) { return equals(series, added.labels(i)); };
    if (!keep(i) || table_.find(hashes[i], same)) {
      hide(first + i);
      continue;
    }
    table_.insert(hashes[i], first + i);
    if (block.get() != added.place(i).block) block = added.owner(i);
    block->keep(added.place(i).ref.head, first + i);
    ++taken;
  }
  if (hidden_changed_) publish_parts();
  return taken;
}

void LiveIndex::forget(std::uint32_t series) {
  table_.erase(labels(series).hash(), series);
  hide(series);
}

void LiveIndex::hide(std::uint32_t series) {
  if (series / 64 >= hidden_.size()) hidden_.resize(series / 64 + 1);
  hidden_[series / 64] |= std::uint64_t{1} << (series % 64);
  ++hidden_count_;
  hidden_changed_ = true;
}

void LiveIndex::commit() {
  if (fresh_.empty() && !hidden_changed_) return;
  if (!fresh_.empty()) {
    parts_.push_back({total_, IndexPart::build(fresh_)});
    total_ += static_cast<std::uint32_t>(fresh_.size());
    if (fresh_.capacity() > 4096) fresh_.shrink_to_fit();
    fresh_.clear();
    while (parts_.size() > 1) {
      auto& before = parts_[parts_.size() - 2];
      const auto& last = parts_.back();
      if (before.part->size() >= tier * last.part->size()) break;
      before.part = IndexPart::merge(*before.part, *last.part);
      parts_.pop_back();
    }
  }
  publish_parts();
}

void LiveIndex::publish_parts() {
  auto view = std::make_shared<View::Impl>();
  view->generation = view_->generation + 1;
  view->numbering = numbering_;
  view->parts = parts_;
  view->hidden = hidden_changed_ ? std::make_shared<const View::Impl::Bits>(hidden_) : view_->hidden;
  hidden_changed_ = false;
  view_ = std::move(view);
}

std::shared_ptr<const View::Impl> LiveIndex::shared_view() const {
  auto view = std::make_shared<View::Impl>(*view_);
  view->shared = true;
  return view;
}

bool LiveIndex::compact_due(std::size_t husks) const {
  return hidden_count_ > min_hidden + total_ / 8 || husks > min_husks;
}

void LiveIndex::compact() {
  commit();
  if (parts_.empty()) return;
  auto all = parts_.front().part;
  for (std::size_t i = 1; i < parts_.size(); ++i) all = IndexPart::merge(*all, *parts_[i].part);
  std::vector<std::uint32_t> renumbered(total_, no_series);
  std::uint32_t kept = 0;
  for (std::uint32_t series = 0; series < total_; ++series) {
    if (!view_->is_hidden(series)) renumbered[series] = kept++;
  }
  const auto part = IndexPart::filter(*all, [&](std::uint32_t series) { return renumbered[series] != no_series; });
  for (std::uint32_t series = 0; series < kept; ++series) {
    part->owner(series)->set_series(part->place(series).ref.head, series);
  }
  table_.renumber([&](std::uint32_t series) { return renumbered[series]; });
  parts_.clear();
  if (kept > 0) parts_.push_back({0, part});
  total_ = kept;
  hidden_.clear();
  hidden_count_ = 0;
  hidden_changed_ = true;
  ++numbering_;
  publish_parts();
}

std::size_t LiveIndex::bytes() const {
  std::size_t sum = table_.bytes() + hidden_.capacity() * 8 * 2;
  for (const auto& range : parts_) sum += range.part->bytes();
  return sum;
}

}  // namespace tocsin::store
