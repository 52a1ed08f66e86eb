// The record of what was done, or not done, to a target. A row is on disk before the side effect it speaks of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tocsin/core/time.hpp"

namespace tocsin::core {

/// Steps of an action's life, in order. `skipped` may follow everything before `started`; `failed` and `unknown` may
/// follow `started`. The last two stand outside of a life.
enum class ActionStep {
  proposed,
  shadow,
  skipped,
  awaiting_approval,
  claimed,
  preflight,
  started,
  succeeded,
  verifying,
  effective,
  ineffective,
  failed,
  unknown,
  adopted,  // somebody else changed the target, from one value to another
  ordered,  // a person paused, resumed or rearmed something
};
[[nodiscard]] std::string_view to_string(ActionStep step);
/// The step of that name; throws std::invalid_argument if there is none.
[[nodiscard]] ActionStep action_step(std::string_view name);

enum class Direction { up, down };
[[nodiscard]] std::string_view to_string(Direction direction);
/// "up" or "down"; throws std::invalid_argument on anything else.
[[nodiscard]] Direction direction(std::string_view name);

struct ActionRecord {
  std::string id;      // the same for every step of one run: hash of action, target, episode, from, to
  std::string action;  // its name in the configuration
  std::string target;  // what is scaled
  ActionStep step = ActionStep::proposed;
  TimePoint at;
  std::string from;    // the value read before
  std::string to;      // the value wanted
  std::string alert;   // the alert that asked for it
  std::string reason;  // in words, also for what was not done
  Direction direction = Direction::up;
  std::string inputs{};  // what it was decided from: "value=812 present=2 wanted=4"
  std::string by{};      // the person who approved, rejected or ordered it
};

}  // namespace tocsin::core
