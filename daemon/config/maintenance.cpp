#include "tocsin/daemon/config/maintenance.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tocsin/core/source.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::minutes;

constexpr std::array<std::string_view, 7> day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// The zone, or null. UTC is known without a data base.
const date::time_zone* zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

/// What the clock on the wall shows there.
date::local_time<core::Duration> wall_clock(const std::string& tz, core::TimePoint now) {
  const date::sys_time<core::Duration> time{now.time_since_epoch()};
  const date::time_zone* there = tz == "UTC" ? nullptr : zone(tz);
  if (!there) return date::local_time<core::Duration>{time.time_since_epoch()};
  return there->to_local(time);
}

bool begins_on(const MaintenanceWindow& window, date::local_days day) {
  return window.days.none() || window.days.test(date::weekday(day).c_encoding());
}

bool is_open(const MaintenanceWindow& window, core::TimePoint now) {
  const auto local = wall_clock(window.tz, now);
  const auto today = date::floor<date::days>(local);
  const auto since_midnight = local - today;
  const bool begun = since_midnight >= window.from;
  const bool before_end = since_midnight < window.to;
  if (window.from < window.to) return begun && before_end && begins_on(window, today);
  return (begun && begins_on(window, today)) || (before_end && begins_on(window, today - date::days(1)));
}

std::string clock_text(minutes since_midnight) {
  return fmt::format("{:02}:{:02}", since_midnight.count() / 60, since_midnight.count() % 60);
}

std::optional<std::string> first_open(std::span<const MaintenanceWindow> windows, const core::Labels& labels,
                                      core::TimePoint now, bool muting) {
  for (const MaintenanceWindow& window : windows) {
    if (muting && window.alerts) continue;
    if (core::matches_all(window.match, labels) && is_open(window, now)) return "maintenance " + window.to_string();
  }
  return std::nullopt;
}

}  // namespace

std::string MaintenanceWindow::to_string() const {
  std::string out;
  for (const core::Matcher& matcher : match) out += (out.empty() ? "{" : ", ") + matcher.to_string();
  if (!match.empty()) out += "} ";
  out += fmt::format("{}-{} {}", clock_text(from), clock_text(to), tz);
  std::string listed;
  for (std::size_t day = 0; day < day_names.size(); ++day) {
    if (days.test(day)) listed += fmt::format("{}{}", listed.empty() ? " on " : ", ", day_names.at(day));
  }
  return out + listed;
}

std::optional<std::string> in_maintenance(std::span<const MaintenanceWindow> windows, const core::Labels& labels,
                                          core::TimePoint now) {
  return first_open(windows, labels, now, false);
}

std::optional<std::string> mutes(std::span<const MaintenanceWindow> windows, const core::Labels& labels,
                                 core::TimePoint now) {
  return first_open(windows, labels, now, true);
}

std::optional<std::string> zone_problem(const std::string& tz) {
  if (tz == "UTC" || zone(tz)) return std::nullopt;
  std::vector<std::string_view> known;
  try {
    const auto& base = date::get_tzdb();
    for (const date::time_zone& there : base.zones) known.push_back(there.name());
  } catch (const std::runtime_error&) {
    return "cannot be looked up: this machine has no time zones (install tzdata)";
  }
  const auto near = core::nearest(tz, known);
  return fmt::format(
      "is no time zone: \"{}\"{}", tz,
      near.empty() ? " (write a name such as Europe/Berlin)" : fmt::format(" (did you mean \"{}\"?)", near));
}

}  // namespace tocsin::daemon
