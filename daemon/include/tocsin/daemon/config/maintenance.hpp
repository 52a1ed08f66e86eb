// Windows of maintenance: times in which nothing is changed, and, where it is wanted, nobody is told. Pure.
#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

struct MaintenanceWindow {
  std::vector<core::Matcher> match;  // all of them; none: every alert
  std::chrono::minutes from{0};      // since midnight, by the clock on the wall in that zone
  std::chrono::minutes to{0};        // the first minute after it; not after `from`: it ends on the next day
  std::bitset<7> days;               // on which it begins, Sunday first; none: every day
  std::string tz = "UTC";            // a name of the IANA time zone database
  bool alerts = true;                // whether people are told of alerts all the same
  /// As it is shown: `{system="x"} 02:00-03:00 UTC on sat, sun`.
  [[nodiscard]] std::string to_string() const;
};

/// The first window in which an alert of these labels is at that time, in words; nothing if there is none.
[[nodiscard]] std::optional<std::string> in_maintenance(std::span<const MaintenanceWindow> windows,
                                                        const core::Labels& labels, core::TimePoint now);
/// The same of windows with `alerts: false` alone: whether nobody is to be told of it.
[[nodiscard]] std::optional<std::string> mutes(std::span<const MaintenanceWindow> windows, const core::Labels& labels,
                                               core::TimePoint now);

/// What is wrong with a time zone's name; a name that is near is proposed.
[[nodiscard]] std::optional<std::string> zone_problem(const std::string& tz);

}  // namespace tocsin::daemon
