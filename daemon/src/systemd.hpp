// What systemd is told: readiness, reloads, the watchdog. Does nothing where systemd does not listen.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tocsin::daemon {

void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping();
void notify_watchdog();
void notify_status(const std::string& status);
/// Asks for more time before systemd gives up on the stop that is under way.
void notify_extend(std::chrono::seconds more);
/// How often the watchdog must be fed at least, if there is one.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace tocsin::daemon
