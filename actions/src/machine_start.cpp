// After a restart: what was begun and has no result is read back, and never run again.
#include <algorithm>

#include "src/machine_impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;

/// How long a verification goes on after a start, at least: the rules need a while to say again what fires.
constexpr core::Duration grace = std::chrono::minutes{2};

}  // namespace

void Machine::Impl::take_up(const state::Remembered& found) {
  for (const core::ActionRecord& last : found.last_steps) {  // newest first: the first one of an action counts
    if (last.step == ActionStep::awaiting_approval || unsettled(last.step)) continue;
    if (begun(last.step)) shown.try_emplace(last.action, last);
  }
  for (const core::ActionRecord& last : found.last_steps) {
    if (last.step == ActionStep::awaiting_approval) {
      const auto spec = std::find_if(specs.begin(), specs.end(), [&](const Spec& one) {
        return one->name == last.action && one->target == last.target && one->mode == Mode::approve;
      });
      const auto lapses = history.not_before(History::approval_key(last.id));
      if (spec != specs.end() && lapses) {
        shown[last.action] = last;
        proposals.insert(proposals.begin(), Proposal{*spec, last, *lapses});
      } else {
        drop(Proposal{nullptr, last, now()}, "tocsin was restarted, and the action is not configured so any more", "",
             false);
      }
    } else if (unsettled(last.step)) {
      take_up_run(last);
    }
  }
  if (found.note.empty()) return;
  // Nobody knows what was changed lately: one cooldown passes before anything is changed again.
  for (const Spec& spec : specs) {
    core::ActionRecord record;
    record.id = decision_id(spec->name, spec->target, Episode{"damaged journal", now()});
    record.action = spec->name;
    record.target = spec->target;
    record.step = ActionStep::skipped;
    record.reason = "a cooldown begins: " + found.note;
    write(std::move(record),
          {{History::cooldown_key(core::Direction::up, spec->target), now() + spec->cooldown_up},
           {History::cooldown_key(core::Direction::down, spec->target), now() + spec->cooldown_down}},
          0);
  }
}

void Machine::Impl::take_up_run(const core::ActionRecord& last) {
  core::ActionRecord record = last;
  const core::Duration since = now() - last.at;
  const std::string step(core::to_string(last.step));
  const auto spec = std::find_if(specs.begin(), specs.end(), [&](const Spec& one) {
    return one->name == last.action && one->target == last.target;
  });
  if (last.step == ActionStep::claimed || last.step == ActionStep::preflight) {
    // `started` is on disk before a call is made: there was none. What the claim has put off is as the last change left
    // it: it may have been ahead of its cooldown.
    record.step = ActionStep::skipped;
    record.reason = "tocsin stopped before anything was started (last step " + step + ")";
    core::TimePoint free = now();
    const core::ActionRecord* const before = history.last_success(last.action, last.target, last.direction);
    if (before != nullptr && spec != specs.end()) {
      const bool up = last.direction == core::Direction::up;
      free = std::max(free, before->at + (up ? (*spec)->cooldown_up : (*spec)->cooldown_down));
    }
    write(std::move(record), {{History::cooldown_key(last.direction, last.target), free}}, 0);
    return;
  }
  const auto before = history.runs_of(last.action, last.target);
  const bool newest = !before.empty() && before.back()->id == last.id;
  if (spec == specs.end() || !newest || runs.contains(last.target)) {
    if (last.step != ActionStep::started) return;
    record.step = ActionStep::unknown;
    record.reason =
        "tocsin stopped in the middle (last step started), and the action is not configured any more or was run again: "
        "not read back";
    write(std::move(record), {}, 0);
    return;
  }
  Run& run = runs.insert_or_assign(last.target, Run(*spec, last, Episode{last.alert, core::TimePoint{}})).first->second;
  shown[last.action] = last;
  if (last.step == ActionStep::succeeded || last.step == ActionStep::verifying) {
    const core::Duration left = std::max((*spec)->clears_within - since, std::min((*spec)->clears_within, grace));
    verify(run, std::min(left, (*spec)->clears_within));
    return;
  }
  if (last.step == ActionStep::started)
    run_step(run, ActionStep::unknown, "tocsin stopped in the middle (last step started); it is read back", {}, 0);
  const core::Duration whole = (*spec)->timeout + (*spec)->timeout + (*spec)->provisioning;
  begin_reading_back(run, std::clamp(whole - since, core::Duration{0}, whole));
}

}  // namespace tocsin::actions
