#include "tocsin/actions/machine.hpp"

#include <algorithm>

#include "src/machine_impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::AlertChange;

constexpr std::size_t max_firing = 10'000;
constexpr std::size_t max_said = 10'000;
constexpr core::Duration shortest_silence = std::chrono::minutes{5};  // before the same is said again

/// Steps that only say something; the others are a run's.
bool is_decision(ActionStep step) {
  return step == ActionStep::proposed || step == ActionStep::shadow || step == ActionStep::skipped;
}

/// Several actions may move one count, or climb one ladder.
bool same_value(const ActionSpec& one, const ActionSpec& other) {
  return one.target == other.target && one.count.has_value() == other.count.has_value();
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::approve:
      return "approve";
    case Mode::automatic:
      return "auto";
    case Mode::shadow:
      break;
  }
  return "shadow";
}

Machine::Impl::Impl(Settings its_settings, const state::Remembered& its_remembered, bool has_journal,
                    core::TimePoint now)
    : settings(std::move(its_settings)), journal(has_journal), history(its_remembered), remembered(its_remembered) {
  moment.now = now;
  configure(std::move(settings.actions));
}

void Machine::Impl::configure(std::vector<ActionSpec> given) {
  specs.clear();
  for (ActionSpec& spec : given) specs.push_back(std::make_shared<const ActionSpec>(std::move(spec)));
  settings.actions.clear();
}

std::vector<Effect> Machine::Impl::step(Event event, const Moment& at) {
  moment = at;
  effects.clear();
  if (remembered) {
    const state::Remembered found = std::move(*remembered);
    remembered.reset();
    if (journal) take_up(found);
  }
  std::visit([this](auto&& one) { on(std::move(one)); }, std::move(event));
  sweep_proposals();
  return std::move(effects);
}

void Machine::Impl::on(AlertsTold event) {
  std::set<std::string> touched;
  for (AlertChange& change : event.changes) {
    const bool ours = change.kind == AlertChange::Kind::firing || change.kind == AlertChange::Kind::repeated ||
                      change.kind == AlertChange::Kind::resolved;
    if (!ours) continue;
    for (const Spec& spec : specs) {
      if (asks_for_more(*spec, change.alert.labels) || asks_for_less(*spec, change.alert.labels))
        touched.insert(spec->target);
    }
    take(std::move(change));
  }
  std::vector<std::string> running;
  for (const auto& [target, run] : runs) running.push_back(target);
  for (const std::string& target : running) {
    if (const auto run = runs.find(target); run != runs.end()) look(run->second);
  }
  if (stopping) return;
  for (const std::string& target : touched) consider(target);
}

void Machine::Impl::take(AlertChange change) {
  const std::string labels = change.alert.labels.to_string();
  // A resolved alert is told again for a while, too.
  const bool fires = change.kind != AlertChange::Kind::resolved && !change.alert.resolved_at &&
                     change.alert.state == core::AlertState::firing;
  for (auto& [target, run] : runs) {
    if (run.record.alert == labels) run.resolved = !fires;
  }
  if (!fires) {
    firing.erase(labels);
    ended.insert(labels);
    for (const Spec& spec : specs) {
      if (asks_for_more(*spec, change.alert.labels) && strongest(*spec, core::Direction::up) == nullptr) {
        at_end.erase(spec->name);
        windows.erase({spec->name, core::Direction::up});
      }
      if (asks_for_less(*spec, change.alert.labels) && strongest(*spec, core::Direction::down) == nullptr)
        windows.erase({spec->name, core::Direction::down});
    }
    return;
  }
  for (const Spec& spec : specs) {
    if (!asks_for_more(*spec, change.alert.labels)) continue;
    // More is wanted: for no action on its target the window for less goes on.
    for (const Spec& other : specs) {
      if (other->target == spec->target) windows.erase({other->name, core::Direction::down});
    }
  }
  if (firing.size() >= max_firing) forget_stale(core::Duration{0});
  if (firing.size() >= max_firing && !firing.contains(labels)) return;
  firing.insert_or_assign(labels, std::move(change.alert));
}

void Machine::Impl::forget_stale(core::Duration grace) {
  std::erase_if(firing, [this, grace](const auto& entry) {
    const core::Alert& alert = entry.second;
    return (alert.valid_until != core::TimePoint{} && alert.valid_until + grace < now());
  });
}

void Machine::Impl::on(Tick) {
  history.forget_before(now() - std::chrono::hours{24});
  forget_stale(std::chrono::minutes{5});
  std::vector<std::string> due;
  for (auto& [target, run] : runs) due.push_back(target);
  for (const std::string& target : due) {
    if (const auto run = runs.find(target); run != runs.end()) look(run->second);
  }
  due.clear();
  for (const auto& [target, when] : looks) {
    if (when <= now()) due.push_back(target);
  }
  for (const std::string& target : due) {
    looks.erase(target);
    if (!stopping) consider(target);
  }
}

void Machine::Impl::on(Written event) {
  if (const auto order = orders.find(event.token); order != orders.end()) {
    const Asked asked = std::move(order->second);
    orders.erase(order);
    if (event.problem) {
      answer(asked.token, false, "it could not be written down: " + *event.problem);
    } else {
      for (const auto& [key, at] : asked.then) history.set_not_before(key, at);
      answer(asked.token, true, asked.message);
      if (!asked.then.empty() && !stopping) {
        for (const Spec& spec : specs) look_again(spec->target, core::Duration{0});
      }
    }
  }
  const auto target = waiting.extract(event.token);
  if (target.empty()) return;
  const auto run = runs.find(target.mapped());
  if (run != runs.end() && run->second.token == event.token) on_written(run->second, event.problem);
}

void Machine::Impl::on(WasRead event) {
  const auto target = waiting.extract(event.token);
  if (target.empty()) return;
  if (const auto run = runs.find(target.mapped()); run != runs.end() && run->second.token == event.token) {
    on_read(run->second, std::move(event.reading));
  } else if (const auto open = considerations.find(target.mapped());
             open != considerations.end() && open->second.token == event.token) {
    take_reading(target.mapped(), std::move(event.reading));
  }
}

void Machine::Impl::on(WasQueried event) {
  const auto target = waiting.extract(event.token);
  if (target.empty()) return;
  if (const auto run = runs.find(target.mapped()); run != runs.end() && run->second.token == event.token) {
    on_valued(run->second, event.value);
  } else if (const auto open = considerations.find(target.mapped());
             open != considerations.end() && open->second.token == event.token) {
    take_value(target.mapped(), std::move(event.value));
  }
}

void Machine::Impl::on(WasAsked event) {
  const auto target = waiting.extract(event.token);
  if (target.empty()) return;
  if (const auto run = runs.find(target.mapped()); run != runs.end() && run->second.token == event.token) {
    on_asked(run->second, event.suppression);
  } else if (const auto open = considerations.find(target.mapped());
             open != considerations.end() && open->second.token == event.token) {
    take_suppression(target.mapped(), event.suppression);
  }
}

void Machine::Impl::on(CallEnded event) {
  const auto target = waiting.extract(event.token);
  if (target.empty()) return;
  const auto run = runs.find(target.mapped());
  if (run != runs.end() && run->second.token == event.token) on_ended(run->second, event.end);
}

void Machine::Impl::on(Ordered event) { order(event.token, event.order); }

void Machine::Impl::on(Reconfigured event) {
  settings = std::move(event.settings);
  configure(std::move(settings.actions));
  forget_stale(core::Duration{0});
  windows.clear();
  std::erase_if(at_end, [this](const std::string& name) {
    return std::none_of(specs.begin(), specs.end(), [&](const Spec& spec) { return spec->name == name; });
  });
  for (std::size_t i = proposals.size(); i-- > 0;) {
    const Proposal proposal = proposals[i];
    const Spec spec = current(*proposal.spec);
    if (spec && spec->mode == Mode::approve) {
      proposals[i].spec = spec;
      continue;
    }
    drop(proposal, "the action is not configured any more, or asks nobody any more", "", false);
  }
  for (const Spec& spec : specs) look_again(spec->target, core::Duration{0});
}

void Machine::Impl::on(Stopping event) { stop(event.abandon); }

void Machine::Impl::write(core::ActionRecord record, Deadlines not_before, Token its_token) {
  record.at = now();
  history.add(record);
  for (const auto& [key, at] : not_before) history.set_not_before(key, at);
  const auto run = runs.find(record.target);
  const bool running = run != runs.end() && run->second.record.action == record.action;
  const bool outside = record.step == ActionStep::adopted || record.step == ActionStep::ordered;
  if (!outside && (!running || !is_decision(record.step) || record.id == run->second.record.id))
    shown[record.action] = record;
  emit(Write{its_token, std::move(record), std::move(not_before)});
}

void Machine::Impl::say(const Candidate& candidate, ActionStep step, const std::string& reason) {
  core::ActionRecord record;
  record.id = decision_id(candidate.spec->name, candidate.spec->target, candidate.episode);
  record.action = candidate.spec->name;
  record.target = candidate.spec->target;
  record.step = step;
  record.at = now();
  record.from = candidate.change.from;
  record.to = candidate.change.to;
  record.alert = candidate.episode.alert;
  record.reason = reason;
  record.direction = candidate.direction;
  record.inputs = candidate.inputs;
  std::string key = record.action;
  key.append(step == ActionStep::proposed ? "\nproposed\n" : "\n\n").append(record.alert);
  const auto before = said.find(key);
  if (before != said.end()) {
    const core::ActionRecord& last = before->second.record;
    const bool same = before->second.episode == candidate.episode && last.step == step && last.reason == reason &&
                      last.from == record.from && last.to == record.to;
    if (same &&
        (step == ActionStep::proposed || now() < last.at + std::max(candidate.spec->cooldown_up, shortest_silence)))
      return;
  }
  if (said.size() >= max_said) said.clear();
  said.insert_or_assign(key, Said{record, candidate.episode});
  write(std::move(record), {}, 0);
}

Spec Machine::Impl::current(const ActionSpec& spec) const {
  const auto found = std::find_if(specs.begin(), specs.end(), [&spec](const Spec& one) {
    return one->name == spec.name && one->target == spec.target;
  });
  return found != specs.end() ? *found : nullptr;
}

const History::Known* Machine::Impl::last_known(const ActionSpec& spec) const {
  const History::Known* last = nullptr;
  for (const Spec& other : specs) {
    if (!same_value(*other, spec)) continue;
    const History::Known* const known = history.known(other->name, other->target);
    if (known != nullptr && (last == nullptr || known->at > last->at)) last = known;
  }
  return last;
}

const core::ActionRecord* Machine::Impl::last_growth(const ActionSpec& spec) const {
  const core::ActionRecord* last = nullptr;
  for (const Spec& other : specs) {
    if (!same_value(*other, spec)) continue;
    const auto* const grown = history.last_success(other->name, other->target, core::Direction::up);
    if (grown != nullptr && (last == nullptr || grown->at > last->at)) last = grown;
  }
  if (last == nullptr) return nullptr;
  // What was tried since and failed has begun a cooldown of its own, which nothing may be ahead of.
  for (const Spec& other : specs) {
    if (!same_value(*other, spec)) continue;
    for (const core::ActionRecord* const run : history.runs_of(other->name, other->target)) {
      if (run->direction == core::Direction::up && run->id != last->id && run->at > last->at) return nullptr;
    }
  }
  return last;
}

std::set<std::string> Machine::Impl::asking_targets() const {
  std::set<std::string> asking;
  for (const Spec& spec : specs) {
    if (asking.contains(spec->target)) continue;
    const bool asks = std::any_of(firing.begin(), firing.end(),
                                  [&](const auto& entry) { return asks_for_more(*spec, entry.second.labels); });
    if (asks) asking.insert(spec->target);
  }
  return asking;
}

std::size_t Machine::Impl::all_targets() const {
  std::set<std::string_view> all;
  for (const Spec& spec : specs) all.insert(spec->target);
  return all.size();
}

Situation Machine::Impl::situation(const ActionSpec& spec, core::Direction direction, const Episode& episode,
                                   Stage stage) const {
  Situation now_is;
  now_is.spec = &spec;
  now_is.direction = direction;
  const auto alert = firing.find(episode.alert);
  now_is.alert = alert != firing.end() ? &alert->second : nullptr;
  now_is.episode = episode;
  now_is.moment = &moment;
  now_is.history = &history;
  now_is.settings = &settings;
  now_is.known = last_known(spec);
  now_is.stopping = stopping;
  now_is.stage = stage;
  now_is.all_agree = direction == core::Direction::up || all_agree_to_less(spec.target);
  now_is.asking_targets = asking_targets().size();
  now_is.all_targets = all_targets();
  return now_is;
}

std::optional<core::TimePoint> Machine::Impl::next_look() const {
  std::optional<core::TimePoint> next;
  const auto at = [&next](core::TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [target, run] : runs) {
    if (run.phase == Run::Phase::pausing) at(run.next);
    if (run.phase == Run::Phase::verifying) at(run.until);
  }
  for (const auto& [target, when] : looks) at(when);
  for (const Proposal& proposal : proposals) at(proposal.lapses);
  if (remembered) at(now());
  return next;
}

Machine::Machine(Settings settings, const state::Remembered& remembered, bool journal, core::TimePoint now)
    : impl_(std::make_unique<Impl>(std::move(settings), remembered, journal, now)) {}
Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;

std::vector<Effect> Machine::step(Event event, const Moment& moment) { return impl_->step(std::move(event), moment); }
std::optional<core::TimePoint> Machine::next_look() const { return impl_->next_look(); }
bool Machine::running() const { return !impl_->runs.empty(); }
bool Machine::calling() const {
  return std::any_of(impl_->runs.begin(), impl_->runs.end(),
                     [](const auto& entry) { return entry.second.phase <= Run::Phase::calling; });
}
std::vector<PlanNeed> Machine::plan_needs(const Moment& moment) const {
  impl_->moment = moment;
  return impl_->plan_needs();
}
std::vector<Plan> Machine::plan(const std::vector<PlanInput>& learnt, const Moment& moment) const {
  impl_->moment = moment;
  return impl_->plan(learnt);
}
std::vector<ActionStatus> Machine::status(core::TimePoint now) const { return impl_->status(now); }
std::vector<Pause> Machine::pauses(core::TimePoint now) const { return impl_->pauses(now); }

}  // namespace tocsin::actions
