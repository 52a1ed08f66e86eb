#include "src/systemd.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace tocsin::daemon {

void notify_ready(const std::string& status) { ::sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str()); }

void notify_reloading() {
  // systemd 253 and later want the monotonic time in the same message (Type=notify-reload); older ones ignore it.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000LL + now.tv_nsec / 1000).c_str());
}

void notify_stopping() { ::sd_notify(0, "STOPPING=1"); }
void notify_watchdog() { ::sd_notify(0, "WATCHDOG=1"); }
void notify_status(const std::string& status) { ::sd_notify(0, ("STATUS=" + status).c_str()); }
void notify_extend(std::chrono::seconds more) {
  ::sd_notify(0, fmt::format("EXTEND_TIMEOUT_USEC={}", more.count() * 1'000'000).c_str());
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0 || usec == 0) return std::nullopt;
  return std::chrono::microseconds(usec);
}

}  // namespace tocsin::daemon
