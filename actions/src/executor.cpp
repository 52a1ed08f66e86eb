#include <algorithm>

#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::AlertChange;

constexpr std::size_t max_inbox = 10'000;
constexpr std::size_t max_firing = 10'000;
constexpr std::size_t max_said = 10'000;

std::string mode_words(const ActionSpec& spec, bool journal) {
  switch (spec.mode) {
    case Mode::shadow:
      return "shadow";
    case Mode::approve:
      return "approve";
    case Mode::automatic:
      break;
  }
  return journal ? "auto" : "shadow (no data folder)";
}

bool is_decision(ActionStep step) {
  return step == ActionStep::proposed || step == ActionStep::skipped || step == ActionStep::shadow;
}

}  // namespace

core::Deadline in(core::Duration span) { return std::chrono::steady_clock::now() + span; }

RunEnds::RunEnds(Executor::Impl& impl, const Run& run) : impl_(impl), target_(run.spec->target) {}

RunEnds::~RunEnds() {
  impl_.runs.erase(target_);
  if (impl_.closed) return;
  impl_.ended.set();
  impl_.publish();
}

Executor::Impl::Impl(net::Loop& its_loop, state::Journal* its_journal, ExecutorHooks its_hooks)
    : journal(its_journal),
      hooks(std::move(its_hooks)),
      executor(its_loop.executor()),
      history(its_journal != nullptr ? History(its_journal->remembered()) : History()),
      ended(its_loop.executor()),
      loop(&its_loop) {}

void Executor::Impl::configure(std::vector<ActionSpec> given) {
  specs.clear();
  for (ActionSpec& spec : given) specs.push_back(std::make_shared<const ActionSpec>(std::move(spec)));
  publish();
}

void Executor::Impl::post(std::function<void()> work) {
  const std::lock_guard guard(loop_mutex);
  if (loop != nullptr) loop->post(std::move(work));
}

void Executor::Impl::spawn(const std::string& name, net::Task<void> task) {
  const std::lock_guard guard(loop_mutex);
  if (loop != nullptr) loop->spawn(name, std::move(task));
}

void Executor::Impl::take_inbox(const std::shared_ptr<Impl>& self) {
  std::vector<AlertChange> changes;
  {
    const std::lock_guard guard(inbox_mutex);
    changes.swap(inbox);
  }
  for (AlertChange& change : changes) on_change(self, std::move(change));
}

void Executor::Impl::on_change(const std::shared_ptr<Impl>& self, AlertChange change) {
  std::vector<Spec> meant;
  std::copy_if(specs.begin(), specs.end(), std::back_inserter(meant),
               [&](const Spec& spec) { return applies(*spec, change.alert.labels); });
  const std::string labels = change.alert.labels.to_string();
  // A resolved alert is told again for a while, too.
  const bool told_to_fire = change.kind == AlertChange::Kind::firing || change.kind == AlertChange::Kind::repeated;
  const bool fires = told_to_fire && !change.alert.resolved_at;
  for (const auto& [target, run] : runs) {
    if (run->record.alert != labels) continue;
    run->resolved = !fires;
    run->wake.set();
  }
  if (!fires) {
    firing.erase(labels);
    return;
  }
  if (meant.empty()) return;
  if (firing.size() >= max_firing) forget_stale();
  if (firing.size() >= max_firing && !firing.contains(labels)) return;
  const Episode episode = episode_of(change.alert);
  const core::Labels alert_labels = change.alert.labels;
  firing.insert_or_assign(labels, std::move(change.alert));
  if (stopping) return;
  for (const Spec& spec : meant) {
    if (!deciding.insert(spec->name).second) continue;  // one decision at a time; the alert is repeated
    spawn("action " + spec->name, consider(self, spec, episode, alert_labels));
  }
}

void Executor::Impl::forget_stale() {
  const core::TimePoint now = hooks.clock();
  std::erase_if(firing, [&](const auto& entry) {
    const core::Alert& alert = entry.second;
    const bool meant =
        std::any_of(specs.begin(), specs.end(), [&](const Spec& spec) { return applies(*spec, alert.labels); });
    return !meant || (alert.valid_until != core::TimePoint{} && alert.valid_until < now);
  });
}

Situation Executor::Impl::situation(const ActionSpec& spec, const Episode& episode, Learnt learnt) const {
  Situation now;
  now.spec = &spec;
  const auto alert = firing.find(episode.alert);
  now.alert = alert != firing.end() ? &alert->second : nullptr;
  now.episode = episode;
  now.now = hooks.clock();
  now.history = &history;
  now.stopping = stopping;
  now.journal = journal != nullptr;
  const auto run = runs.find(spec.target);
  if (run != runs.end()) now.busy = run->second->spec->name;
  now.reading = std::move(learnt.reading);
  now.query = std::move(learnt.query);
  now.suppression = std::move(learnt.suppression);
  return now;
}

void Executor::Impl::note(const core::ActionRecord& record, const NotBefore& not_before) {
  history.add(record);
  if (not_before) history.set_not_before(not_before->first, not_before->second);
  const auto run = runs.find(record.target);
  const bool running = run != runs.end() && run->second->spec->name == record.action;
  if (!running || !is_decision(record.step) || record.id == run->second->record.id) shown[record.action] = record;
  if (hooks.record) hooks.record(record);
  publish();
}

void Executor::Impl::say(const ActionSpec& spec, const Episode& episode, ActionStep step, const std::string& id,
                         const Change& change, const std::string& reason) {
  core::ActionRecord record{id,          spec.name, spec.target,   step,  hooks.clock(),
                            change.from, change.to, episode.alert, reason};
  const std::string key = spec.name + '\n' + (step == ActionStep::proposed ? "proposed" : "") + '\n' + episode.alert;
  const auto before = said.find(key);
  if (before != said.end()) {
    const core::ActionRecord& last = before->second.record;
    const bool same = before->second.episode == episode && last.step == step && last.reason == reason &&
                      last.from == change.from && last.to == change.to;
    if (same && (step == ActionStep::proposed || record.at < last.at + spec.cooldown_up)) return;
  }
  if (said.size() >= max_said) said.clear();
  said.insert_or_assign(key, Said{record, episode});
  note(record, std::nullopt);
  if (journal != nullptr) journal->append(std::move(record), std::nullopt, nullptr);
}

std::shared_ptr<Run> Executor::Impl::begin(const Spec& spec, core::ActionRecord record) {
  auto run = std::make_shared<Run>(spec, std::move(record), executor);
  runs.insert_or_assign(spec->target, run);
  return run;
}

void Executor::Impl::publish() {
  std::vector<ActionStatus> fresh;
  for (const Spec& spec : specs) {
    ActionStatus one;
    one.name = spec->name;
    one.target = spec->target;
    one.mode = mode_words(*spec, journal != nullptr);
    const auto last = shown.find(spec->name);
    if (last != shown.end()) {
      one.step = last->second.step;
      one.last_reason = last->second.reason;
      one.from = last->second.from;
      one.to = last->second.to;
    }
    const auto run = runs.find(spec->target);
    one.running = run != runs.end() && run->second->spec->name == spec->name;
    one.last_change = history.last_change(spec->name, spec->target);
    one.not_before = history.not_before(History::cooldown_key(spec->target));
    one.failures_in_row = history.failures_in_row(spec->name, spec->target);
    one.breaker_open = spec->breaker_after > 0 && one.failures_in_row >= spec->breaker_after;
    fresh.push_back(std::move(one));
  }
  const std::lock_guard guard(status_mutex);
  status = std::move(fresh);
}

Executor::Executor(net::Loop& loop, std::vector<ActionSpec> specs, state::Journal* journal, ExecutorHooks hooks)
    : impl_(std::make_shared<Impl>(loop, journal, std::move(hooks))) {
  impl_->configure(std::move(specs));
  impl_->recover(impl_);
}

Executor::~Executor() {
  impl_->closed = true;
  const std::lock_guard guard(impl_->loop_mutex);
  impl_->loop = nullptr;
}

void Executor::notice(std::vector<AlertChange> changes) {
  // Alerts that only wait for their `for` are none of our business.
  std::erase_if(changes, [](const AlertChange& change) {
    return change.kind == AlertChange::Kind::pending || change.kind == AlertChange::Kind::gone;
  });
  if (changes.empty()) return;
  bool first = false;
  {
    const std::lock_guard guard(impl_->inbox_mutex);
    first = impl_->inbox.empty();
    for (AlertChange& change : changes) {
      // What is lost here is said again, but a resolved alert is told once.
      if (impl_->inbox.size() >= max_inbox && change.kind != AlertChange::Kind::resolved) continue;
      impl_->inbox.push_back(std::move(change));
    }
  }
  if (!first) return;
  impl_->post([impl = impl_] {
    if (!impl->closed) impl->take_inbox(impl);
  });
}

void Executor::reconfigure(std::vector<ActionSpec> specs) {
  impl_->configure(std::move(specs));
  impl_->forget_stale();
}

net::Task<void> Executor::stop(core::Deadline deadline) { return Impl::stop(impl_, deadline); }

bool Executor::rearm(const std::string& action) {
  const auto spec =
      std::find_if(impl_->specs.begin(), impl_->specs.end(), [&](const Spec& one) { return one->name == action; });
  if (spec == impl_->specs.end()) return false;
  core::ActionRecord record;
  record.id = decision_id(action, (*spec)->target, Episode{"rearmed by hand", impl_->hooks.clock()});
  record.action = action;
  record.target = (*spec)->target;
  record.step = ActionStep::skipped;
  record.at = impl_->hooks.clock();
  record.reason = "the breaker was closed by hand";
  const NotBefore rearmed(std::in_place, History::rearmed_key(action), record.at);
  impl_->note(record, rearmed);
  if (impl_->journal != nullptr) impl_->journal->append(record, rearmed, nullptr);
  return true;
}

std::vector<ActionStatus> Executor::status() const {
  const std::lock_guard guard(impl_->status_mutex);
  return impl_->status;
}

}  // namespace tocsin::actions
