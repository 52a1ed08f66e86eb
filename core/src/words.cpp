// The words that enumerations are known by in labels, logs and APIs.
#include <array>
#include <stdexcept>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::core {
namespace {

template <class E, std::size_t N>
std::string_view word(const std::array<std::string_view, N>& words, E value) {
  return words.at(static_cast<std::size_t>(value));
}

constexpr std::array<std::string_view, outcome_count> outcomes{
    "ok",       "resolve",         "connect", "tls",        "auth",   "throttled", "timeout",
    "protocol", "refused_command", "limit",   "unexpected", "closed", "cancelled", "internal"};
constexpr std::array<std::string_view, 10> phases{"none", "resolve", "connect", "tls",   "auth",
                                                  "send", "receive", "query",   "parse", "expect"};
constexpr std::array<std::string_view, 5> metric_types{"unknown", "gauge", "counter", "histogram", "summary"};
constexpr std::array<std::string_view, 3> alert_states{"inactive", "pending", "firing"};
constexpr std::array<std::string_view, 5> change_kinds{"pending", "firing", "repeated", "resolved", "gone"};
constexpr std::array<std::string_view, 15> steps{"proposed",  "shadow",    "skipped",     "awaiting_approval",
                                                 "claimed",   "preflight", "started",     "succeeded",
                                                 "verifying", "effective", "ineffective", "failed",
                                                 "unknown",   "adopted",   "ordered"};
constexpr std::array<std::string_view, 2> directions{"up", "down"};

}  // namespace

std::string_view to_string(Outcome outcome) { return word(outcomes, outcome); }
std::string_view to_string(Phase phase) { return word(phases, phase); }
std::string_view to_string(MetricType type) { return word(metric_types, type); }
std::string_view to_string(AlertState state) { return word(alert_states, state); }
std::string_view to_string(AlertChange::Kind kind) { return word(change_kinds, kind); }
std::string_view to_string(ActionStep step) { return word(steps, step); }
std::string_view to_string(Direction direction) { return word(directions, direction); }

Direction direction(std::string_view name) {
  if (name == directions[0]) return Direction::up;
  if (name == directions[1]) return Direction::down;
  throw std::invalid_argument("no direction is called '" + std::string(name) + "'");
}

ActionStep action_step(std::string_view name) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] == name) return static_cast<ActionStep>(i);
  }
  throw std::invalid_argument("no action step is called '" + std::string(name) + "'");
}

}  // namespace tocsin::core
