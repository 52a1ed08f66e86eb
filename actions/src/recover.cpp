// After a restart: what was begun and has no result is read back, and never run again.
#include <algorithm>

#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;

/// How long a verification goes on after a start, at least: the rules need a while to say again what fires.
constexpr core::Duration grace = std::chrono::minutes{2};

core::ActionRecord given_up(core::ActionRecord record, core::TimePoint now) {
  record.reason = "tocsin stopped in the middle (last step " + std::string(core::to_string(record.step)) +
                  "), and the action is not configured any more or was run again: not read back";
  record.step = ActionStep::unknown;
  record.at = now;
  return record;
}

}  // namespace

void Executor::Impl::recover(const std::shared_ptr<Impl>& self) {
  if (journal == nullptr) return;
  const core::TimePoint now = hooks.clock();
  const state::Remembered& remembered = journal->remembered();
  for (const core::ActionRecord& last : remembered.last_steps) {  // newest first: the first one of an action counts
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const Spec& one) {
      return one->name == last.action && one->target == last.target;
    });
    if (begun(last.step) && spec != specs.end()) shown.emplace(last.action, last);
    if (!unsettled(last.step)) continue;
    const auto before = history.runs_of(last.action, last.target);
    const bool newest = !before.empty() && before.back()->id == last.id;
    if (spec != specs.end() && newest && !runs.contains(last.target)) {
      spawn("recovery of " + last.action, resume(self, begin(*spec, last)));
    } else if (last.step == ActionStep::claimed || last.step == ActionStep::started) {
      const core::ActionRecord record = given_up(last, now);
      note(record, std::nullopt);
      journal->append(record, std::nullopt, nullptr);
    }
  }
  if (!remembered.note.empty()) {
    // Nobody knows what was changed lately: one cooldown passes before anything is changed again.
    for (const Spec& spec : specs) {
      core::ActionRecord record;
      record.id = decision_id(spec->name, spec->target, Episode{"damaged journal", now});
      record.action = spec->name;
      record.target = spec->target;
      record.step = ActionStep::skipped;
      record.at = now;
      record.reason = "a cooldown begins: " + remembered.note;
      const NotBefore wait(std::in_place, History::cooldown_key(spec->target), now + spec->cooldown_up);
      note(record, wait);
      journal->append(record, wait, nullptr);
    }
  }
  publish();
}

net::Task<void> Executor::Impl::resume(std::shared_ptr<Impl> self, std::shared_ptr<Run> run) {
  if (self->closed) co_return;
  const RunEnds ends(*self, *run);
  const ActionSpec& spec = *run->spec;
  const core::Duration since = self->hooks.clock() - run->record.at;
  if (run->record.step == ActionStep::succeeded || run->record.step == ActionStep::verifying) {
    const core::Duration left = std::max(spec.clears_within - since, std::min(spec.clears_within, grace));
    co_await verify(self, run, std::min(left, spec.clears_within));
    co_return;
  }
  if (run->record.step != ActionStep::unknown) {
    const std::string why = "tocsin stopped in the middle (last step " +
                            std::string(core::to_string(run->record.step)) + "); it is read back";
    co_await write(self, run, ActionStep::unknown, why, std::nullopt);
    if (self->closed) co_return;
  }
  const core::Duration whole = spec.timeout + spec.timeout + spec.provisioning;
  const core::Duration left = std::clamp(whole - since, core::Duration{0}, whole);
  co_await settle(self, run, left, false);
}

}  // namespace tocsin::actions
