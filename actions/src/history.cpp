#include "src/history.hpp"

#include <algorithm>
#include <set>

namespace tocsin::actions {
namespace {

using core::ActionStep;

constexpr std::size_t max_runs = 64;         // of one action that are remembered
constexpr std::size_t max_started = 10'000;  // of all actions, for the limits

}  // namespace

bool begun(ActionStep step) {
  switch (step) {
    case ActionStep::proposed:
    case ActionStep::shadow:
    case ActionStep::skipped:
    case ActionStep::adopted:
    case ActionStep::ordered:
      return false;
    default:
      return true;
  }
}

bool unsettled(ActionStep step) {
  switch (step) {
    case ActionStep::claimed:
    case ActionStep::preflight:
    case ActionStep::started:
    case ActionStep::unknown:
    case ActionStep::succeeded:
    case ActionStep::verifying:
      return true;
    default:
      return false;
  }
}

History::History(const state::Remembered& remembered) {
  for (auto row = remembered.last_steps.rbegin(); row != remembered.last_steps.rend(); ++row) add(*row);
  // The rows above stand for whole runs; these say when calls were started, and are not counted twice.
  started_.clear();
  last_change_.clear();
  known_.clear();
  for (auto row = remembered.changes.rbegin(); row != remembered.changes.rend(); ++row) {
    if (row->step == ActionStep::started) add_started(*row);
    add_known(*row);
  }
  for (const auto& [key, at] : remembered.not_before) {
    // Before directions were told apart there was one cooldown for both.
    constexpr std::string_view old_prefix = "cooldown/";
    const std::string rest = key.starts_with(old_prefix) ? key.substr(old_prefix.size()) : std::string();
    if (!rest.empty() && !rest.starts_with("up/") && !rest.starts_with("down/")) {
      not_before_.try_emplace(cooldown_key(core::Direction::up, rest), at);
      not_before_.try_emplace(cooldown_key(core::Direction::down, rest), at);
    } else {
      not_before_[key] = at;
    }
  }
}

std::string History::cooldown_key(core::Direction direction, const std::string& target) {
  std::string key = "cooldown/";
  key.append(core::to_string(direction)).append("/").append(target);
  return key;
}

void History::add_started(const core::ActionRecord& record) {
  started_.push_back({record.target, record.at});
  if (started_.size() > max_started) started_.pop_front();
}

void History::add_known(const core::ActionRecord& record) {
  const Key key{record.action, record.target};
  if (record.step == ActionStep::succeeded) {
    last_change_[key] = record.at;
    known_[key] = Known{record.to, record.at, false, record.from};
    last_success_[{key, record.direction}] = record;
  } else if (record.step == ActionStep::adopted) {
    known_[key] = Known{record.to, record.at, true, record.from};
  }
}

void History::add(const core::ActionRecord& record) {
  if (record.step == ActionStep::started) add_started(record);
  add_known(record);

  const auto known = runs_.find(record.id);
  if (known != runs_.end()) {
    known->second = record;  // also `skipped`: a claim that was given up before anything was started is not used up
    return;
  }
  if (!begun(record.step)) return;
  runs_.emplace(record.id, record);
  std::deque<std::string>& ids = ids_[{record.action, record.target}];
  ids.push_back(record.id);
  if (ids.size() > max_runs) {
    runs_.erase(ids.front());
    ids.pop_front();
  }
}

void History::set_not_before(const std::string& key, core::TimePoint at) { not_before_[key] = at; }

void History::forget_before(core::TimePoint now) {
  std::erase_if(not_before_, [now](const auto& entry) {
    const bool lasting = entry.first.starts_with("rearmed/") || entry.first == run_key;
    return !lasting && entry.second < now;
  });
}

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

std::size_t History::other_targets(const std::string& target, core::Duration window, core::TimePoint now) const {
  std::set<std::string_view> others;
  for (const Started& one : started_) {
    if (one.at > now - window && one.target != target) others.insert(one.target);
  }
  return others.size();
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

const History::Known* History::known(const std::string& action, const std::string& target) const {
  const auto found = known_.find({action, target});
  return found != known_.end() ? &found->second : nullptr;
}

const core::ActionRecord* History::last_success(const std::string& action, const std::string& target,
                                                core::Direction direction) const {
  const auto found = last_success_.find({{action, target}, direction});
  return found != last_success_.end() ? &found->second : nullptr;
}

std::optional<core::TimePoint> History::last_change(const std::string& action, const std::string& target) const {
  const auto found = last_change_.find({action, target});
  if (found == last_change_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tocsin::actions
