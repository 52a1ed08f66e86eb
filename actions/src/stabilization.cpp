#include "src/stabilization.hpp"

#include <algorithm>

namespace tocsin::actions {
namespace {

constexpr std::size_t max_seen = 1'000;
constexpr core::Duration least_gap = std::chrono::seconds{30};

}  // namespace

std::optional<std::int64_t> Stabilization::observe(core::Direction direction, std::int64_t wanted,
                                                   core::Duration window, core::TimePoint now) {
  const core::Duration longest_gap = std::max(window, least_gap);
  if (!seen_.empty() && (now < seen_.back().at || now - seen_.back().at > longest_gap)) seen_.clear();
  seen_.push_back({wanted, now});
  // One that is older than the window stays: without it nobody knows that the window is full.
  while (seen_.size() > 1 && seen_[1].at <= now - window) seen_.pop_front();
  if (seen_.size() > max_seen) seen_.erase(seen_.begin() + 1);
  if (seen_.front().at > now - window) return std::nullopt;
  const auto less = [](const Seen& a, const Seen& b) { return a.wanted < b.wanted; };
  const auto found = direction == core::Direction::up ? std::min_element(seen_.begin(), seen_.end(), less)
                                                      : std::max_element(seen_.begin(), seen_.end(), less);
  return found->wanted;
}

}  // namespace tocsin::actions
