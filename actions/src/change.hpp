// From what is, to what should be: ladders and counts. Absolute set-points, up only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/actions/action.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

struct Change {
  std::string from;
  std::string to;
  bool operator==(const Change&) const = default;
};

/// The next value, or in words why there is none. `value` is the alert's (or the query's), where the spec divides it.
[[nodiscard]] core::Result<Change> next_change(const ActionSpec& spec, const std::string& present,
                                               std::optional<double> value);

/// What is wrong with making this change, in words; empty if it is within the bounds. Independent of `next_change`: the
/// gate asks it last.
[[nodiscard]] std::string out_of_bounds(const ActionSpec& spec, const Change& change);

}  // namespace tocsin::actions
