#include "alert_book.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::rules {

using core::AlertChange;
using core::AlertState;

namespace {

/// The rule's own labels, where an alert's do not say otherwise, and the alert's.
core::Labels alert_series(const RuleSpec& spec, const core::Alert& alert) {
  std::vector<core::Label> labels(spec.labels);
  labels.insert(labels.end(), alert.labels.begin(), alert.labels.end());
  return core::Labels(std::move(labels));
}

void move_by(std::optional<core::TimePoint>& at, core::Duration by) {
  if (at) *at += by;
}

}  // namespace

void AlertBook::set_origin(core::Alert& alert) const {
  alert.rule = origin_.rule;
  alert.group = origin_.group;
  alert.expression = origin_.expression;
}

AlertBook::Entry& AlertBook::entry_of(const core::Labels& labels, std::uint64_t hash) {
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (it->second->first == labels) return it->second->second;
  }
  const auto added = entries_.emplace(labels, Entry{}).first;
  by_hash_.emplace(hash, added);
  Entry& entry = added->second;
  entry.hash = hash;
  entry.alert.labels = labels;
  set_origin(entry.alert);
  return entry;
}

AlertBook::Entries::iterator AlertBook::erase(Entries::iterator at) {
  const auto [first, last] = by_hash_.equal_range(at->second.hash);
  const auto own = std::find_if(first, last, [&](const auto& known) { return known.second == at; });
  if (own != last) by_hash_.erase(own);
  return entries_.erase(at);
}

void AlertBook::add(Found found, core::TimePoint at) {
  Entry& entry = entry_of(found.labels, found.hash);
  core::Alert& alert = entry.alert;
  entry.found = entry.known = round_;
  entry.of = std::move(found.of);
  // An alert that is known gets new words; its times stay. One that is resolved begins anew.
  alert.annotations = std::move(found.annotations);
  alert.value = found.value;
  alert.held = false;
  if (alert.state != AlertState::inactive) return;
  alert.state = AlertState::pending;
  alert.active_at = found.since.value_or(at);
  alert.fired_at.reset();
  alert.resolved_at.reset();
  alert.keep_firing_since.reset();
  entry.told = AlertState::inactive;
  entry.told_at.reset();
}

/// Marks the alerts of which nothing is known: they count as known, but not as found.
void AlertBook::freeze(const Judgement& judgement) {
  for (const core::Labels& labels : judgement.frozen) {
    const auto it = entries_.find(labels);
    if (it != entries_.end()) it->second.known = round_;
  }
  if (!judgement.freeze_rest) return;
  for (auto& [labels, entry] : entries_) entry.known = round_;
  for (const core::Labels& labels : judgement.ended) {
    const auto it = entries_.find(labels);
    if (it != entries_.end() && it->second.found != round_) it->second.known = 0;
  }
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

std::optional<std::string> AlertBook::apply(Judgement judgement, core::TimePoint at, const Policy& policy) {
  ++round_;
  for (Found& one : judgement.found) add(std::move(one), at);
  freeze(judgement);
  std::size_t active = 0;
  for (auto& [labels, entry] : entries_) {
    core::Alert& alert = entry.alert;
    if (alert.state == AlertState::inactive) continue;  // is only told a while longer
    if (entry.found == round_) {
      alert.keep_firing_since.reset();
    } else if (entry.known == round_) {
      if (!alert.held) entry.changed = true;  // its last words must be known later
      alert.held = true;
      ++active;
      continue;
    } else if (!silent(alert, at, policy)) {
      continue;
    }
    ++active;
    advance(alert, at, policy.hold);
  }
  if (policy.limit > 0 && active > policy.limit) {
    for (const auto& [labels, entry] : entries_) {
      if (entry.written) gone_.push_back(labels);
    }
    by_hash_.clear();
    entries_.clear();
    return fmt::format("exceeded limit of {} with {} alerts", policy.limit, active);
  }
  return std::nullopt;
}

void AlertBook::write(const RuleSpec& spec, Output& output) {
  for (auto& [labels, entry] : entries_) {
    const core::Alert& alert = entry.alert;
    if (alert.state == AlertState::inactive) continue;
    const double since = core::to_seconds(alert.active_at);
    const bool same = entry.shown == alert.state && entry.alerts && entry.for_state;
    if (same && output.add(*entry.for_state, since)) {
      if (output.add(*entry.alerts, 1)) continue;
    } else {
      core::Labels series = alert_series(spec, alert);
      series.set(core::metric_name_label, "ALERTS_FOR_STATE");
      entry.for_state = output.add_placed(series, since);
    }
    core::Labels series = alert_series(spec, alert);
    series.set(core::metric_name_label, "ALERTS");
    series.set("alertstate", to_string(alert.state));
    entry.alerts = output.add_placed(series, 1);
    entry.shown = alert.state;
  }
}

/// What is to be told of an alert now. As told counts what is given here.
std::optional<AlertChange::Kind> AlertBook::due(Entry& entry, core::TimePoint at, core::Duration resend_delay) {
  const AlertState now = entry.alert.state;
  const AlertState before = std::exchange(entry.told, now);
  if (now == AlertState::pending) {
    if (before == AlertState::pending) return std::nullopt;
    entry.told_at.reset();
    return AlertChange::Kind::pending;
  }
  if (before != now) {
    if (now == AlertState::firing) return AlertChange::Kind::firing;
    return before == AlertState::firing ? AlertChange::Kind::resolved : AlertChange::Kind::gone;
  }
  if (!entry.told_at || *entry.told_at + resend_delay < at) return AlertChange::Kind::repeated;
  return std::nullopt;
}

void AlertBook::report(core::TimePoint at, core::Duration interval, core::Duration resend_delay,
                       std::vector<AlertChange>& out) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    const bool inactive = entry.alert.state == AlertState::inactive;
    const bool told_enough = inactive && entry.told == AlertState::inactive && entry.alert.resolved_at &&
                             at - *entry.alert.resolved_at > resolved_retention;
    const auto kind = told_enough ? std::nullopt : due(entry, at, resend_delay);
    if (kind) {
      if (entry.alert.state != AlertState::pending) {
        entry.alert.valid_until = at + 4 * std::max(interval, resend_delay);
        entry.told_at = at;
      }
      entry.changed = true;
      out.push_back({*kind, entry.alert, at});
    }
    // What was only pending and no longer is, is forgotten; what fired has to be told as resolved for a while.
    const bool forget = told_enough || (inactive && !entry.alert.resolved_at);
    if (forget && entry.written) gone_.push_back(it->first);
    it = forget ? erase(it) : std::next(it);
  }
}

AlertMemory AlertBook::memory_of(const Entry& entry) {
  const core::Alert& alert = entry.alert;
  return {entry.told,    alert.value,       alert.active_at, alert.fired_at, alert.resolved_at, alert.keep_firing_since,
          entry.told_at, alert.annotations, entry.of};
}

void AlertBook::remember(const MemorySink& sink) {
  MemoryKey key{kind_, sink.rule, 0, 0, {}};
  for (core::Labels& labels : gone_) {
    key.labels = std::move(labels);
    sink.out.push_back({encode(sink.prefix, key), std::nullopt});
  }
  gone_.clear();
  for (auto& [labels, entry] : entries_) {
    if (!entry.changed && entry.keep_written == entry.alert.keep_firing_since) continue;
    key.labels = labels;
    sink.out.push_back({encode(sink.prefix, key), encode(memory_of(entry))});
    entry.keep_written = entry.alert.keep_firing_since;
    entry.written = true;
    entry.changed = false;
  }
}

std::vector<core::Alert> AlertBook::alerts() const {
  std::vector<core::Alert> out;
  out.reserve(entries_.size());
  each([&](const core::Alert& alert, const core::Labels&) { out.push_back(alert); });
  return out;
}

const core::Alert* AlertBook::find(const core::Labels& labels) const {
  const auto it = entries_.find(labels);
  return it == entries_.end() || it->second.alert.state == AlertState::inactive ? nullptr : &it->second.alert;
}

void AlertBook::take_from(AlertBook& old) {
  entries_ = std::exchange(old.entries_, {});
  by_hash_.clear();
  old.by_hash_.clear();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) by_hash_.emplace(it->second.hash, it);
  gone_ = std::exchange(old.gone_, {});
  round_ = old.round_;
  for (auto& [labels, entry] : entries_) {
    set_origin(entry.alert);
    entry.changed = true;
  }
}

void AlertBook::restore(core::Labels labels, AlertMemory memory, core::Duration valid_for) {
  Entry entry;
  core::Alert& alert = entry.alert;
  alert.labels = labels;
  alert.annotations = std::move(memory.annotations);
  alert.state = memory.state;
  alert.value = memory.value;
  alert.active_at = memory.active_at;
  alert.fired_at = memory.fired_at;
  alert.resolved_at = memory.resolved_at;
  alert.keep_firing_since = memory.keep_firing_since;
  if (memory.told_at) alert.valid_until = *memory.told_at + valid_for;
  set_origin(alert);
  entry.of = std::move(memory.of);
  entry.told = memory.state;
  entry.told_at = memory.told_at;
  entry.keep_written = memory.keep_firing_since;
  entry.written = true;
  entry.hash = labels.hash();
  const auto [it, added] = entries_.insert_or_assign(std::move(labels), std::move(entry));
  if (added) by_hash_.emplace(it->second.hash, it);
}

void AlertBook::forget(const MemorySink& sink) const {
  const auto drop = [&](const core::Labels& labels) {
    sink.out.push_back({encode(sink.prefix, MemoryKey{kind_, sink.rule, 0, 0, labels}), std::nullopt});
  };
  for (const core::Labels& labels : gone_) drop(labels);
  for (const auto& [labels, entry] : entries_) {
    if (entry.written) drop(labels);
  }
}

void AlertBook::shift(core::Duration by) {
  for (auto& [labels, entry] : entries_) {
    core::Alert& alert = entry.alert;
    alert.active_at += by;
    if (alert.valid_until != core::TimePoint{}) alert.valid_until += by;
    for (auto* at : {&alert.fired_at, &alert.resolved_at, &alert.keep_firing_since, &entry.told_at}) move_by(*at, by);
    entry.changed = true;
  }
}

}  // namespace tocsin::rules
