// Durations and sizes as people and Prometheus write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/time.hpp"

namespace tocsin::core {

/// `1h30m`, `500ms`, `0`: Prometheus's format (units y w d h m s ms, each at most once, in that order; a bare number
/// other than 0 is refused). Nothing if it is not one or does not fit.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
/// The shortest such text, as Prometheus prints it: `1h30m`, `0s`.
[[nodiscard]] std::string format_duration(Duration duration);
/// `256MiB`, `1.5GB`, `1024`, `50KiB`: bytes. Nothing if it is not one.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);
/// RFC 3339 in UTC with milliseconds: `2026-01-02T03:04:05.678Z`.
[[nodiscard]] std::string format_rfc3339(TimePoint time);
[[nodiscard]] std::optional<TimePoint> parse_rfc3339(std::string_view text);
/// A float as Prometheus's APIs and text format print it: shortest round-trip, `+Inf`, `-Inf`, `NaN`.
[[nodiscard]] std::string format_value(double value);

}  // namespace tocsin::core
