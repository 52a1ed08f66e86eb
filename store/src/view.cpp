#include <algorithm>

#include "src/live_index.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::store {
namespace {

std::int64_t millis_before(core::TimePoint at, core::Duration lookback) {
  return core::to_millis(at) - lookback.count();
}

}  // namespace

std::uint64_t View::generation() const { return impl_->generation; }

std::uint64_t View::numbering() const { return impl_->numbering; }

SeriesId View::end() const {
  return impl_->parts.empty() ? 0 : impl_->parts.back().first + impl_->parts.back().part->size();
}

bool View::has(SeriesId series) const { return series < end() && !impl_->is_hidden(series); }

std::vector<SeriesId> View::select(std::span<const core::Matcher> matchers) const {
  std::vector<SeriesId> found;
  for (const auto& range : impl_->parts) {
    const auto hidden = [&](std::uint32_t series) { return impl_->is_hidden(range.first + series); };
    range.part->select(matchers, range.first, hidden, found);
  }
  return found;
}

core::Labels View::labels(SeriesId series) const {
  const auto found = impl_->find(series);
  return found.part == nullptr ? core::Labels{} : found.part->labels(found.series);
}

std::string_view View::label(SeriesId series, std::string_view name) const {
  const auto found = impl_->find(series);
  return found.part == nullptr ? std::string_view{} : found.part->label(found.series, name);
}

std::optional<core::Sample> View::latest(SeriesId series, core::TimePoint at, core::Duration lookback) const {
  const auto found = impl_->find(series);
  if (found.part == nullptr) return std::nullopt;
  const auto time = core::to_millis(at);
  const auto after = millis_before(at, lookback);
  const auto& place = found.part->place(found.series);
  bool known = false;
  const auto newest = place.block->newest(place.ref, time, after, impl_->shared, known);
  if (known) return newest;
  if (const auto* chain = found.part->find_chain(found.series); chain != nullptr && time < chain->from) {
    for (const auto& link : chain->older) {
      if (link.from <= time) return link.block->earlier(link.ref, time, after, impl_->shared);
    }
    return std::nullopt;
  }
  return place.block->earlier(place.ref, time, after, impl_->shared);
}

void View::read(SeriesId series, core::TimePoint after, core::TimePoint until, std::vector<core::Sample>& out) const {
  const auto found = impl_->find(series);
  if (found.part == nullptr) return;
  auto begin = core::to_millis(after);
  const auto end = core::to_millis(until);
  const auto& place = found.part->place(found.series);
  if (const auto* chain = found.part->find_chain(found.series)) {
    const auto& older = chain->older;
    for (auto i = older.size(); i-- > 0;) {
      const auto& link = older[i];
      // What came later wins, even where it began earlier than what it followed.
      auto next_from = chain->from;
      for (std::size_t newer = 0; newer < i; ++newer) next_from = std::min(next_from, older[newer].from);
      link.block->read(link.ref, std::max(begin, link.from == lowest_time ? link.from : link.from - 1),
                       std::min(end, next_from - 1), impl_->shared, out);
    }
    begin = std::max(begin, chain->from - 1);
  }
  place.block->read(place.ref, begin, end, impl_->shared, out);
}

}  // namespace tocsin::store
