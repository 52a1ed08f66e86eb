#include "src/mutes.hpp"

#include <algorithm>

namespace tocsin::daemon {
namespace {

// Between two windows there is more than this, or hardly anything.
constexpr core::Duration step{std::chrono::minutes{30}};

/// Whether it was muted all the time since it began to fire.
bool withheld_by(const std::vector<MaintenanceWindow>& windows, const core::AlertChange& change) {
  const core::Labels& labels = change.alert.labels;
  if (!mutes(windows, labels, change.at)) return false;
  for (core::TimePoint at = std::min(change.alert.fired_at.value_or(change.at), change.at); at < change.at;
       at += step) {
    if (!mutes(windows, labels, at)) return false;
  }
  return true;
}

}  // namespace

void Mutes::set(const std::vector<MaintenanceWindow>& windows) {
  auto muting = std::make_shared<Windows>();
  std::copy_if(windows.begin(), windows.end(), std::back_inserter(*muting),
               [](const MaintenanceWindow& window) { return !window.alerts; });
  const std::lock_guard lock(mutex_);
  windows_ = muting->empty() ? nullptr : std::move(muting);
}

std::shared_ptr<const Mutes::Windows> Mutes::windows() const {
  const std::lock_guard lock(mutex_);
  return windows_;
}

bool Mutes::withheld(const core::AlertChange& change) const {
  const auto all = windows();
  return all && withheld_by(*all, change);
}

std::vector<core::AlertChange> Mutes::audible(const std::vector<core::AlertChange>& changes) const {
  const auto all = windows();
  if (!all) return changes;
  std::vector<core::AlertChange> kept;
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(kept),
               [&all](const core::AlertChange& change) { return !withheld_by(*all, change); });
  return kept;
}

}  // namespace tocsin::daemon
