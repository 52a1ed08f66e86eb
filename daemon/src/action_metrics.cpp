#include "src/action_metrics.hpp"

#include <algorithm>

#include "src/moments.hpp"

namespace tocsin::daemon {
namespace {

using actions::ActionStatus;
using core::ActionStep;
using Tags = GaugeFamily::Tags;

constexpr std::size_t longest_value = 64;  // of what a platform said

bool is_end(ActionStep step) {
  return step == ActionStep::effective || step == ActionStep::ineffective || step == ActionStep::failed ||
         step == ActionStep::unknown;
}

/// A platform may say anything; a label should not.
std::string label(std::string text) {
  text.resize(std::min(text.size(), longest_value));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return text;
}

Tags tags_of(const ActionStatus& a) { return {{"action", a.name}, {"target", a.target}}; }

Tags with(Tags tags, std::initializer_list<std::pair<const char*, std::string>> more) {
  for (const auto& [name, value] : more) tags[name] = label(value);
  return tags;
}

}  // namespace

void ActionMetrics::remember(const std::vector<core::ActionRecord>& rows) {
  for (const core::ActionRecord& row : rows) {
    if (row.step == ActionStep::succeeded) changes_.try_emplace(row.action, row);
    if (is_end(row.step)) ends_.try_emplace(row.action, row);
  }
}

void ActionMetrics::step(const core::ActionRecord& record) {
  if (record.step == ActionStep::succeeded) changes_[record.action] = record;
  if (is_end(record.step)) {
    ends_[record.action] = record;
  } else if (const auto end = ends_.find(record.action);
             end != ends_.end() && end->second.id == record.id && record.step == ActionStep::succeeded) {
    ends_.erase(end);  // it was unknown, and is known now
  }
}

std::vector<GaugeFamily> ActionMetrics::families(const std::vector<ActionStatus>& actions,
                                                 const std::vector<actions::Pause>& pauses) const {
  GaugeFamily running{"tocsin_action_running", "1 while a run of the action is under way.", {}};
  GaugeFamily breaker{"tocsin_action_breaker_open", "1 while the action is stopped after failures.", {}};
  GaugeFamily failures{"tocsin_action_failures_in_row", "Runs that failed or did not help, one after the other.", {}};
  GaugeFamily at_end{"tocsin_action_at_end", "1 while an alert asks for more, and there is no more.", {}};
  GaugeFamily paused{"tocsin_action_paused", "1 while something that a person paused holds the action.", {}};
  GaugeFamily step{"tocsin_action_step", "1 for the step that the newest run or decision is at.", {}};
  GaugeFamily awaiting{"tocsin_action_awaiting_approval", "1 for a proposal that waits for a person.", {}};
  GaugeFamily not_before{"tocsin_action_not_before_timestamp_seconds", "Before this the action does nothing.", {}};
  GaugeFamily drift{"tocsin_action_drift_timestamp_seconds", "When somebody else changed the target last.", {}};
  GaugeFamily change{"tocsin_action_last_change_timestamp_seconds", "When the action changed its target last.", {}};
  GaugeFamily end{"tocsin_action_last_end_timestamp_seconds", "When the action's last run ended, and how.", {}};
  GaugeFamily switches{"tocsin_actions_paused", "1 for each thing that a person has paused.", {}};
  for (const ActionStatus& a : actions) {
    const Tags tags = tags_of(a);
    running.values[tags] = a.running ? 1 : 0;
    breaker.values[tags] = a.breaker_open ? 1 : 0;
    failures.values[tags] = a.failures_in_row;
    at_end.values[tags] = a.at_end ? 1 : 0;
    paused.values[tags] = a.paused.empty() ? 0 : 1;
    if (a.at.time_since_epoch().count() != 0) step.values[with(tags, {{"step", std::string(to_string(a.step))}})] = 1;
    if (a.lapses) {
      awaiting.values[with(tags, {{"id", a.id}, {"from", a.from}, {"to", a.to}, {"lapses", clock(*a.lapses)}})] = 1;
    }
    if (a.not_before) not_before.values[with(tags, {{"direction", "up"}})] = core::to_seconds(*a.not_before);
    if (a.not_before_down)
      not_before.values[with(tags, {{"direction", "down"}})] = core::to_seconds(*a.not_before_down);
    if (a.drifted_at) {
      Tags where = with(tags, {{"from", a.drift_from}, {"to", a.drift_to}});
      if (!a.also_scaled_by.empty()) where["expected"] = label(a.also_scaled_by);
      drift.values[where] = core::to_seconds(*a.drifted_at);
    }
    if (const auto it = changes_.find(a.name); it != changes_.end())
      change.values[with(tags, {{"from", it->second.from}, {"to", it->second.to}})] = core::to_seconds(it->second.at);
    if (const auto it = ends_.find(a.name); it != ends_.end()) {
      const core::ActionRecord& r = it->second;
      end.values[with(tags, {{"step", std::string(to_string(r.step))}, {"from", r.from}, {"to", r.to}})] =
          core::to_seconds(r.at);
    }
  }
  for (const actions::Pause& pause : pauses) switches.values[{{"what", label(pause.what)}}] = 1;
  return {running, breaker, failures, at_end, paused, step, awaiting, not_before, drift, change, end, switches};
}

}  // namespace tocsin::daemon
