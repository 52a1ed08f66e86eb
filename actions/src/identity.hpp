// Names of decisions and runs: the same facts give the same name, in every process.
#pragma once

#include <string>
#include <string_view>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::actions {

/// One firing of one alert, as an action sees it.
struct Episode {
  std::string alert;      // its labels, as PromQL writes them
  core::TimePoint since;  // when it began to fire
  bool operator==(const Episode&) const = default;
};
[[nodiscard]] Episode episode_of(const core::Alert& alert);

/// The id of what was decided without anything being begun: skipped, shadow.
[[nodiscard]] std::string decision_id(std::string_view action, std::string_view target, const Episode& episode);
/// The id of a run. `attempt` counts the runs of the same change in the same episode that are known to have changed
/// nothing.
[[nodiscard]] std::string run_id(std::string_view action, std::string_view target, const Episode& episode,
                                 std::string_view from, std::string_view to, unsigned attempt);

}  // namespace tocsin::actions
