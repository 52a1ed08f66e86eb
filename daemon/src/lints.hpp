// What `check` warns of: things that are allowed and will hardly do what was meant. Pure.
#pragma once

#include "src/loaded.hpp"
#include "tocsin/core/source.hpp"

namespace tocsin::daemon {

/// How often a target is really asked, budget and sleep considered; what a probe costs is a guess for its kind.
[[nodiscard]] core::Duration expected_interval(const TargetConfig& target, const std::vector<TargetConfig>& all);

/// Rules that look back less than two intervals of a target that is asked rarely: `rate(...[1m])` over a state that
/// stands for ten minutes is 0, and then a leap.
void warn_of_short_look_backs(const Loaded& loaded, core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
