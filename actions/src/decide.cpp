#include "src/decide.hpp"

#include <array>
#include <chrono>
#include <ctime>

#include "src/command.hpp"

namespace tocsin::actions {
namespace {

using Next = Decision::Next;

/// What the alert itself says against acting.
std::string against_alert(const Situation& s) {
  if (s.alert == nullptr || s.alert->state != core::AlertState::firing) return "the alert no longer fires";
  if (episode_of(*s.alert) != s.episode) return "the alert was resolved and fires anew";
  if (s.alert->held) return "the alert's data is missing, it is only held";
  if (s.alert->keep_firing_since) return "the alert's expression is silent, it is only kept firing";
  if (s.alert->valid_until != core::TimePoint{} && s.alert->valid_until < s.now)
    return "the alert is out of date: nothing has confirmed it";
  return {};
}

std::string over_limit(const Situation& s) {
  const auto words = [](const RateLimit& limit, std::size_t count, const std::string& of) {
    return "limit: " + std::to_string(count) + " changes of " + of + " within " +
           std::to_string(limit.window.count() / 1000) + " s, " + std::to_string(limit.count) + " are allowed";
  };
  if (s.spec->per_target) {
    const std::size_t count = s.history->started(s.spec->target, s.spec->per_target->window, s.now);
    if (count >= s.spec->per_target->count) return words(*s.spec->per_target, count, s.spec->target);
  }
  if (s.spec->all) {
    const std::size_t count = s.history->started_all(s.spec->all->window, s.now);
    if (count >= s.spec->all->count) return words(*s.spec->all, count, "all targets");
  }
  return {};
}

/// What was done before that is against acting now.
std::string against_history(const Situation& s) {
  if (!s.busy.empty()) return "a run of " + s.busy + " on " + s.spec->target + " is under way";
  const unsigned failures = s.history->failures_in_row(s.spec->name, s.spec->target);
  if (s.spec->breaker_after > 0 && failures >= s.spec->breaker_after) {
    return "the breaker is open: " + std::to_string(failures) + " runs in a row failed or did not help";
  }
  const auto not_before = s.history->not_before(History::cooldown_key(s.spec->target));
  if (not_before && s.now < *not_before) return "cooldown until " + utc(*not_before);
  return over_limit(s);
}

std::string against_reading(const core::Result<Reading>& reading) {
  if (!reading) return "the present value could not be read: " + reading.error().detail;
  if (!reading->ready) return "the target is not ready: " + reading->not_ready;
  return {};
}

/// The id of a run that was not begun yet, or why there is none.
core::Result<std::string> free_id(const Situation& s, const Change& change) {
  for (unsigned attempt = 0; attempt < 64; ++attempt) {
    std::string id = run_id(s.spec->name, s.spec->target, s.episode, change.from, change.to, attempt);
    const core::ActionRecord* before = s.history->run(id);
    if (before == nullptr) return id;
    // Only a run that is known to have changed nothing may be followed by another.
    if (before->step != core::ActionStep::failed) {
      return core::Failure{core::Outcome::unexpected, core::Phase::none,
                           "this change was made in this episode of the alert already (" +
                               std::string(core::to_string(before->step)) + ")"};
    }
  }
  return core::Failure{core::Outcome::limit, core::Phase::none,
                       "this change was tried 64 times in this episode of the alert"};
}

std::string against_suppression(const core::Suppression& found) {
  std::string by;
  for (const std::string& one : found.by) by += (by.empty() ? " by " : ", ") + one;
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
  return "held: Alertmanager could not say whether the alert is silenced" +
         (found.detail.empty() ? "" : ": " + found.detail);
}

/// Whether the value to divide has to be asked for.
bool needs_query(const ActionSpec& spec) { return spec.count && spec.count->target_value && !spec.count->of.empty(); }

Decision stop_here(Decision decision, std::string reason) {
  decision.next = Next::none;
  decision.reason = std::move(reason);
  return decision;
}

std::string what(const ActionSpec& spec, const Change& change) {
  return spec.target + " from " + change.from + " to " + change.to;
}

/// The last part: it is known what would change.
Decision permit(const Situation& s, Decision decision) {
  if (const std::string why = out_of_bounds(*s.spec, decision.change); !why.empty())
    return stop_here(std::move(decision), why);
  const Placeholders values{decision.change.from, decision.change.to, s.spec->target};
  if (const auto argv = fill(s.spec->set_argv, values); !argv)
    return stop_here(std::move(decision), argv.error().detail);
  if (s.spec->set_argv.empty()) return stop_here(std::move(decision), "the action has no command");

  decision.reason = what(*s.spec, decision.change);
  if (s.spec->mode == Mode::approve)
    return stop_here(std::move(decision), "mode approve is not supported by this version");
  if (s.spec->mode != Mode::automatic || !s.journal) {
    decision.next = Next::shadow;
    const char* const why =
        s.spec->mode != Mode::automatic ? "mode shadow" : "there is no data folder to write it down";
    decision.reason = "would change " + decision.reason + " (" + why + ")";
    decision.id = decision_id(s.spec->name, s.spec->target, s.episode);
    return decision;
  }
  if (!s.suppression) {
    decision.next = Next::ask;
    return decision;
  }
  if (const std::string why = against_suppression(*s.suppression); !why.empty())
    return stop_here(std::move(decision), why);
  decision.next = Next::act;
  return decision;
}

}  // namespace

Decision decide(const Situation& s) {
  Decision decision;
  decision.id = decision_id(s.spec->name, s.spec->target, s.episode);
  if (s.stopping) return stop_here(std::move(decision), "tocsin is stopping");
  if (const std::string why = against_alert(s); !why.empty()) return stop_here(std::move(decision), why);
  if (const std::string why = against_history(s); !why.empty()) return stop_here(std::move(decision), why);
  if (!s.reading) {
    decision.next = Next::read;
    return decision;
  }
  if (const std::string why = against_reading(*s.reading); !why.empty()) return stop_here(std::move(decision), why);
  if (needs_query(*s.spec) && !s.query) {
    decision.next = Next::query;
    return decision;
  }
  std::optional<double> value = s.alert->value;
  if (needs_query(*s.spec)) {
    if (!*s.query)
      return stop_here(std::move(decision),
                       "the value of " + s.spec->count->of + " could not be had: " + s.query->error().detail);
    value = **s.query;
  }
  auto change = next_change(*s.spec, (*s.reading)->value, value);
  if (!change) return stop_here(std::move(decision), change.error().detail);
  decision.change = std::move(*change);
  auto id = free_id(s, decision.change);
  if (!id) return stop_here(std::move(decision), id.error().detail);
  decision.id = std::move(*id);
  decision = permit(s, std::move(decision));
  if (decision.next == Next::act) decision.permit = Permit(decision.change, decision.id, s.episode);
  return decision;
}

std::string withdrawn(const Situation& s) {
  if (s.stopping) return "tocsin is stopping";
  return against_alert(s);
}

bool applies(const ActionSpec& spec, const core::Labels& labels) {
  return labels.get("alertname") == spec.when_alert && core::matches_all(spec.when, labels);
}

std::string utc(core::TimePoint at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text.data(), length);
}

}  // namespace tocsin::actions
