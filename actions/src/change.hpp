// From what is, to what should be: ladders and counts, up and down. Absolute set-points. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tocsin/actions/machine.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

/// Where a value stands: the count itself, or the rung's number on the ladder from 0. Fails where it stands nowhere.
[[nodiscard]] core::Result<std::int64_t> place_of(const ActionSpec& spec, const std::string& present);

/// The place that is wanted, before any window or bound on the size of a step. `value` is the alert's (or the query's),
/// where the spec divides it. In words why there is none; Outcome::limit: because it is at its end already.
/// Source of the formula: the Horizontal Pod Autoscaler's, ceil(present * ratio), with its tolerance.
[[nodiscard]] core::Result<std::int64_t> wanted_place(const ActionSpec& spec, core::Direction direction,
                                                      std::int64_t present, std::optional<double> value);

/// The change that goes from the present towards the wanted place as far as bounds and the greatest step allow.
[[nodiscard]] core::Result<Change> change_towards(const ActionSpec& spec, core::Direction direction,
                                                  std::int64_t present, std::int64_t wanted);

/// What is wrong with making this change, in words; empty if it is within the bounds. Independent of the above: the
/// gate asks it last.
[[nodiscard]] std::string out_of_bounds(const ActionSpec& spec, core::Direction direction, const Change& change);

}  // namespace tocsin::actions
