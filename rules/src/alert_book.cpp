#include "alert_book.hpp"

#include <fmt/format.h>

#include <set>

namespace tocsin::rules {

using core::AlertChange;
using core::AlertState;

void AlertBook::add(Found found, core::TimePoint at) {
  const auto it = entries_.find(found.labels);
  if (it != entries_.end()) {
    // An alert that is known gets new words; its times stay.
    it->second.alert.value = found.value;
    it->second.alert.annotations = std::move(found.annotations);
    it->second.alert.held = false;
    return;
  }
  Entry entry;
  entry.alert.labels = found.labels;
  entry.alert.annotations = std::move(found.annotations);
  entry.alert.state = AlertState::pending;
  entry.alert.value = found.value;
  entry.alert.active_at = at;
  entry.alert.rule = origin_.rule;
  entry.alert.group = origin_.group;
  entry.alert.expression = origin_.expression;
  entries_.emplace(std::move(found.labels), std::move(entry));
}

bool AlertBook::silent(core::Alert& alert, core::TimePoint at, const Policy& policy) {
  alert.held = false;
  if (alert.state == AlertState::firing && policy.keep_firing.count() > 0) {
    if (!alert.keep_firing_since) alert.keep_firing_since = at;
    if (at - *alert.keep_firing_since < policy.keep_firing) return true;
  }
  if (alert.state == AlertState::firing) alert.resolved_at = at;
  alert.state = AlertState::inactive;
  return false;
}

void AlertBook::advance(core::Alert& alert, core::TimePoint at, core::Duration hold) {
  const bool long_enough = at - alert.active_at >= hold;
  if (alert.state == AlertState::pending && long_enough) {
    alert.state = AlertState::firing;
    alert.fired_at = at;
  } else if (alert.state == AlertState::firing && !long_enough) {
    // A reload made `for` longer: the alert waits again.
    alert.state = AlertState::pending;
    alert.fired_at.reset();
    alert.keep_firing_since.reset();
  }
}

std::optional<std::string> AlertBook::apply(std::vector<Found> found, const std::vector<core::Labels>& frozen,
                                            core::TimePoint at, const Policy& policy) {
  std::set<core::Labels> present;
  for (Found& one : found) {
    present.insert(one.labels);
    add(std::move(one), at);
  }
  const std::set<core::Labels> unknown(frozen.begin(), frozen.end());
  std::size_t active = 0;
  for (auto& [labels, entry] : entries_) {
    if (present.contains(labels)) {
      entry.alert.keep_firing_since.reset();
    } else if (unknown.contains(labels)) {
      entry.alert.held = true;
      ++active;
      continue;
    } else if (!silent(entry.alert, at, policy)) {
      continue;
    }
    ++active;
    advance(entry.alert, at, policy.hold);
  }
  if (policy.limit > 0 && active > policy.limit) {
    entries_.clear();
    return fmt::format("exceeded limit of {} with {} alerts", policy.limit, active);
  }
  return std::nullopt;
}

void AlertBook::report(core::TimePoint at, core::Duration interval, core::Duration resend_delay,
                       std::vector<AlertChange>& out) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    const AlertState now = entry.alert.state;
    const AlertState before = std::exchange(entry.told, now);
    std::optional<AlertChange::Kind> kind;
    if (now == AlertState::inactive) {
      kind = before == AlertState::firing ? AlertChange::Kind::resolved : AlertChange::Kind::gone;
    } else if (now == AlertState::pending) {
      if (before != AlertState::pending) {
        kind = AlertChange::Kind::pending;
        entry.told_at.reset();
      }
    } else if (before != AlertState::firing) {
      kind = AlertChange::Kind::firing;
    } else if (!entry.told_at || *entry.told_at + resend_delay < at) {
      kind = AlertChange::Kind::repeated;
    }
    if (kind) {
      if (now != AlertState::pending) {
        entry.alert.valid_until = at + 4 * std::max(interval, resend_delay);
        entry.told_at = at;
      }
      out.push_back({*kind, entry.alert, at});
    }
    it = now == AlertState::inactive ? entries_.erase(it) : std::next(it);
  }
}

std::vector<core::Alert> AlertBook::alerts() const {
  std::vector<core::Alert> out;
  out.reserve(entries_.size());
  for (const auto& [labels, entry] : entries_) out.push_back(entry.alert);
  return out;
}

const core::Alert* AlertBook::find(const core::Labels& labels) const {
  const auto it = entries_.find(labels);
  return it == entries_.end() ? nullptr : &it->second.alert;
}

void AlertBook::take_from(AlertBook& old) {
  entries_ = std::move(old.entries_);
  old.entries_.clear();
  for (auto& [labels, entry] : entries_) {
    entry.alert.rule = origin_.rule;
    entry.alert.group = origin_.group;
    entry.alert.expression = origin_.expression;
  }
}

}  // namespace tocsin::rules
