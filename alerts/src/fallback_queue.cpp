#include "fallback_queue.hpp"

#include <algorithm>
#include <set>

namespace tocsin::alerts {

using Kind = core::AlertChange::Kind;

void FallbackQueue::notice(const core::AlertChange& change, core::Deadline now) {
  // One that is only told again: either somebody has heard of it, or its beginning waits here.
  if (change.kind != Kind::firing && change.kind != Kind::resolved) return;
  const core::Labels& labels = change.alert.labels;
  const bool told = told_firing_.contains(labels);
  if (told && change.kind == Kind::firing && told_firing_[labels] == change.number && change.number != 0) return;
  const auto known = waiting_.find(labels);
  if (known == waiting_.end() && waiting_.size() >= capacity) {
    ++dropped_;
    return;
  }
  Waiting& waits = known == waiting_.end() ? waiting_[labels] : known->second;
  if (known == waiting_.end()) waits.since = now;
  if (waits.change.number > change.number && change.number != 0) return;
  waits.change = change;
  waits.promised = told && change.kind == Kind::resolved;
}

void FallbackQueue::accepted(const core::Labels& labels, std::uint64_t number, core::TimePoint at, core::Deadline now) {
  last_accepted_ = now;
  const auto known = waiting_.find(labels);
  if (known == waiting_.end() || known->second.promised) return;
  const core::AlertChange& waits = known->second.change;
  if (number > 0 ? waits.number <= number : waits.at <= at) waiting_.erase(known);
}

std::optional<core::Deadline> FallbackQueue::due(core::Duration after) const {
  std::optional<core::Deadline> first;
  for (const auto& [labels, waits] : waiting_) {
    const core::Deadline at = waits.promised ? waits.since : std::max(waits.since, last_accepted_) + after;
    if (!first || at < *first) first = at;
  }
  return first;
}

std::vector<std::string> FallbackQueue::names() const {
  std::set<std::string> names;
  for (const auto& [labels, waits] : waiting_) names.emplace(labels.get("alertname"));
  return {names.begin(), names.end()};
}

std::vector<core::AlertChange> FallbackQueue::of_name(const std::string& name) const {
  std::vector<core::AlertChange> changes;
  for (const auto& [labels, waits] : waiting_) {
    if (labels.get("alertname") == name) changes.push_back(waits.change);
  }
  std::sort(changes.begin(), changes.end(),
            [](const core::AlertChange& a, const core::AlertChange& b) { return a.alert.labels < b.alert.labels; });
  return changes;
}

void FallbackQueue::told(const std::vector<core::AlertChange>& changes) {
  for (const core::AlertChange& change : changes) {
    const core::Labels& labels = change.alert.labels;
    if (change.kind == Kind::firing && told_firing_.size() < capacity) told_firing_[labels] = change.number;
    if (change.kind == Kind::resolved) told_firing_.erase(labels);
    const auto known = waiting_.find(labels);
    const bool same = known != waiting_.end() && known->second.change.number == change.number &&
                      known->second.change.at == change.at && known->second.change.kind == change.kind;
    if (same) waiting_.erase(known);
  }
}

}  // namespace tocsin::alerts
