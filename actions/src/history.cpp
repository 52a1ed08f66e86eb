#include "src/history.hpp"

#include <algorithm>

namespace tocsin::actions {
namespace {

using core::ActionStep;

constexpr std::size_t max_runs = 64;         // of one action that are remembered
constexpr std::size_t max_started = 10'000;  // of all actions, for the limits

}  // namespace

bool begun(ActionStep step) {
  return step != ActionStep::proposed && step != ActionStep::shadow && step != ActionStep::skipped;
}

bool unsettled(ActionStep step) {
  return step == ActionStep::claimed || step == ActionStep::started || step == ActionStep::unknown ||
         step == ActionStep::succeeded || step == ActionStep::verifying;
}

History::History(const state::Remembered& remembered) {
  for (auto row = remembered.last_steps.rbegin(); row != remembered.last_steps.rend(); ++row) add(*row);
  // The rows above stand for whole runs; these say when commands were started, and are not counted twice.
  started_.clear();
  for (auto row = remembered.changes.rbegin(); row != remembered.changes.rend(); ++row) {
    if (row->step == ActionStep::started) add_started(*row);
    if (row->step == ActionStep::succeeded) last_change_[{row->action, row->target}] = row->at;
  }
  for (const auto& [key, at] : remembered.not_before) not_before_[key] = at;
}

void History::add_started(const core::ActionRecord& record) {
  started_.push_back({record.target, record.at});
  if (started_.size() > max_started) started_.pop_front();
}

void History::add(const core::ActionRecord& record) {
  if (record.step == ActionStep::started) add_started(record);
  const std::pair<std::string, std::string> key{record.action, record.target};
  if (record.step == ActionStep::succeeded) last_change_[key] = record.at;

  const auto known = runs_.find(record.id);
  if (known != runs_.end()) {
    known->second = record;  // also `skipped`: a claim that was given up before anything was started is not used up
    return;
  }
  if (!begun(record.step)) return;
  runs_.emplace(record.id, record);
  std::deque<std::string>& ids = ids_[key];
  ids.push_back(record.id);
  if (ids.size() > max_runs) {
    runs_.erase(ids.front());
    ids.pop_front();
  }
}

void History::set_not_before(const std::string& key, core::TimePoint at) { not_before_[key] = at; }

const core::ActionRecord* History::run(const std::string& id) const {
  const auto found = runs_.find(id);
  return found != runs_.end() && begun(found->second.step) ? &found->second : nullptr;
}

std::vector<const core::ActionRecord*> History::runs_of(const std::string& action, const std::string& target) const {
  std::vector<const core::ActionRecord*> found;
  const auto ids = ids_.find({action, target});
  if (ids == ids_.end()) return found;
  for (const std::string& id : ids->second) {
    if (const core::ActionRecord* record = run(id)) found.push_back(record);
  }
  return found;
}

std::optional<core::TimePoint> History::not_before(const std::string& key) const {
  const auto found = not_before_.find(key);
  if (found == not_before_.end()) return std::nullopt;
  return found->second;
}

std::size_t History::started(const std::string& target, core::Duration window, core::TimePoint now) const {
  return static_cast<std::size_t>(std::count_if(started_.begin(), started_.end(), [&](const Started& one) {
    return one.target == target && one.at > now - window;
  }));
}

std::size_t History::started_all(core::Duration window, core::TimePoint now) const {
  return static_cast<std::size_t>(
      std::count_if(started_.begin(), started_.end(), [&](const Started& one) { return one.at > now - window; }));
}

unsigned History::failures_in_row(const std::string& action, const std::string& target) const {
  const auto rearmed = not_before(rearmed_key(action));
  unsigned failures = 0;
  for (const core::ActionRecord* record : runs_of(action, target)) {
    const bool bad = record->step == ActionStep::failed || record->step == ActionStep::ineffective ||
                     record->step == ActionStep::unknown;
    if (record->step == ActionStep::effective) failures = 0;
    if (bad && (!rearmed || record->at > *rearmed)) ++failures;
  }
  return failures;
}

std::optional<core::TimePoint> History::last_change(const std::string& action, const std::string& target) const {
  const auto found = last_change_.find({action, target});
  if (found == last_change_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tocsin::actions
