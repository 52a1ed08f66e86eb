// Points and spans of time. Wall-clock times are milliseconds since the Unix epoch, as Prometheus has them; deadlines
// are on the steady clock. Nothing in this library reads a clock: times come in as arguments.
#pragma once

#include <chrono>
#include <cstdint>

namespace tocsin::core {

using Duration = std::chrono::milliseconds;
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;  // wall clock, millisecond steps
using Deadline = std::chrono::steady_clock::time_point;                          // when a wait must end

/// Milliseconds since the epoch.
[[nodiscard]] constexpr std::int64_t to_millis(TimePoint t) { return t.time_since_epoch().count(); }
[[nodiscard]] constexpr TimePoint from_millis(std::int64_t ms) { return TimePoint{Duration{ms}}; }
[[nodiscard]] constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }
[[nodiscard]] constexpr double to_seconds(TimePoint t) { return static_cast<double>(to_millis(t)) / 1000.0; }

}  // namespace tocsin::core
