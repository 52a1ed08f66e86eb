// What people see: the state of each action, what is paused, and what would be done now.
#include <fmt/format.h>

#include <algorithm>

#include "src/change.hpp"
#include "src/machine_impl.hpp"
#include "src/placeholders.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::Direction;

std::string mode_words(const ActionSpec& spec, bool journal) {
  std::string words(to_string(spec.mode));
  if (!journal && spec.mode != Mode::shadow) return "shadow (no data folder)";
  return words;
}

std::optional<core::TimePoint> ahead(std::optional<core::TimePoint> at, core::TimePoint now) {
  return at && *at > now ? at : std::nullopt;
}

}  // namespace

std::vector<ActionStatus> Machine::Impl::status(core::TimePoint at) const {
  std::vector<ActionStatus> all;
  for (const Spec& spec : specs) {
    ActionStatus one;
    one.name = spec->name;
    one.target = spec->target;
    one.mode = mode_words(*spec, journal);
    one.mode_set = to_string(spec->mode);
    one.also_scaled_by = spec->also_scaled_by;
    if (const auto last = shown.find(spec->name); last != shown.end()) {
      const core::ActionRecord& record = last->second;
      one.step = record.step;
      one.direction = record.direction;
      one.id = record.id;
      one.at = record.at;
      one.last_reason = record.reason;
      one.inputs = record.inputs;
      one.by = record.by;
      one.from = record.from;
      one.to = record.to;
    }
    const auto run = runs.find(spec->target);
    one.running = run != runs.end() && run->second.record.action == spec->name;
    if (const auto read = present.find(spec->name); read != present.end()) one.present = read->second;
    one.last_change = history.last_change(spec->name, spec->target);
    one.not_before = ahead(history.not_before(History::cooldown_key(Direction::up, spec->target)), at);
    one.not_before_down = ahead(history.not_before(History::cooldown_key(Direction::down, spec->target)), at);
    one.failures_in_row = history.failures_in_row(spec->name, spec->target);
    one.breaker_open = spec->breaker_after > 0 && one.failures_in_row >= spec->breaker_after;
    one.at_end = at_end.contains(spec->name);
    for (const Proposal& proposal : proposals) {
      // What waits for a person is what they are shown, whatever was said of the action since.
      if (proposal.record.action != spec->name) continue;
      one.lapses = proposal.lapses;
      one.step = ActionStep::awaiting_approval;
      one.direction = proposal.record.direction;
      one.id = proposal.record.id;
      one.from = proposal.record.from;
      one.to = proposal.record.to;
      one.inputs = proposal.record.inputs;
    }
    one.paused = paused(history, spec->name, Direction::up, at);
    if (one.paused.empty() && spec->down) one.paused = paused(history, spec->name, Direction::down, at);
    if (const auto* known = history.known(spec->name, spec->target); known != nullptr && known->adopted) {
      one.drift_from = known->before;
      one.drift_to = known->value;
      one.drifted_at = known->at;
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<Pause> Machine::Impl::pauses(core::TimePoint at) const {
  std::vector<Pause> all;
  for (const auto& [key, until] : history.deadlines()) {
    constexpr std::string_view of_all = "pause/";
    constexpr std::string_view of_action = "pause/action/";
    if (!key.starts_with(of_all) || until <= at) continue;
    const std::size_t skip = key.starts_with(of_action) ? of_action.size() : of_all.size();
    Pause pause;
    pause.what = key.substr(skip);
    if (until < for_good()) pause.until = until;
    all.push_back(std::move(pause));
  }
  return all;
}

std::vector<PlanNeed> Machine::Impl::plan_needs() const {
  std::vector<PlanNeed> needs;
  for (const Spec& spec : specs) {
    PlanNeed need;
    need.spec = spec;
    if (spec->count && spec->count->target_value) need.query = spec->count->of;
    const core::Alert* alert = strongest(*spec, Direction::up);
    if (alert == nullptr && all_agree_to_less(spec->target)) alert = strongest(*spec, Direction::down);
    if (alert != nullptr) need.labels = alert->labels;
    needs.push_back(std::move(need));
  }
  return needs;
}

std::vector<Plan> Machine::Impl::plan(const std::vector<PlanInput>& learnt) const {
  std::vector<Plan> all;
  for (const PlanInput& input : learnt) {
    const auto found =
        std::find_if(specs.begin(), specs.end(), [&](const Spec& one) { return one->name == input.action; });
    if (found != specs.end()) all.push_back(plan_of(**found, input));
  }
  return all;
}

Plan Machine::Impl::plan_of(const ActionSpec& spec, const PlanInput& input) const {
  Plan plan;
  plan.action = spec.name;
  plan.target = spec.target;
  const auto against = [&plan](std::string why) {
    if (!why.empty()) plan.against.push_back(std::move(why));
  };
  const core::Alert* alert = strongest(spec, Direction::up);
  if (alert == nullptr && all_agree_to_less(spec.target)) {
    alert = strongest(spec, Direction::down);
    if (alert != nullptr) plan.direction = Direction::down;
  }
  plan.asked_for = alert != nullptr;
  const Episode episode = alert != nullptr ? episode_of(*alert) : Episode{};
  Situation now_is = situation(spec, plan.direction, episode, Stage::proposal);
  now_is.busy = busy(spec.target);
  std::optional<double> value;
  if (alert != nullptr) value = alert->value;
  if (input.value) {
    if (*input.value) {
      value = **input.value;
    } else {
      against("the value of " + spec.count->of + " could not be had: " + input.value->error().detail);
    }
  }
  std::string no_change;
  if (input.reading) {
    plan.present = input.reading->value;
    plan.inputs = fmt::format("present={} value={}", plan.present, value ? fmt::format("{:.6g}", *value) : "none");
    const auto place = place_of(spec, plan.present);
    const auto wanted = place ? wanted_place(spec, plan.direction, *place, value) : place;
    const auto change =
        wanted ? change_towards(spec, plan.direction, *place, *wanted) : core::Result<Change>(wanted.error());
    if (change) {
      plan.wanted = change->to;
      now_is.more_than_before = may_preempt(spec, last_growth(spec), *wanted, now());
      no_change = out_of_bounds(spec, plan.direction, *change);
      const Placeholders values{change->from,         change->to, spec.target,
                                std::string(32, '0'), 1,          alert != nullptr ? alert->labels : core::Labels()};
      if (no_change.empty() && alert != nullptr) no_change = unfit(spec, spec.set, values);
    } else {
      no_change = change.error().detail;
    }
  }
  if (alert == nullptr) against("no alert asks for it: " + spec.when_alert + " does not fire");
  for (std::string& why : obstacles(now_is)) {
    if (alert != nullptr || why != "the alert no longer fires") against(std::move(why));
  }
  against(against_reading(input.reading));
  against(std::move(no_change));
  if (input.suppression) against(against_suppression(*input.suppression));
  if (spec.mode == Mode::shadow) against("mode shadow: it would only be said");
  if (!journal) against("there is no data folder to write it down");
  if (spec.mode == Mode::approve) against("mode approve: somebody must approve it first");
  return plan;
}

}  // namespace tocsin::actions
