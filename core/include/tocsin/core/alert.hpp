// Alerts on their way from rules to Alertmanager and to actions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::core {

enum class AlertState { inactive, pending, firing };
[[nodiscard]] std::string_view to_string(AlertState state);

/// One alert of one rule. Labels have no external labels: the notifier adds those.
struct Alert {
  Labels labels;       // with alertname
  Labels annotations;  // expanded
  AlertState state = AlertState::inactive;
  double value = 0;
  TimePoint active_at;                         // pending since
  std::optional<TimePoint> fired_at;           // firing since
  std::optional<TimePoint> resolved_at;        // set when it went inactive after firing
  std::optional<TimePoint> keep_firing_since;  // the expression is silent, keep_firing_for holds it
  bool held = false;                           // its data is missing: `on_missing: hold` keeps the state it had
  TimePoint valid_until;                       // Alertmanager may resolve it by itself after this
  std::string rule;                            // the rule's name
  std::string group;                           // "file;group"
  std::string expression;                      // for the generator URL
};

/// What a rule's evaluation changed. `pending` and `gone` are not told to Alertmanager.
struct AlertChange {
  enum class Kind {
    pending,   // became active, waits for its `for`
    firing,    // began to fire
    repeated,  // still fires, Alertmanager is told again
    resolved,  // fired, and no longer does
    gone,      // was pending, and no longer is
  };
  Kind kind = Kind::pending;
  Alert alert;
  TimePoint at;              // the evaluation's time
  std::uint64_t number = 0;  // grows with every change that is owed; of two of one alert the greater one stands
};
[[nodiscard]] std::string_view to_string(AlertChange::Kind kind);

/// Whether Alertmanager keeps an alert from people. `unknown` when it could not be asked.
struct Suppression {
  enum class State { none, silenced, inhibited, unknown };
  State state = State::unknown;
  std::vector<std::string> by;  // silence ids or the inhibiting alerts' fingerprints
  std::string detail;           // why unknown
};

}  // namespace tocsin::core
