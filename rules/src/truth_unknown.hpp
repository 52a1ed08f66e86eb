// The alert that says that nobody knows whether another alert still holds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::rules {

inline constexpr std::string_view truth_unknown = "TocsinTruthUnknown";

/// Those of the alert that was held; its name is in the label `about`.
[[nodiscard]] core::Labels unknown_labels(const core::Labels& held);

struct LostSight {
  const core::Alert& alert;          // as it was held
  core::TimePoint since;             // of when the last data is
  core::Duration held{0};            // hold_max
  std::string rule;                  // the threshold in words
  std::vector<std::string> missing;  // the expressions that have no data
};
[[nodiscard]] core::Labels unknown_annotations(const LostSight& lost);

}  // namespace tocsin::rules
