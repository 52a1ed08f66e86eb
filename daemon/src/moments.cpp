#include "src/moments.hpp"

#include <algorithm>
#include <chrono>

#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {

std::string rough(core::Duration duration) {
  using namespace std::chrono;
  duration = std::max(duration, core::Duration{0});
  const core::Duration unit = duration >= days(2)    ? core::Duration(days(1))
                              : duration >= hours(1) ? core::Duration(minutes(1))
                                                     : core::Duration(seconds(1));
  return core::format_duration(duration / unit * unit);
}

std::string ago(core::TimePoint now, const std::optional<core::TimePoint>& then) {
  return then ? rough(now - *then) + " ago" : "never";
}

std::string until(core::TimePoint now, const std::optional<core::TimePoint>& then) {
  return then && *then > now ? "in " + rough(*then - now) : "now";
}

std::string clock(core::TimePoint time) { return core::format_rfc3339(time).substr(0, 19) + "Z"; }

}  // namespace tocsin::daemon
