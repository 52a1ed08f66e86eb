#include "tocsin/core/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "tocsin/core/number.hpp"

namespace tocsin::core {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr std::array<Unit, 7> units{{{"y", 31'536'000'000},
                                     {"w", 604'800'000},
                                     {"d", 86'400'000},
                                     {"h", 3'600'000},
                                     {"m", 60'000},
                                     {"s", 1'000},
                                     {"ms", 1}}};

constexpr std::array<std::pair<std::string_view, double>, 14> byte_units{{{"KiB", 1024.0},
                                                                          {"MiB", 1048576.0},
                                                                          {"GiB", 1073741824.0},
                                                                          {"TiB", 1099511627776.0},
                                                                          {"KB", 1e3},
                                                                          {"kB", 1e3},
                                                                          {"MB", 1e6},
                                                                          {"GB", 1e9},
                                                                          {"TB", 1e12},
                                                                          {"K", 1024.0},
                                                                          {"M", 1048576.0},
                                                                          {"G", 1073741824.0},
                                                                          {"T", 1099511627776.0},
                                                                          {"B", 1.0}}};

std::optional<int> digits(std::string_view text) {
  if (text.starts_with('-')) return std::nullopt;
  return parse_number<int>(text);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || number < 0 || text.front() == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t length = 0;
    while (length < text.size() && text[length] >= 'a' && text[length] <= 'z') ++length;
    const std::string_view name = text.substr(0, length);
    text.remove_prefix(length);
    while (next_unit < units.size() && units[next_unit].name != name) ++next_unit;
    if (next_unit == units.size()) return std::nullopt;  // unknown, twice, or out of order
    std::int64_t part = 0;
    if (__builtin_mul_overflow(number, units[next_unit].millis, &part)) return std::nullopt;
    if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
    ++next_unit;
  }
  // Prometheus keeps durations in nanoseconds; what does not fit there is no duration.
  if (total > std::numeric_limits<std::int64_t>::max() / 1'000'000) return std::nullopt;
  return Duration{total};
}

std::string format_duration(Duration duration) {
  if (duration.count() == 0) return "0s";
  const bool negative = duration.count() < 0;
  std::string out = negative ? "-" : "";
  // Without a sign, since the smallest number has no positive counterpart.
  auto ms = static_cast<std::uint64_t>(duration.count());
  if (negative) ms = 0 - ms;
  for (const Unit& unit : units) {
    // Years and weeks only where nothing smaller is left, as Prometheus prints: 8d rather than 1w1d.
    const auto size = static_cast<std::uint64_t>(unit.millis);
    if ((unit.name == "y" || unit.name == "w") && ms % size != 0) continue;
    if (const std::uint64_t count = ms / size; count > 0) {
      out += fmt::format("{}{}", count, unit.name);
      ms -= count * size;
    }
  }
  return out;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  double number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (ec != std::errc() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double factor = 1;
  if (!text.empty()) {
    factor = 0;
    for (const auto& [name, bytes] : byte_units) {
      if (name == text) factor = bytes;
    }
    if (factor == 0) return std::nullopt;
  }
  const double bytes = number * factor;
  if (!(bytes < 9.2e18)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string format_rfc3339(TimePoint time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<Duration> clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<TimePoint> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const auto year_ = digits(text.substr(0, 4)), month_ = digits(text.substr(5, 2)), day_ = digits(text.substr(8, 2));
  const auto hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2)),
             second = digits(text.substr(17, 2));
  if (!year_ || !month_ || !day_ || !hour || !minute || !second) return std::nullopt;
  const year_month_day date{year{*year_}, month{static_cast<unsigned>(*month_)}, day{static_cast<unsigned>(*day_)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  text.remove_prefix(19);
  std::int64_t millis = 0;
  if (text.front() == '.') {
    text.remove_prefix(1);
    std::int64_t scale = 100;
    std::size_t count = 0;
    for (; count < text.size() && text[count] >= '0' && text[count] <= '9'; ++count, scale /= 10) {
      millis += scale * (text[count] - '0');
    }
    if (count == 0) return std::nullopt;
    text.remove_prefix(count);
  }
  std::chrono::minutes offset{0};
  if (text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':') {
    const auto h = digits(text.substr(1, 2)), m = digits(text.substr(4, 2));
    if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
    offset = std::chrono::minutes{*h * 60 + *m} * (text[0] == '-' ? -1 : 1);
  } else if (text != "Z" && text != "z") {
    return std::nullopt;
  }
  return TimePoint{sys_days{date}} + hours{*hour} + std::chrono::minutes{*minute} + seconds{*second} +
         Duration{millis} - offset;
}

std::string format_value(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const double magnitude = std::fabs(value);
  // Go's 'f' with 'e' below 1e-6 and from 1e21 on (web API and text format of Prometheus).
  const bool scientific = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  std::array<char, 64> buffer{};
  const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                       scientific ? std::chars_format::scientific : std::chars_format::fixed);
  return {buffer.data(), end};
}

}  // namespace tocsin::core
