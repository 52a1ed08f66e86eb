#include "src/judge_impl.hpp"

#include <algorithm>
#include <atomic>
#include <boost/container/static_vector.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "tocsin/core/fetch_ahead.hpp"

namespace tocsin::daemon {
namespace {

/// Early runs of one group are at least this far apart.
constexpr core::Duration early_pause{250};
/// How long the judge sleeps at most: a clock that was set is noticed within this time.
constexpr core::Duration longest_sleep{1000};
constexpr core::Duration own_metrics_interval{15'000};
constexpr core::Duration maintenance_interval{5'000};
constexpr std::chrono::seconds dead_after{30};
/// The memory of so many observations and their blocks is asked for at a time.
constexpr std::size_t fetched_at_once = 8;

using Steady = std::chrono::steady_clock;

}  // namespace

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

/// Of the observations that are next.
void Judge::Impl::fetch_ahead(std::span<const core::Observation> observations) const {
  boost::container::static_vector<store::BlockId, fetched_at_once> blocks;
  for (const core::Observation& observation : observations.first(std::min(observations.size(), blocks.capacity()))) {
    const auto it = targets.find(observation.target);
    if (it != targets.end()) blocks.push_back(it->second.block);
    core::fetch_ahead(observation.batch.rows.data(), observation.batch.rows.size() * sizeof(core::Row));
  }
  store.fetch_ahead(blocks);
}

void Judge::Impl::deliver(std::vector<core::Observation> observations, bool flip) {
  if (stopped) return;
  bool known_again = false;
  for (std::size_t at = 0; at < observations.size(); ++at) {
    if (at % fetched_at_once == 0) fetch_ahead(std::span(observations).subspan(at));
    const core::Observation& observation = observations[at];
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

void Judge::Impl::work() {
  if (stopped) return;
  const auto now = look_at_clock();
  last_round = Steady::now().time_since_epoch().count();
  if (hearing.give_up(now)) {
    log.info("some targets are silent since the interruption: rules are judged without them");
    for (Running& running : groups) running.unknown = 0;
  }
  settle();
  bool changed = false;
  for (Running& running : groups) {
    const auto slot = running.group->slot_before(now);
    if (running.unknown > 0) {
      if (running.next <= now) {
        take(running, running.group->hold(slot));
        changed = true;
      }
      running.next = running.group->next_slot(now);
      running.early.reset();
      continue;
    }
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
  take(running, running.group->evaluate(at, start_timer));
}

void Judge::Impl::take(Running& running, rules::Evaluation evaluation) {
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
