// How a group's state goes from one process to the next, from one group to the one that replaces it, and with the
// clock.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "group_impl.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

/// So often the time is remembered, which says after a restart how long nothing was judged.
constexpr core::Duration time_interval{std::chrono::seconds{10}};
constexpr std::size_t max_notes = 20;

struct Entry {
  MemoryKey key;
  const core::Memory* memory = nullptr;
};

/// The newest time that an alert's memory speaks of.
core::TimePoint newest_time(const AlertMemory& memory) {
  core::TimePoint newest = memory.active_at;
  for (const auto& at : {memory.fired_at, memory.resolved_at, memory.keep_firing_since, memory.told_at}) {
    newest = std::max(newest, at.value_or(newest));
  }
  return newest;
}

/// When the process before was last alive, by what it left behind.
core::TimePoint last_alive(const std::vector<Entry>& entries, const Restart& restart) {
  std::optional<core::TimePoint> known = restart.last_alive;
  std::optional<core::TimePoint> newest;
  for (const Entry& entry : entries) {
    if (entry.key.kind == MemoryKey::Kind::group) {
      if (const auto at = decode_time(*entry.memory->value)) known = std::max(known, at);
    } else if (entry.key.kind == MemoryKey::Kind::alert) {
      if (const auto alert = decode_alert(*entry.memory->value))
        newest = std::max(newest, std::optional(newest_time(*alert)));
    }
  }
  // The time is written every few seconds only: changes may be a little newer, but not much.
  if (known) return std::max(*known, std::min(newest.value_or(*known), *known + 6 * time_interval));
  return std::min(newest.value_or(restart.now), restart.now);
}

void note(RestoreReport& report, std::string text) {
  if (report.notes.size() < max_notes) report.notes.push_back(std::move(text));
}

}  // namespace

std::string prefix_of(const std::string& group_id) {
  // With its length in front no group's prefix begins another's.
  return fmt::format("{}{}:{}", memory_root, group_id.size(), group_id);
}

std::string Group::memory_prefix() const { return impl_->prefix; }

Rule* Group::Impl::find(RuleMark mark) const {
  const auto it = std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule->mark() == mark; });
  return it == rules.end() ? nullptr : it->get();
}

void Group::Impl::remember(core::TimePoint at, std::vector<core::Memory>& out) {
  // What is forgotten goes first: a rule may have written the same key since.
  out.insert(out.begin(), std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end()));
  waiting.clear();
  if (time_written && at - *time_written < time_interval && at >= *time_written) return;
  const bool needed = std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule->remembers(); });
  if (!needed) return;
  out.push_back({encode(prefix, MemoryKey{}), encode(at)});
  time_written = at;
}

RestoreReport Group::restore(std::span<const core::Memory> memories, const Restart& restart) {
  Impl& impl = *impl_;
  RestoreReport report;
  std::vector<Entry> entries;
  for (const core::Memory& memory : memories) {
    if (!memory.value || !memory.key.starts_with(impl.prefix)) continue;
    auto key = decode_key(std::string_view(memory.key).substr(impl.prefix.size()));
    if (key) {
      entries.push_back({std::move(*key), &memory});
    } else {
      ++report.broken;
      impl.waiting.push_back({memory.key, std::nullopt});
      note(report, "a memory of group " + impl.id + " has a key that cannot be read; it is forgotten");
    }
  }
  const core::TimePoint alive = last_alive(entries, restart);
  report.away = std::max(core::Duration{0}, restart.now - alive);
  const core::Duration valid_for = 4 * std::max(impl.settings.interval, impl.settings.resend_delay);
  const Revival revival{alive, alive + report.away, report.away > restart.outage_tolerance, valid_for, report};
  for (const Entry& entry : entries) {
    if (entry.key.kind == MemoryKey::Kind::group) {
      impl.time_written = decode_time(*entry.memory->value).value_or(alive);
      continue;
    }
    Rule* rule = impl.find(entry.key.rule);
    const Revived revived =
        rule == nullptr ? Revived::unclaimed : rule->restore(entry.key, *entry.memory->value, revival);
    if (revived == Revived::yes) continue;
    impl.waiting.push_back({entry.memory->key, std::nullopt});
    if (revived == Revived::unclaimed) {
      ++report.unclaimed;
    } else if (revived == Revived::broken) {
      ++report.broken;
      note(report, fmt::format("what was remembered of {} in group {} cannot be read; it is forgotten",
                               rule->spec().name + entry.key.labels.to_string(), impl.id));
    }
  }
  for (const auto& rule : impl.rules) rule->finish_restore();
  if (report.begun_anew > 0) {
    note(report, fmt::format("tocsin was away for {}: {} pending alerts of group {} wait anew",
                             core::format_duration(report.away), report.begun_anew, impl.id));
  }
  // What was written after now was written by a clock that has been set back since.
  if (alive > restart.now) shift(restart.now - alive);
  return report;
}

void Group::Impl::take(Rule& mine, Impl& old, Rule& theirs) {
  // Under other keys nothing would overwrite what it wrote.
  if (prefix != old.prefix || mine.mark() != theirs.mark()) theirs.forget(old.prefix, waiting);
  mine.take_from(theirs);
}

void Group::take_state_from(Group& old) {
  Impl& before = *old.impl_;
  std::vector<bool> taken(before.rules.size(), false);
  for (const auto& mine : impl_->rules) {
    const RuleSpec& wanted = mine->spec();
    for (std::size_t j = 0; j < taken.size(); ++j) {
      const RuleSpec& theirs = before.rules[j]->spec();
      if (taken[j] || theirs.kind != wanted.kind || theirs.name != wanted.name || theirs.labels != wanted.labels) {
        continue;
      }
      taken[j] = true;
      impl_->take(*mine, before, *before.rules[j]);
      break;
    }
  }
  impl_->waiting.insert(impl_->waiting.end(), std::make_move_iterator(before.waiting.begin()),
                        std::make_move_iterator(before.waiting.end()));
  before.waiting.clear();
  if (impl_->prefix == before.prefix) before.time_written.reset();  // the key is this group's now
  impl_->settling = before.settling;
  // The blocks that were taken over have their times.
  impl_->last = std::max(impl_->last, before.last);
}

std::vector<core::Memory> Group::forget() const {
  std::vector<core::Memory> out = impl_->waiting;
  for (const auto& rule : impl_->rules) rule->forget(impl_->prefix, out);
  if (impl_->time_written) out.push_back({encode(impl_->prefix, MemoryKey{}), std::nullopt});
  return out;
}

void Group::set_settling(bool settling) { impl_->settling = settling; }

void Group::shift(core::Duration by) {
  if (by.count() == 0) return;
  Impl& impl = *impl_;
  for (auto* at : {&impl.last, &impl.time_written}) {
    if (*at) **at += by;
  }
  for (RuleStatus& status : impl.statuses) {
    if (status.last_evaluation) *status.last_evaluation += by;
  }
  for (const auto& rule : impl.rules) {
    rule->shift(by);
    // A block takes no rows that are older than its newest: where the clock was set back, new ones begin.
    if (by.count() < 0) rule->output().close(impl.store, impl.last.value_or(core::TimePoint{}));
  }
}

}  // namespace tocsin::rules
