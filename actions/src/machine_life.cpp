// A run: claimed, looked at again, started, read back, verified. Each step is on disk before what it speaks of begins.
#include <algorithm>

#include "src/change.hpp"
#include "src/machine_impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::Direction;
using Phase = Run::Phase;

constexpr core::Duration first_pause = std::chrono::milliseconds{100};
constexpr core::Duration longest_pause = std::chrono::seconds{15};
constexpr core::Duration longest_pause_unknown = std::chrono::minutes{5};

}  // namespace

/// How long the target is left alone when this run changes it now: its own direction for the cooldown, going down after
/// growth for that of going down, growing after that only until the platform has done its work.
Deadlines Machine::Impl::cooldowns(const Run& run, core::Duration extra) const {
  const ActionSpec& spec = *run.spec;
  const std::string up = History::cooldown_key(Direction::up, spec.target);
  const std::string down = History::cooldown_key(Direction::down, spec.target);
  const core::TimePoint from = now() + extra;
  if (run.record.direction == Direction::up) return {{up, from + spec.cooldown_up}, {down, from + spec.cooldown_down}};
  const auto known = history.not_before(up);
  const core::TimePoint free = now() + std::max(extra, spec.provisioning);
  return {{down, from + spec.cooldown_down}, {up, known ? std::max(*known, free) : free}};
}

void Machine::Impl::begin(Spec spec, core::ActionRecord record, Episode episode) {
  const std::string target = spec->target;
  Run& run = runs.insert_or_assign(target, Run(std::move(spec), std::move(record), std::move(episode))).first->second;
  windows.erase({run.record.action, Direction::up});
  windows.erase({run.record.action, Direction::down});
  Deadlines claim = cooldowns(run, run.spec->timeout + run.spec->provisioning);
  for (const auto& [key, at] : claim) run.before.emplace_back(key, history.not_before(key).value_or(now()));
  const std::string number(History::run_key);
  const core::TimePoint last = history.not_before(number).value_or(core::TimePoint{});
  const core::TimePoint own = std::max(now(), last + core::Duration{1});
  run.key = static_cast<std::uint64_t>(core::to_millis(own));
  claim.emplace_back(number, own);
  run.phase = Phase::claiming;
  const std::string reason = run.record.reason;
  run_step(run, ActionStep::claimed, reason, std::move(claim), token());
}

void Machine::Impl::run_step(Run& run, ActionStep step, std::string reason, Deadlines not_before, Token its_token) {
  run.record.step = step;
  run.record.at = now();
  run.record.reason = std::move(reason);
  if (its_token != 0) {
    run.token = its_token;
    waiting[its_token] = run.spec->target;
  }
  write(run.record, std::move(not_before), its_token);
}

/// Before anything was begun: the target is free again. If this row does not get to disk, a restart finds the one
/// before.
void Machine::Impl::give_up(Run& run, const std::string& why) {
  run_step(run, ActionStep::skipped, why, run.before, 0);
  const std::string target = run.spec->target;
  runs.erase(target);
  if (!stopping) look_again(target, std::chrono::minutes{1});
}

void Machine::Impl::end(const Run& run) {
  const std::string target = run.spec->target;
  runs.erase(target);
  if (!stopping) look_again(target, core::Duration{0});
}

void Machine::Impl::on_written(Run& run, const std::optional<std::string>& problem) {
  const bool before_call =
      run.phase == Phase::claiming || run.phase == Phase::announcing || run.phase == Phase::starting;
  if (!before_call) return;
  if (problem) {
    give_up(run, "held: it could not be written down: " + *problem);
    return;
  }
  const Spec spec = current(*run.spec);
  const Stage stage = run.phase == Phase::starting ? Stage::call : Stage::preflight;
  std::string gone = withdrawn(situation(*run.spec, run.record.direction, run.episode, stage));
  if (!spec || spec->mode == Mode::shadow) gone = "the action is not configured any more, or is shadow now";
  if (!gone.empty()) {
    give_up(run, "not run: " + gone);
    return;
  }
  switch (run.phase) {
    case Phase::claiming:
      run.phase = Phase::announcing;
      run_step(run, ActionStep::preflight, "the target and Alertmanager are asked again", {}, token());
      return;
    case Phase::announcing:
      run.phase = Phase::looking;
      run.token = token();
      waiting[run.token] = run.spec->target;
      emit(Read{run.token, run.spec, firing.at(run.episode.alert).labels});
      return;
    default:
      run.phase = Phase::calling;
      run.token = token();
      waiting[run.token] = run.spec->target;
      emit(MakeChange{run.token, run.spec, *run.permit});
      return;
  }
}

void Machine::Impl::on_read(Run& run, core::Result<Reading> reading) {
  if (run.phase == Phase::reading_back) {
    settle(run, reading);
    return;
  }
  if (run.phase != Phase::looking) return;
  if (const std::string why = against_reading(reading); !why.empty()) {
    give_up(run, "not run: " + why);
    return;
  }
  if (reading->value != run.record.from) {
    adopt(*run.spec, *reading);
    give_up(run, "not run: it was changed meanwhile, read " + reading->value + " instead of " + run.record.from);
    return;
  }
  run.reading = std::move(*reading);
  const auto& count = run.spec->count;
  if (count && count->target_value && !count->of.empty()) {
    run.phase = Phase::valuing;
    run.token = token();
    waiting[run.token] = run.spec->target;
    emit(Query{run.token, count->of});
    return;
  }
  ask_again(run, std::nullopt);
}

void Machine::Impl::on_valued(Run& run, const core::Result<double>& value) {
  if (run.phase != Phase::valuing) return;
  if (!value) {
    give_up(run, "not run: the value of " + run.spec->count->of + " could not be had: " + value.error().detail);
    return;
  }
  ask_again(run, *value);
}

/// The platform has been read again; Alertmanager is asked again, unless so much is no longer wanted. `value`: of the
/// query; none: the alert's counts.
void Machine::Impl::ask_again(Run& run, std::optional<double> value) {
  const auto alert = firing.find(run.episode.alert);
  if (alert == firing.end()) {
    give_up(run, "not run: the alert no longer fires");
    return;
  }
  const ActionSpec& spec = *run.spec;
  if (spec.count && spec.count->target_value) {
    const auto place = place_of(spec, run.record.from);
    const auto to = place_of(spec, run.record.to);
    const auto wanted =
        place ? wanted_place(spec, run.record.direction, *place, value ? *value : alert->second.value) : place;
    if (!wanted) {
      give_up(run, "not run: " + wanted.error().detail);
      return;
    }
    if (to && (run.record.direction == Direction::up ? *wanted < *to : *wanted > *to)) {
      give_up(run, "not run: wanted is " + std::to_string(*wanted) + " by now, not " + run.record.to);
      return;
    }
  }
  run.phase = Phase::asking;
  run.token = token();
  waiting[run.token] = run.spec->target;
  emit(Ask{run.token, alert->second.labels});
}

void Machine::Impl::on_asked(Run& run, const core::Suppression& suppression) {
  if (run.phase != Phase::asking) return;
  const Spec spec = current(*run.spec);
  if (!spec || spec->mode == Mode::shadow) {
    give_up(run, "not run: the action is not configured any more, or is shadow now");
    return;
  }
  // As it is configured now: bounds and limits may have become narrower.
  const Situation now_is = situation(*spec, run.record.direction, run.episode, Stage::preflight);
  auto permit = Gate::pass(now_is, run.record, *run.reading, suppression, run.key);
  if (!permit) {
    give_up(run, "not run: " + permit.error().detail);
    return;
  }
  run.permit = std::move(*permit);
  run.phase = Phase::starting;
  run_step(run, ActionStep::started, run.spec->target + " from " + run.record.from + " to " + run.record.to, {},
           token());
}

void Machine::Impl::on_ended(Run& run, const CallEnd& the_end) {
  if (run.phase != Phase::calling) return;
  if (the_end.how == CallEnd::How::refused) {
    run_step(run, ActionStep::failed, the_end.words, cooldowns(run, core::Duration{0}), 0);
    end(run);
    return;
  }
  run.ended_well = the_end.how == CallEnd::How::done;
  if (stopping) {
    run_step(run, ActionStep::unknown, "tocsin stopped before the change was seen", {}, 0);
    end(run);
    return;
  }
  // It may have done its work, or may yet have it done: only reading can tell.
  if (!run.ended_well) run_step(run, ActionStep::unknown, the_end.words, {}, 0);
  begin_reading_back(run, run.spec->provisioning + run.spec->timeout);
}

void Machine::Impl::begin_reading_back(Run& run, core::Duration at_most) {
  run.until = now() + at_most;
  run.pause = first_pause;
  read_back(run);
}

void Machine::Impl::read_back(Run& run) {
  run.phase = Phase::reading_back;
  run.token = token();
  waiting[run.token] = run.spec->target;
  emit(Read{run.token, run.spec, core::Labels()});
}

/// What was read after the call: there, not yet, or never.
void Machine::Impl::settle(Run& run, const core::Result<Reading>& reading) {
  const std::string& to = run.record.to;
  if (reading) present[run.record.action] = reading->value;
  const bool late = now() >= run.until;
  const bool there = reading && reading->value == to;
  if (there && (reading->ready || late)) {
    run_step(run, ActionStep::succeeded,
             "read back " + to + (reading->ready ? "" : ", not ready yet: " + reading->not_ready),
             cooldowns(run, core::Duration{0}), 0);
    verify(run, run.spec->clears_within);
    return;
  }
  const auto again = [&](core::Duration longest) {
    run.phase = Phase::pausing;
    run.next = now() + run.pause;
    if (!late) run.next = std::min(run.next, std::max(run.until, now() + first_pause));
    run.pause = std::min(run.pause * 2, longest);
  };
  if (!late) {
    again(longest_pause);
    return;
  }
  const std::string found = reading ? "read back " + reading->value + " instead of " + to
                                    : "could not be read back: " + reading.error().detail;
  if (reading && reading->ready && (run.ended_well || reading->value == run.record.from)) {
    const char* const what = run.ended_well ? "the call ended well, but " : "nothing has changed: ";
    run_step(run, ActionStep::failed, what + found, cooldowns(run, core::Duration{0}), 0);
    if (reading->value != run.record.from) adopt(*run.spec, *reading);
    end(run);
    return;
  }
  if (reading && reading->ready) {
    // Neither the one nor the other: somebody else has changed it, and what this run did will never be known.
    run_step(run, ActionStep::unknown, found + ": what this run did will not be known", {}, 0);
    adopt(*run.spec, *reading);
    end(run);
    return;
  }
  if (run.record.step != ActionStep::unknown) run_step(run, ActionStep::unknown, found, {}, 0);
  again(longest_pause_unknown);
}

void Machine::Impl::verify(Run& run, core::Duration at_most) {
  const bool up = run.record.direction == Direction::up;
  if (run.record.step != ActionStep::verifying) {
    const std::string span = seconds(run.spec->clears_within);
    run_step(run, ActionStep::verifying,
             up ? "waits for the alert to clear within " + span : "watches for " + span + " whether more is asked for",
             {}, 0);
  }
  run.phase = Phase::verifying;
  run.until = now() + at_most;
  look(run);
}

void Machine::Impl::look(Run& run) {
  if (run.phase == Phase::pausing) {
    if (now() >= run.next) read_back(run);
    return;
  }
  if (run.phase != Phase::verifying) return;
  const std::string span = seconds(run.spec->clears_within);
  const bool over = now() >= run.until;
  if (run.record.direction == Direction::up) {
    if (run.resolved) {
      run_step(run, ActionStep::effective, "the alert has cleared", {}, 0);
      end(run);
    } else if (over && !stopping) {
      run_step(run, ActionStep::ineffective, "the alert has not cleared within " + span, {}, 0);
      end(run);
    }
    return;
  }
  if (asking_targets().contains(run.spec->target)) {
    run_step(run, ActionStep::ineffective, "an alert asks for more again", {}, 0);
    end(run);
  } else if (over && !stopping) {
    run_step(run, ActionStep::effective, "nothing has asked for more within " + span, {}, 0);
    end(run);
  }
}

/// Takes no new decision. What is verified goes on at the next start; what is not known is read back then.
void Machine::Impl::stop(bool abandon) {
  stopping = true;
  looks.clear();
  std::vector<std::string> targets;
  for (const auto& [target, run] : runs) targets.push_back(target);
  for (const std::string& target : targets) {
    Run& run = runs.at(target);
    const bool reading = run.phase == Phase::reading_back || run.phase == Phase::pausing;
    const bool called = run.phase == Phase::calling && abandon;
    if (reading || called) {
      const char* const why =
          called ? "tocsin stopped before the call ended" : "tocsin stopped before the change was seen";
      if (run.record.step != ActionStep::unknown) run_step(run, ActionStep::unknown, why, {}, 0);
      end(run);
    } else if (run.phase == Phase::verifying || abandon) {
      end(run);
    }
  }
}

}  // namespace tocsin::actions
