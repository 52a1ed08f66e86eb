#include "tocsin/daemon/config/stop_timeout.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::seconds;

struct Unit {
  std::string_view name;
  double seconds;
};
// systemd.time(7), the units that a time to stop may have.
constexpr std::array<Unit, 21> units{
    {{"us", 1e-6},   {"usec", 1e-6},  {"ms", 1e-3}, {"msec", 1e-3}, {"s", 1},        {"sec", 1},    {"second", 1},
     {"seconds", 1}, {"m", 60},       {"min", 60},  {"minute", 60}, {"minutes", 60}, {"h", 3600},   {"hr", 3600},
     {"hour", 3600}, {"hours", 3600}, {"d", 86400}, {"day", 86400}, {"days", 86400}, {"w", 604800}, {"week", 604800}}};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// `90`, `1min 30s`, `infinity`.
std::optional<seconds> parse_span(std::string_view text) {
  if (text == "infinity") return seconds::max();
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (ec != std::errc() || number < 0) return std::nullopt;
    text = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
    std::size_t length = 0;
    while (length < text.size() && text[length] >= 'a' && text[length] <= 'z') ++length;
    const std::string_view name = text.substr(0, length);
    const auto unit = std::find_if(units.begin(), units.end(), [name](const Unit& u) { return u.name == name; });
    if (!name.empty() && unit == units.end()) return std::nullopt;
    total += number * (name.empty() ? 1 : unit->seconds);
    text = trimmed(text.substr(length));
  }
  if (total == 0 || total > 1e15) return seconds::max();
  return seconds{static_cast<std::int64_t>(std::floor(total))};
}

}  // namespace

std::optional<seconds> parse_stop_timeout(std::string_view unit) {
  std::optional<seconds> result;
  bool in_service = false;
  while (!unit.empty()) {
    const auto end = std::min(unit.find('\n'), unit.size());
    const std::string_view line = trimmed(unit.substr(0, end));
    unit.remove_prefix(std::min(end + 1, unit.size()));
    if (line.starts_with('[')) in_service = line == "[Service]";
    const auto equals = line.find('=');
    if (!in_service || equals == std::string_view::npos) continue;
    const std::string_view key = trimmed(line.substr(0, equals));
    if (key == "TimeoutStopSec" || key == "TimeoutSec") result = parse_span(trimmed(line.substr(equals + 1)));
  }
  return result;
}

std::optional<std::string> stop_timeout_problem(const Config& config, seconds unit_timeout) {
  constexpr seconds margin{10};  // for the rest: alerts that are under way, the journal, the store
  const actions::ActionSpec* slowest = nullptr;
  for (const actions::ActionSpec& action : config.actions) {
    if (action.mode == actions::Mode::shadow) continue;  // nothing runs that a stop could hurt
    if (!slowest || action.timeout > slowest->timeout) slowest = &action;
  }
  if (!slowest) return std::nullopt;
  const seconds needed = std::chrono::ceil<seconds>(slowest->timeout) + margin;
  if (unit_timeout >= needed) return std::nullopt;
  return "the unit's TimeoutStopSec is " + core::format_duration(unit_timeout) + ", but the action \"" + slowest->name +
         "\" may run for " + core::format_duration(slowest->timeout) +
         ": a stop would kill it half done (set TimeoutStopSec to " + core::format_duration(needed) + " or more)";
}

}  // namespace tocsin::daemon
