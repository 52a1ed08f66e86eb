// Times as people at a terminal or before the page want them.
#pragma once

#include <optional>
#include <string>

#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// `45s`, `12m5s`, `3h20m`, `4d`: no more than two units matter to anybody.
[[nodiscard]] std::string rough(core::Duration duration);
/// `5m ago`, or `never`.
[[nodiscard]] std::string ago(core::TimePoint now, const std::optional<core::TimePoint>& then);
/// `in 5m`, or `now` where it is past.
[[nodiscard]] std::string until(core::TimePoint now, const std::optional<core::TimePoint>& then);
/// `2026-01-02T03:04:05Z`.
[[nodiscard]] std::string clock(core::TimePoint time);

}  // namespace tocsin::daemon
