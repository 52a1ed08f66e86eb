// What speaks against a change at the moment it is made: one rule after the other.
#include "actions/model_referee.hpp"

#include <algorithm>
#include <cmath>

#include "tocsin/core/matcher.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using core::Direction;

bool bad(ActionStep step) {
  return step == ActionStep::ineffective || step == ActionStep::failed || step == ActionStep::unknown;
}

std::int64_t number(const std::string& text) { return core::parse_number<std::int64_t>(text).value_or(-1); }

std::string seconds(core::Duration span) { return std::to_string(span.count() / 1000) + " s"; }

}  // namespace

const Referee::Run* Referee::last_made(const std::string& target, std::optional<Direction> direction,
                                       const std::string& but) const {
  const Run* last = nullptr;
  for (const auto& [id, run] : runs_) {
    if (!run.made_at || run.target != target || id == but) continue;
    if (direction && run.direction != *direction) continue;
    if (last == nullptr || run.number > last->number) last = &run;
  }
  return last;
}

bool Referee::may_preempt(const ActionSpec& spec, const Run& run) const {
  if (run.direction != Direction::up || !spec.count || !spec.count->target_value) return false;
  const Run* before = nullptr;
  for (const auto& [id, one] : runs_) {
    if (id == run.id || one.target != run.target || one.direction != Direction::up || !one.succeeded_at) continue;
    if (before == nullptr || *one.succeeded_at > *before->succeeded_at) before = &one;
  }
  const Run* last = last_made(run.target, Direction::up, run.id);
  return before != nullptr && last == before && number(run.change.to) > number(before->change.to) &&
         now_ >= *before->succeeded_at + spec.provisioning;
}

Referee::Against Referee::judge(const Settings& settings, const ActionSpec& spec, const Run& run,
                                const MakeChange& make, const Moment& moment) const {
  if (auto against = against_mode(spec, run)) return against;
  if (auto against = against_others(run)) return against;
  if (auto against = against_bounds(spec, run)) return against;
  if (auto against = against_data(spec, run, make)) return against;
  if (run.direction == Direction::down) {
    if (auto against = against_down(settings, spec)) return against;
  }
  if (auto against = against_stabilization(spec, run)) return against;
  if (auto against = against_limits(settings, spec, run)) return against;
  if (auto against = against_cooldown(spec, run)) return against;
  if (auto against = against_breaker(spec, run)) return against;
  if (auto against = against_people(settings, spec, run, make)) return against;
  if (auto against = against_drift(spec, run)) return against;
  return against_surroundings(settings, moment);
}

Referee::Against Referee::against_mode(const ActionSpec& spec, const Run& run) const {
  if (spec.mode == Mode::shadow) return Violation{"shadow", "its mode is shadow"};
  if (run.rejected) return Violation{"approval", "it was rejected"};
  if (spec.mode == Mode::approve && !run.approved)
    return Violation{"approval", "nobody who may has approved it in time"};
  return std::nullopt;
}

Referee::Against Referee::against_others(const Run& run) const {
  for (const auto& [id, other] : runs_) {
    if (id == run.id || other.target != run.target || !other.made_at || settled(other.last) || other.lost) continue;
    return Violation{"one run a target", "the run of " + other.action + " (" + words(other.change) + ") is only " +
                                             std::string(core::to_string(other.last))};
  }
  return std::nullopt;
}

Referee::Against Referee::against_bounds(const ActionSpec& spec, const Run& run) const {
  const auto wrong = [](std::string why) { return Violation{"bounds", std::move(why)}; };
  if (run.direction == Direction::down && !spec.down) return wrong("it may only grow");
  if (spec.count) return against_count(spec, run);
  const auto from = std::find(spec.ladder.begin(), spec.ladder.end(), run.change.from);
  const auto to = std::find(spec.ladder.begin(), spec.ladder.end(), run.change.to);
  if (from == spec.ladder.end() || to == spec.ladder.end()) return wrong("not on the ladder");
  if (to - from != (run.direction == Direction::up ? 1 : -1)) return wrong("not one rung");
  return std::nullopt;
}

Referee::Against Referee::against_count(const ActionSpec& spec, const Run& run) const {
  const CountSpec& count = *spec.count;
  const std::int64_t from = number(run.change.from);
  const std::int64_t to = number(run.change.to);
  const auto wrong = [](std::string why) { return Violation{"bounds", std::move(why)}; };
  if (from < 0 || to < 0) return wrong("no whole number");
  if (to < count.min || to > count.max) return wrong("out of the bounds");
  if ((to > from) != (run.direction == Direction::up) || to == from) return wrong("another direction than it says");
  const std::int64_t far = std::abs(to - from);
  const bool repairs = from < count.min && to == count.min;
  if (count.max_step && far > *count.max_step && !repairs) return wrong("more than max_step at once");
  if (count.target_value) return against_wanted(spec, run, to);
  if (run.direction == Direction::down)
    return far > spec.down->step ? Against(wrong("more than the step down")) : std::nullopt;
  const auto part = count.percent
                        ? static_cast<std::int64_t>(std::ceil(static_cast<double>(from) * *count.percent / 100))
                        : count.step;
  if (far > std::max<std::int64_t>(part, 1) && !repairs) return wrong("more than the step up");
  return std::nullopt;
}

Referee::Against Referee::against_wanted(const ActionSpec& spec, const Run& run, std::int64_t to) const {
  const CountSpec& count = *spec.count;
  std::optional<double> most, least;
  const auto see = [&](double value) {
    most = std::max(most.value_or(value), value);
    least = std::min(least.value_or(value), value);
  };
  if (!count.of.empty()) {
    const auto value = values_.find(count.of);
    if (value == values_.end() || !value->second.first || value->second.second < run.claimed)
      return Violation{"data", "its value was not had"};
    see(*value->second.first);
  } else {
    for (const auto& [labels, one] : told_) {
      if (!(run.direction == Direction::up ? asks_up(spec, labels) : asks_down(spec, labels)) || !one.fires) continue;
      for (auto value = one.values.rbegin(); value != one.values.rend(); ++value) {
        see(value->second);
        if (value->first < run.claimed_at) break;
      }
    }
  }
  if (!most) return std::nullopt;
  const auto wanted = [&](double value) {
    const double part = std::min(std::ceil(value / *count.target_value), static_cast<double>(count.max));
    return std::max(static_cast<std::int64_t>(part), count.min);
  };
  if (run.direction == Direction::up && to > wanted(*most))
    return Violation{"bounds", "more than is wanted, " + std::to_string(wanted(*most))};
  if (run.direction == Direction::down && !count.of.empty() && to < wanted(*least))
    return Violation{"bounds", "less than is wanted, " + std::to_string(wanted(*least))};
  return std::nullopt;
}

Referee::Against Referee::against_limits(const Settings& settings, const ActionSpec& spec, const Run& run) const {
  // A change counts from when it was written down; those before this one.
  const auto since = [&](core::Duration window, const std::string& target) {
    return static_cast<std::size_t>(std::count_if(runs_.begin(), runs_.end(), [&](const auto& pair) {
      const Run& one = pair.second;
      return one.made_at && one.id != run.id && one.started_at > now_ - window &&
             (target.empty() || one.target == target);
    }));
  };
  const auto over = [&](const char* what) { return Violation{"limits", std::string("over the limit ") + what}; };
  if (spec.per_target && since(spec.per_target->window, spec.target) >= spec.per_target->count)
    return over("per_target");
  if (spec.all && since(spec.all->window, "") >= spec.all->count) return over("all");
  const Guard& guard = settings.guard;
  if (guard.changes && since(guard.changes->window, "") >= guard.changes->count) return over("guard.changes");
  if (guard.per_month && since(std::chrono::hours(24 * 30), "") >= *guard.per_month) return over("guard.per_month");
  if (guard.targets) {
    std::set<std::string> targets{run.target};
    for (const auto& [id, one] : runs_) {
      if (one.made_at && one.started_at > now_ - guard.targets->window) targets.insert(one.target);
    }
    if (targets.size() > guard.targets->count) return over("guard.targets");
  }
  return std::nullopt;
}

Referee::Against Referee::against_cooldown(const ActionSpec& spec, const Run& run) const {
  const Run* same = last_made(run.target, run.direction, run.id);
  if (same != nullptr && same->settings) {
    const ActionSpec* before = spec_of(*same->settings, same->action);
    const core::Duration cooldown = run.direction == Direction::up ? before->cooldown_up : before->cooldown_down;
    if (now_ < *same->made_at + cooldown && !may_preempt(spec, run))
      return Violation{"cooldown", "the last change was only " + seconds(now_ - *same->made_at) +
                                       " ago, the cooldown is " + seconds(cooldown)};
  }
  if (run.direction == Direction::down) return std::nullopt;
  const Run* down = last_made(run.target, Direction::down, run.id);
  if (down != nullptr && down->settings && down->succeeded_at) {
    const ActionSpec* before = spec_of(*down->settings, down->action);
    if (now_ < *down->succeeded_at + before->provisioning)
      return Violation{"cooldown", "the platform may still be at work on the last change"};
  }
  return std::nullopt;
}

Referee::Against Referee::against_breaker(const ActionSpec& spec, const Run& run) const {
  std::vector<const Run*> before;
  for (const auto& [id, one] : runs_) {
    if (one.made_at && id != run.id && one.action == run.action && one.target == run.target) before.push_back(&one);
  }
  std::sort(before.begin(), before.end(), [](const Run* a, const Run* b) { return a->number < b->number; });
  const auto rearmed = rearmed_.find(run.action);
  unsigned in_row = 0;
  for (const Run* one : before) {
    if (one->last == ActionStep::effective) in_row = 0;
    if (bad(one->last) && (rearmed == rearmed_.end() || one->last_at > rearmed->second)) ++in_row;
  }
  if (spec.breaker_after == 0 || in_row < spec.breaker_after) return std::nullopt;
  return Violation{"breaker", std::to_string(in_row) + " runs in a row were bad"};
}

Referee::Against Referee::against_data(const ActionSpec& spec, const Run& run, const MakeChange& make) const {
  const auto told = told_.find(make.permit.labels());
  const bool up = run.direction == Direction::up;
  const auto unusable = [](std::string why) { return Violation{"data", std::move(why)}; };
  if (told == told_.end() || !told->second.fires) return unusable("its alert does not fire");
  if (!(up ? asks_up(spec, told->first) : asks_down(spec, told->first)))
    return unusable("its alert asks for something else");
  if (told->second.alert.held) return unusable("its alert is only held");
  if (told->second.alert.keep_firing_since) return unusable("its alert is only kept firing");
  if (told->second.alert.valid_until < now_) return unusable("its alert is out of date");
  const auto read = readings_.find(run.target);
  if (read == readings_.end() || read->second.asked < run.claimed) return unusable("it was not read again");
  if (!read->second.reading) return unusable("it could not be read");
  if (!read->second.reading->ready) return unusable("it is not ready");
  if (read->second.reading->value != run.change.from) return unusable("it is not where the change begins");
  if (read->second.reading->version != make.permit.version()) return Violation{"fence", "another version was read"};
  return std::nullopt;
}

Referee::Against Referee::against_down(const Settings& settings, const ActionSpec& spec) const {
  for (const ActionSpec& other : settings.actions) {
    if (other.target != spec.target) continue;
    if (any_fires(other, Direction::up, false)) return Violation{"down", "an alert asks " + other.name + " for more"};
    if (!any_fires(other, Direction::down, true))
      return Violation{"down", "nothing says that " + other.name + " agrees"};
  }
  return std::nullopt;
}

Referee::Against Referee::against_stabilization(const ActionSpec& spec, const Run& run) const {
  const bool up = run.direction == Direction::up;
  if (run.approved) return std::nullopt;  // the window was full when it was proposed
  const core::Duration window = up ? spec.stabilization_up : spec.stabilization_down;
  const auto since = fires_since_.find(up ? spec.when_alert : spec.down->when_alert);
  if (since != fires_since_.end() && since->second <= now_ - window) return std::nullopt;
  return Violation{"stabilization", "it is wanted for less than " + seconds(window)};
}

Referee::Against Referee::against_people(const Settings& settings, const ActionSpec& spec, const Run& run,
                                         const MakeChange& make) const {
  const std::string direction(core::to_string(run.direction));
  for (const std::string& key : {std::string("pause/all"), "pause/" + direction, "pause/action/" + run.action,
                                 "pause/action/" + run.action + "/" + direction}) {
    const auto until = pauses_.find(key);
    if (until != pauses_.end() && until->second > now_) return Violation{"pause", "it is paused by " + key};
  }
  const core::Labels& labels = make.permit.labels();
  if (settings.maintenance) {
    if (const std::string why = settings.maintenance(labels, now_); !why.empty())
      return Violation{"maintenance", "in maintenance: " + why};
  }
  const auto asked = suppressions_.find(labels);
  if (asked == suppressions_.end() || asked->second.second < run.claimed)
    return Violation{"silence", "Alertmanager was not asked after the claim"};
  if (asked->second.first.state != core::Suppression::State::none)
    return Violation{"silence", "Alertmanager keeps the alert from people, or could not say"};
  static_cast<void>(spec);
  return std::nullopt;
}

Referee::Against Referee::against_surroundings(const Settings& settings, const Moment& moment) const {
  const Surroundings& around = moment.around;
  if (around.cut_off) return Violation{"surroundings", "tocsin is cut off"};
  const Guard& guard = settings.guard;
  if (around.failing >= guard.breaching_at_least &&
      static_cast<double>(around.failing) > guard.breaching * static_cast<double>(around.targets))
    return Violation{"surroundings", "most of what is watched fails"};
  return std::nullopt;
}

Referee::Against Referee::against_drift(const ActionSpec& spec, const Run& run) const {
  const auto drifted = drifted_.find(run.target);
  if (drifted == drifted_.end() || now_ >= drifted->second + spec.provisioning) return std::nullopt;
  return Violation{"drift", "somebody else changed it " + seconds(now_ - drifted->second) + " ago"};
}

}  // namespace tocsin::actions::model
