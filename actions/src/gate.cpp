#include "src/gate.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "src/change.hpp"
#include "src/placeholders.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions {
namespace {

using core::Direction;

constexpr core::Duration month = std::chrono::hours{30 * 24};

/// What the alert itself says against acting.
std::string against_alert(const Situation& s) {
  if (s.alert == nullptr || s.alert->state != core::AlertState::firing) return "the alert no longer fires";
  if (episode_of(*s.alert) != s.episode) return "the alert was resolved and fires anew";
  return against_data(*s.alert, s.moment->now);
}

std::string against_maintenance(const Situation& s) {
  if (!s.settings->maintenance || s.alert == nullptr) return {};
  const std::string why = s.settings->maintenance(s.alert->labels, s.moment->now);
  return why.empty() ? std::string() : "maintenance: " + why;
}

bool most(std::size_t part, std::size_t whole, const Guard& guard) {
  return part >= guard.breaching_at_least && static_cast<double>(part) > guard.breaching * static_cast<double>(whole);
}

/// When nearly all is sick at once it is rather the one who looks that is sick.
std::string against_surroundings(const Situation& s) {
  const Surroundings& around = s.moment->around;
  const Guard& guard = s.settings->guard;
  if (around.cut_off) return "tocsin itself is cut off from the network";
  const auto words = [](std::size_t part, std::size_t whole, const char* what) {
    return std::to_string(part) + " of " + std::to_string(whole) + what + ": the monitor suspects itself";
  };
  if (most(around.failing, around.targets, guard))
    return words(around.failing, around.targets, " targets fail at once");
  if (most(s.asking_targets, s.all_targets, guard))
    return words(s.asking_targets, s.all_targets, " targets of actions ask for a change at once");
  return {};
}

std::string limit_words(const RateLimit& limit, std::size_t count, const std::string& of) {
  return "limit: " + std::to_string(count) + " " + of + " within " + seconds(limit.window) + ", " +
         std::to_string(limit.count) + " are allowed";
}

std::string over_limit(const Situation& s) {
  const core::TimePoint now = s.moment->now;
  const ActionSpec& spec = *s.spec;
  const Guard& guard = s.settings->guard;
  if (spec.per_target) {
    const std::size_t count = s.history->started(spec.target, spec.per_target->window, now);
    if (count >= spec.per_target->count) return limit_words(*spec.per_target, count, "changes of " + spec.target);
  }
  for (const std::optional<RateLimit>& limit : {spec.all, guard.changes}) {
    if (!limit) continue;
    const std::size_t count = s.history->started_all(limit->window, now);
    if (count >= limit->count) return limit_words(*limit, count, "changes of all targets");
  }
  if (guard.targets) {
    const std::size_t count = s.history->other_targets(spec.target, guard.targets->window, now);
    if (count >= guard.targets->count) return limit_words(*guard.targets, count, "other targets changed");
  }
  if (guard.per_month) {
    const std::size_t count = s.history->started_all(month, now);
    if (count >= *guard.per_month)
      return limit_words(RateLimit{*guard.per_month, month}, count, "changes of all targets (guard.per_month)");
  }
  return {};
}

std::string against_cooldown(const Situation& s) {
  const core::TimePoint now = s.moment->now;
  if (s.known != nullptr && s.known->adopted && now < s.known->at + s.spec->provisioning)
    return "somebody else changed it to " + s.known->value + ": it has time until " +
           utc(s.known->at + s.spec->provisioning);
  const auto until = s.history->not_before(History::cooldown_key(s.direction, s.spec->target));
  if (until && now < *until && !s.more_than_before) {
    std::string words = "cooldown";
    if (s.direction == Direction::down) words += " for going down";
    return words + " until " + utc(*until);
  }
  return {};
}

std::string against_breaker(const Situation& s) {
  const unsigned failures = s.history->failures_in_row(s.spec->name, s.spec->target);
  if (s.spec->breaker_after == 0 || failures < s.spec->breaker_after) return {};
  return "the breaker is open: " + std::to_string(failures) +
         " runs in a row failed or did not help (tocsin actions rearm " + s.spec->name + ")";
}

}  // namespace

std::vector<std::string> obstacles(const Situation& s) {
  std::vector<std::string> all;
  const auto add = [&all](std::string why) {
    if (!why.empty()) all.push_back(std::move(why));
  };
  if (s.stopping) add("tocsin is stopping");
  add(against_alert(s));
  add(paused(*s.history, s.spec->name, s.direction, s.moment->now));
  add(against_maintenance(s));
  add(against_surroundings(s));
  if (s.direction == Direction::down && !s.all_agree)
    add("an alert asks for more, or not every action on the target says any more that less would do");
  if (!s.busy.empty()) add(s.busy);
  add(against_breaker(s));
  if (s.stage == Stage::proposal) add(against_cooldown(s));
  if (s.stage != Stage::call) add(over_limit(s));
  return all;
}

std::string withdrawn(const Situation& s) {
  const auto all = obstacles(s);
  return all.empty() ? std::string() : all.front();
}

std::string against_data(const core::Alert& alert, core::TimePoint now) {
  if (alert.held) return "the alert's data is missing, it is only held";
  if (alert.keep_firing_since) return "the alert's expression is silent, it is only kept firing";
  if (alert.valid_until != core::TimePoint{} && alert.valid_until < now)
    return "the alert is out of date: nothing has confirmed it";
  return {};
}

std::string against_reading(const core::Result<Reading>& reading) {
  if (!reading) return "the present value could not be read: " + reading.error().detail;
  if (!reading->ready) return "the target is not ready: " + reading->not_ready;
  return {};
}

std::string against_suppression(const core::Suppression& found) {
  std::string by;
  for (const std::string& one : found.by) by.append(by.empty() ? " by " : ", ").append(one);
  switch (found.state) {
    case core::Suppression::State::none:
      return {};
    case core::Suppression::State::silenced:
      return "the alert is silenced" + by;
    case core::Suppression::State::inhibited:
      return "the alert is inhibited" + by;
    case core::Suppression::State::unknown:
      break;
  }
  std::string words = "held: Alertmanager could not say whether the alert is silenced";
  if (!found.detail.empty()) words.append(": ").append(found.detail);
  return words;
}

bool may_preempt(const ActionSpec& spec, const core::ActionRecord* last, std::int64_t wanted, core::TimePoint now) {
  if (!spec.count || !spec.count->target_value) return false;
  if (last == nullptr || now < last->at + spec.provisioning) return false;
  const auto given = core::parse_number<std::int64_t>(last->to);
  return given && wanted > *given;
}

std::string pause_key(const std::string& action, std::optional<Direction> direction) {
  std::string key = "pause/";
  if (action.empty()) return key.append(direction ? core::to_string(*direction) : "all");
  key.append("action/").append(action);
  if (direction) key.append("/").append(core::to_string(*direction));
  return key;
}

std::string paused(const History& history, const std::string& action, Direction direction, core::TimePoint now) {
  const std::array<std::pair<std::string, std::string>, 4> keys{
      {{pause_key("", std::nullopt), "all actions are paused"},
       {pause_key("", direction), "going " + std::string(core::to_string(direction)) + " is paused"},
       {pause_key(action, std::nullopt), "the action is paused"},
       {pause_key(action, direction), "the action's going " + std::string(core::to_string(direction)) + " is paused"}}};
  for (const auto& [key, words] : keys) {
    const auto until = history.not_before(key);
    if (!until || *until <= now) continue;
    return *until >= for_good() ? words + " until somebody resumes it" : words + " until " + utc(*until);
  }
  return {};
}

core::TimePoint for_good() { return core::from_millis(253'402'300'799'000); }

bool asks_for_more(const ActionSpec& spec, const core::Labels& labels) {
  return labels.get("alertname") == spec.when_alert && core::matches_all(spec.when, labels);
}

bool asks_for_less(const ActionSpec& spec, const core::Labels& labels) {
  return spec.down && labels.get("alertname") == spec.down->when_alert && core::matches_all(spec.down->when, labels);
}

std::string utc(core::TimePoint at) {
  const std::time_t time = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text.data(), length);
}

std::string seconds(core::Duration span) {
  std::string text = std::to_string(span.count() / 1000);
  std::string rest = std::to_string(1000 + span.count() % 1000).substr(1);
  rest.erase(rest.find_last_not_of('0') + 1);
  if (!rest.empty()) text.append(".").append(rest);
  return text.append(" s");
}

core::Result<Permit> Gate::pass(const Situation& s, const core::ActionRecord& claimed, const Reading& reading,
                                const core::Suppression& suppression, std::uint64_t key) {
  const auto refuse = [](std::string why) {
    return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
  };
  if (std::string why = withdrawn(s); !why.empty()) return refuse(std::move(why));
  if (std::string why = against_suppression(suppression); !why.empty()) return refuse(std::move(why));
  if (std::string why = against_reading(reading); !why.empty()) return refuse(std::move(why));
  if (reading.value != claimed.from)
    return refuse("it was changed meanwhile: read " + reading.value + " instead of " + claimed.from);
  Change change{claimed.from, claimed.to};
  if (std::string why = out_of_bounds(*s.spec, s.direction, change); !why.empty()) return refuse(std::move(why));
  const Placeholders values{change.from, change.to, s.spec->target, claimed.id, key, s.alert->labels};
  if (std::string why = unfit(*s.spec, s.spec->set, values); !why.empty()) return refuse(std::move(why));
  return Permit(std::move(change), claimed.id, key, reading.version, s.alert->labels);
}

}  // namespace tocsin::actions
