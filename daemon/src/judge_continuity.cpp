// The judge over interruptions: a process before this one, targets that cannot be heard, a clock that is set.
#include <algorithm>

#include "src/judge_impl.hpp"

namespace tocsin::daemon {
namespace {

/// Wall clock and steady clock may drift apart by this much between two looks; more is a clock that was set.
constexpr core::Duration drift_allowed{1'000};
/// After so long without data what the store holds no longer says what is (Prometheus's look-back).
constexpr core::Duration data_stands_for{std::chrono::minutes{5}};

}  // namespace

void Judge::Impl::inherit(Inheritance left) {
  const auto now = hooks.clock();
  const auto written = left.samples ? left.samples(store, now) : std::nullopt;
  if (written) store.publish();
  if (!left.last_alive || (written && *written > *left.last_alive)) left.last_alive = written;
  // Where nothing was left behind there is nothing that could end wrongly.
  if (!left.memories.empty() || written) settle_until = now + Hearing::patience;
  heard_late = !written || now - *written > data_stands_for || *written > now + data_stands_for;
  inheritance = std::move(left);
}

void Judge::Impl::take_up(rules::Group& group, core::TimePoint now) {
  rules::Restart restart;
  restart.now = now;
  restart.outage_tolerance = inheritance->outage_tolerance;
  restart.last_alive = inheritance->last_alive;
  const std::string prefix = group.memory_prefix();
  auto& memories = inheritance->memories;
  const auto before = [](const core::Memory& memory, const std::string& key) { return memory.key < key; };
  const auto first = std::lower_bound(memories.begin(), memories.end(), prefix, before);
  const auto last =
      std::find_if(first, memories.end(), [&](const core::Memory& m) { return !m.key.starts_with(prefix); });
  if (first == last) return;
  const rules::RestoreReport report = group.restore({first, last}, restart);
  memories.erase(first, last);
  log.info("rule group goes on", {{"group", group.spec().name},
                                  {"pending", std::to_string(report.pending)},
                                  {"firing", std::to_string(report.firing)},
                                  {"away_seconds", std::to_string(core::to_seconds(report.away))}});
  for (const std::string& note : report.notes) log.warning(note, {{"group", group.spec().name}});
}

/// What groups left behind that there are no more.
void Judge::Impl::forget_strangers() {
  if (!inheritance) return;
  std::vector<core::Memory> gone;
  for (core::Memory& memory : inheritance->memories) {
    if (memory.key.starts_with(rules::memory_root)) gone.push_back({std::move(memory.key), std::nullopt});
  }
  inheritance.reset();
  keep(std::move(gone));
}

void Judge::Impl::keep(std::vector<core::Memory> memories) {
  if (!memories.empty()) hooks.tell({}, std::move(memories));
}

void Judge::Impl::withhold(std::uint32_t target, core::TimePoint now) {
  if (!targets.contains(target) || !hearing.lost(target, now)) return;
  count_unknown(target, true);
  settle();
}

void Judge::Impl::count_unknown(std::uint32_t target, bool unknown) {
  const auto it = targets.find(target);
  if (it == targets.end()) return;
  const TargetInfo& info = it->second.info;
  for (Running& running : groups) {
    if (!running.group->reads_from(info.labels, *info.metric_names)) continue;
    if (unknown) {
      ++running.unknown;
    } else if (running.unknown > 0 && --running.unknown == 0) {
      running.early = hooks.clock();  // what it did not judge meanwhile it judges now
    }
  }
}

void Judge::Impl::settle() {
  if (settling.exchange(hearing.settling()) == hearing.settling()) return;
  for (Running& running : groups) running.group->set_settling(settling);
}

/// Both clocks at one moment. A thread that is put aside between the two readings would take that for a clock that was
/// set: then they are read again.
std::pair<core::TimePoint, std::chrono::steady_clock::time_point> Judge::Impl::both_clocks() const {
  for (int tries = 3;; --tries) {
    const auto before = std::chrono::steady_clock::now();
    const auto now = hooks.clock();
    if (tries == 1 || std::chrono::steady_clock::now() - before < drift_allowed / 2) return {now, before};
  }
}

/// A clock that was set moves every timer with it, and what was known is known no longer until it was heard anew.
core::TimePoint Judge::Impl::look_at_clock() {
  const auto before = std::exchange(last_look, both_clocks());
  const auto now = last_look->first;
  if (!before) return now;
  const auto passed = std::chrono::duration_cast<core::Duration>(last_look->second - before->second);
  const auto by = now - before->first - passed;
  if (by < drift_allowed && by > -drift_allowed) return now;
  log.warning("the clock was set: timers of alerts move with it", {{"seconds", std::to_string(core::to_seconds(by))}});
  hearing.shift(by);
  if (by.count() < 0) store.turn_back(now);
  for (Running& running : groups) {
    running.group->shift(by);
    running.next = running.group->next_slot(now);
    running.early.reset();
    running.last_early += by;
  }
  next_own_metrics = next_maintenance = now;
  for (const auto& [id, target] : targets) withhold(id, now);
  if (hooks.clock_was_set) hooks.clock_was_set(by);
  ++clock_jumps;
  return now;
}

}  // namespace tocsin::daemon
