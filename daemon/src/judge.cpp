#include "src/judge.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "src/hearing.hpp"

namespace tocsin::daemon {
namespace {

/// Early runs of one group are at least this far apart.
constexpr core::Duration early_pause{250};
/// How long the judge sleeps at most: a clock that was set is noticed within this time.
constexpr core::Duration longest_sleep{1000};
constexpr core::Duration own_metrics_interval{15'000};
constexpr core::Duration maintenance_interval{5'000};
constexpr std::chrono::seconds dead_after{30};
/// Wall clock and steady clock may drift apart by this much between two looks; more is a clock that was set.
constexpr core::Duration drift_allowed{1'000};
/// After so long without data what the store holds no longer says what is (Prometheus's look-back).
constexpr core::Duration data_stands_for{std::chrono::minutes{5}};

using Steady = std::chrono::steady_clock;

}  // namespace

struct Judge::Impl : std::enable_shared_from_this<Judge::Impl> {
  Impl(net::Loop& loop_, store::Limits limits, Log log_, JudgeHooks hooks_)
      : loop(loop_),
        log(std::move(log_)),
        hooks(std::move(hooks_)),
        store(limits),
        own_block(store.open_block("tocsin")) {}

  struct Target {
    TargetInfo info;
    store::BlockId block = 0;
  };
  struct Running {
    std::unique_ptr<rules::Group> group;
    core::TimePoint next;                  // its next slot
    std::optional<core::TimePoint> early;  // an early run is due then
    core::TimePoint last_early;
    std::size_t unknown = 0;  // targets that it reads and of which nothing is known at present
    std::shared_ptr<const rules::GroupStatus> status;
  };

  net::Loop& loop;
  Log log;
  JudgeHooks hooks;
  store::Store store;
  std::unordered_map<std::uint32_t, Target> targets;
  std::vector<Running> groups;
  rules::GroupSettings settings;
  store::BlockId own_block;
  core::SeriesTable own_series;
  core::TimePoint next_own_metrics{}, next_maintenance{};
  bool series_changed = false;
  bool stopped = false;
  std::uint64_t wake_serial = 0;
  std::optional<core::TimePoint> wake_at;
  Hearing hearing;
  std::optional<Inheritance> inheritance;       // until the first rules have come
  bool heard_late = false;                      // the process before ended long ago: targets that come are unknown
  std::optional<core::TimePoint> settle_until;  // targets that come before must be heard before anything ends
  std::optional<std::pair<core::TimePoint, Steady::time_point>> last_look;  // at both clocks

  std::atomic<std::uint64_t> early_runs{0}, refused_duplicates{0}, too_old{0}, clock_jumps{0};
  std::atomic<bool> settling{false};
  std::atomic<Steady::rep> last_round{Steady::now().time_since_epoch().count()};
  mutable std::mutex status_mutex;
  GroupStatuses statuses;

  void change_targets(const std::vector<std::uint32_t>& removed, std::vector<TargetInfo> added);
  void deliver(std::vector<core::Observation> observations, bool flip);
  void inherit(Inheritance left);
  void set_rules(Rules rules);
  void take_up(rules::Group& group, core::TimePoint now);
  void forget_strangers();
  void keep(std::vector<core::Memory> memories);
  void withhold(std::uint32_t target, core::TimePoint now);
  void count_unknown(std::uint32_t target, bool unknown);
  void settle();
  void look_at_clock(core::TimePoint now);
  void concern(std::uint32_t target, core::TimePoint now);
  void work();
  void sleep();
  void evaluate(Running& running, core::TimePoint at);
  void sample_own_metrics(core::TimePoint now);
  void publish_statuses();
};

void Judge::Impl::change_targets(const std::vector<std::uint32_t>& removed, std::vector<TargetInfo> added) {
  const auto now = hooks.clock();
  for (const std::uint32_t id : removed) {
    const auto it = targets.find(id);
    if (it == targets.end()) continue;
    store.close_block(it->second.block, now);
    if (hearing.removed(id)) count_unknown(id, false);
    targets.erase(it);
  }
  for (TargetInfo& info : added) {
    const std::uint32_t id = info.id;
    Target target;
    target.block =
        store.open_block(std::string(info.labels.get("job")) + " " + std::string(info.labels.get("instance")));
    target.info = std::move(info);
    targets.emplace(id, std::move(target));
    if (!settle_until || now > *settle_until) continue;
    withhold(id, now);
    if (!heard_late && hearing.heard(id)) count_unknown(id, false);
  }
  settle();
  series_changed = true;
}

void Judge::Impl::deliver(std::vector<core::Observation> observations, bool flip) {
  if (stopped) return;
  bool known_again = false;
  for (core::Observation& observation : observations) {
    const auto it = targets.find(observation.target);
    if (it == targets.end()) continue;  // it was taken away while the probe ran
    if (!observation.batch.fresh.empty()) series_changed = true;
    const auto result = store.append(it->second.block, observation.at, observation.batch);
    refused_duplicates += result.refused_duplicate;
    if (result.too_old) ++too_old;
    if (!hearing.settling() || !hearing.heard(observation.target)) continue;
    count_unknown(observation.target, false);
    known_again = true;
  }
  settle();
  // A flip is the last of its hand-off.
  if (flip && !observations.empty()) {
    concern(observations.back().target, hooks.clock());
    known_again = true;
  }
  if (known_again) work();
}

void Judge::Impl::concern(std::uint32_t target, core::TimePoint now) {
  const auto it = targets.find(target);
  if (it == targets.end()) return;
  const TargetInfo& info = it->second.info;
  for (Running& running : groups) {
    if (running.early || running.unknown > 0) continue;
    if (!running.group->reads_from(info.labels, *info.metric_names)) continue;
    running.early = std::max(now, running.last_early + early_pause);
  }
}

void Judge::Impl::set_rules(Rules rules) {
  std::vector<Running> old = std::exchange(groups, {});
  const auto now = hooks.clock();
  const bool same_surroundings = rules.settings.resend_delay == settings.resend_delay &&
                                 rules.settings.templates.external_labels == settings.templates.external_labels &&
                                 rules.settings.templates.external_url == settings.templates.external_url;
  settings = std::move(rules.settings);
  for (rules::GroupSpec& spec : rules.groups) {
    rules::GroupSettings own = settings;
    if (spec.interval) own.interval = *spec.interval;
    const auto same = [&](const Running& r) {
      return r.group && r.group->spec().file == spec.file && r.group->spec().name == spec.name;
    };
    const auto it = std::find_if(old.begin(), old.end(), same);
    if (it != old.end() && same_surroundings && it->group->spec().identity() == spec.identity() &&
        it->status->interval == own.interval) {
      groups.push_back(std::move(*it));
      old.erase(it);
      continue;
    }
    Running running;
    running.group = std::make_unique<rules::Group>(std::move(spec), own, store);
    if (it != old.end()) {
      running.group->take_state_from(*it->group);
      keep(it->group->forget());
    } else if (inheritance) {
      take_up(*running.group, now);
    }
    running.group->set_settling(settling);
    running.next = running.group->next_slot(now);
    // The first evaluation need not wait for the slot: who starts wants to know now.
    running.early = now;
    running.status = std::make_shared<const rules::GroupStatus>(running.group->status());
    groups.push_back(std::move(running));
  }
  for (Running& gone : old) {
    gone.group->close(now);
    keep(gone.group->forget());
  }
  forget_strangers();
  for (Running& running : groups) running.unknown = 0;
  hearing.each_unknown([this](std::uint32_t target) { count_unknown(target, true); });
  publish_statuses();
  work();
}

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

/// A clock that was set moves every timer with it, and what was known is known no longer until it was heard anew.
void Judge::Impl::look_at_clock(core::TimePoint now) {
  const auto before = std::exchange(last_look, std::pair(now, Steady::now()));
  if (!before) return;
  const auto passed = std::chrono::duration_cast<core::Duration>(last_look->second - before->second);
  const auto by = now - before->first - passed;
  if (by < drift_allowed && by > -drift_allowed) return;
  ++clock_jumps;
  log.warning("the clock was set: timers of alerts move with it", {{"seconds", std::to_string(core::to_seconds(by))}});
  hearing.shift(by);
  for (Running& running : groups) {
    running.group->shift(by);
    running.next = running.group->next_slot(now);
    running.early.reset();
    running.last_early += by;
  }
  next_own_metrics = next_maintenance = now;
  for (const auto& [id, target] : targets) withhold(id, now);
  if (hooks.clock_was_set) hooks.clock_was_set(by);
}

void Judge::Impl::work() {
  if (stopped) return;
  const auto now = hooks.clock();
  look_at_clock(now);
  last_round = Steady::now().time_since_epoch().count();
  if (hearing.give_up(now)) {
    log.info("some targets are silent since the interruption: rules are judged without them");
    for (Running& running : groups) running.unknown = 0;
  }
  settle();
  bool changed = false;
  for (Running& running : groups) {
    if (running.unknown > 0) {
      running.next = running.group->next_slot(now);
      running.early.reset();
      continue;
    }
    const auto slot = running.group->slot_before(now);
    if (running.next <= now) {
      const auto interval = running.status->interval;
      const auto missed = interval.count() > 0 && slot > running.next ? (slot - running.next) / interval : 0;
      if (missed > 0) running.group->count_missed(static_cast<std::uint64_t>(missed));
      evaluate(running, slot);
      running.next = running.group->next_slot(now);
      changed = true;
    } else if (running.next - now > running.status->interval) {
      running.next = running.group->next_slot(now);  // the clock was set back
    }
    if (running.early && *running.early <= now) {
      running.early.reset();
      running.last_early = now;
      early_runs.fetch_add(1, std::memory_order_relaxed);
      evaluate(running, now);
      changed = true;
    }
  }
  if (now >= next_own_metrics) {
    sample_own_metrics(now);
    next_own_metrics = now + own_metrics_interval;
  }
  if (now >= next_maintenance) {
    store.maintain(now);
    next_maintenance = now + maintenance_interval;
  }
  if (series_changed || changed) {
    store.publish();
    series_changed = false;
  }
  if (changed) publish_statuses();
  sleep();
}

void Judge::Impl::sleep() {
  const auto now = hooks.clock();
  core::TimePoint wake = now + longest_sleep;
  for (const Running& running : groups) {
    wake = std::min(wake, running.next);
    if (running.early) wake = std::min(wake, *running.early);
  }
  if (wake_at && *wake_at > now && *wake_at <= wake) return;  // an alarm is set that is early enough
  wake_at = wake;
  const std::uint64_t serial = ++wake_serial;
  loop.post_after(std::max(core::Duration{0}, wake - now), [self = shared_from_this(), serial] {
    if (serial != self->wake_serial) return;
    self->wake_at.reset();
    self->work();
  });
}

void Judge::Impl::evaluate(Running& running, core::TimePoint at) {
  const auto start_timer = [limit = settings.evaluation_timeout] {
    const auto until = Steady::now() + limit;
    return std::function<bool()>([until] { return Steady::now() >= until; });
  };
  rules::Evaluation evaluation = running.group->evaluate(at, start_timer);
  running.status = std::make_shared<const rules::GroupStatus>(running.group->status());
  for (const auto& [rule, error] : evaluation.errors) {
    log.warning("rule failed", {{"group", running.status->name}, {"rule", rule}, {"error", error}});
  }
  for (const core::AlertChange& change : evaluation.changes) {
    if (change.kind == core::AlertChange::Kind::repeated) continue;
    log.info("alert " + std::string(to_string(change.kind)), {{"alert", change.alert.rule},
                                                              {"labels", change.alert.labels.to_string()},
                                                              {"value", std::to_string(change.alert.value)}});
  }
  if (evaluation.changes.empty() && evaluation.memories.empty()) return;
  hooks.tell(std::move(evaluation.changes), std::move(evaluation.memories));
}

void Judge::Impl::sample_own_metrics(core::TimePoint now) {
  own_series.begin();
  for (const auto& [labels, value] : hooks.own_metrics()) own_series.add(labels, value);
  const core::Batch batch = own_series.take();
  if (!batch.fresh.empty()) series_changed = true;
  (void)store.append(own_block, now, batch);
}

void Judge::Impl::publish_statuses() {
  GroupStatuses fresh;
  fresh.reserve(groups.size());
  for (const Running& running : groups) fresh.push_back(running.status);
  const std::lock_guard lock(status_mutex);
  statuses.swap(fresh);
}

Judge::Judge(net::Loop& loop, store::Limits limits, Log log, JudgeHooks hooks)
    : impl_(std::make_shared<Impl>(loop, limits, std::move(log), std::move(hooks))) {}
Judge::~Judge() = default;

void Judge::inherit(Inheritance inheritance) {
  impl_->loop.post(
      [impl = impl_, inheritance = std::move(inheritance)]() mutable { impl->inherit(std::move(inheritance)); });
}
void Judge::withhold(std::uint32_t target) {
  impl_->loop.post([impl = impl_, target] { impl->withhold(target, impl->hooks.clock()); });
}
void Judge::set_cut_off(bool cut_off) {
  impl_->loop.post([impl = impl_, cut_off] {
    impl->hearing.set_excused(cut_off, impl->hooks.clock());
    impl->next_own_metrics = {};
    impl->work();
  });
}
void Judge::change_targets(std::vector<std::uint32_t> removed, std::vector<TargetInfo> added) {
  impl_->loop.post([impl = impl_, removed = std::move(removed), added = std::move(added)]() mutable {
    impl->change_targets(removed, std::move(added));
  });
}
void Judge::deliver(std::vector<core::Observation> observations, bool flip) {
  impl_->loop.post([impl = impl_, observations = std::move(observations), flip]() mutable {
    impl->deliver(std::move(observations), flip);
  });
}
void Judge::set_rules(Rules rules) {
  impl_->loop.post([impl = impl_, rules = std::move(rules)]() mutable { impl->set_rules(std::move(rules)); });
}
void Judge::set_limits(store::Limits limits) {
  impl_->loop.post([impl = impl_, limits] { impl->store.set_limits(limits); });
}
void Judge::sample_own_metrics() {
  impl_->loop.post([impl = impl_] {
    impl->next_own_metrics = {};
    impl->work();
  });
}
void Judge::stop() {
  impl_->loop.post([impl = impl_] { impl->stopped = true; });
}

const store::Store& Judge::store() const { return impl_->store; }
bool Judge::alive() const {
  return Steady::now().time_since_epoch().count() - impl_->last_round.load() < Steady::duration(dead_after).count();
}
store::View Judge::snapshot() const { return impl_->store.snapshot(); }
store::Stats Judge::store_stats() const { return impl_->store.stats(); }
GroupStatuses Judge::groups() const {
  const std::lock_guard lock(impl_->status_mutex);
  return impl_->statuses;
}
JudgeCounters Judge::counters() const {
  return {impl_->early_runs.load(), impl_->refused_duplicates.load(), impl_->too_old.load(), impl_->clock_jumps.load(),
          impl_->settling.load()};
}

}  // namespace tocsin::daemon
