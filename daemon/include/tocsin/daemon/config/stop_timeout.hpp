// Whether systemd leaves the daemon the time that it needs to stop.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {

/// TimeoutStopSec (or TimeoutSec) of a unit file's [Service] section; the last one counts. `infinity` and 0 are the
/// largest value. Nothing where the file does not say, or says what systemd would not understand.
[[nodiscard]] std::optional<std::chrono::seconds> parse_stop_timeout(std::string_view unit);

/// A command that runs when the daemon is stopped is waited for. What is wrong if systemd would not wait as long, in
/// words.
[[nodiscard]] std::optional<std::string> stop_timeout_problem(const Config& config, std::chrono::seconds unit_timeout);

}  // namespace tocsin::daemon
