#include "humanize.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "format.hpp"

namespace tocsin::rules::tmpl {
namespace {

using Prefixes = std::span<const std::string_view>;
constexpr std::string_view large[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::string_view small[] = {"m", "u", "n", "p", "f", "a", "z", "y"};
constexpr std::string_view binary[] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};

std::string divided(double value, double step, Prefixes prefixes) {
  std::string_view prefix;
  for (const std::string_view next : prefixes) {
    if (std::fabs(value) < step) break;
    prefix = next;
    value /= step;
  }
  return print_short(value) + std::string(prefix);
}

std::string multiplied(double value) {
  std::string_view prefix;
  for (const std::string_view next : small) {
    if (std::fabs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return print_short(value) + std::string(prefix);
}

}  // namespace

std::string humanize(double value) {
  if (value == 0 || !std::isfinite(value)) return print_short(value);
  return std::fabs(value) >= 1 ? divided(value, 1000, large) : multiplied(value);
}

std::string humanize1024(double value) {
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return print_short(value);
  return divided(value, 1024, binary);
}

std::string humanize_duration(double seconds) {
  if (!std::isfinite(seconds)) return print_short(seconds);
  if (seconds == 0) return print_short(seconds) + "s";
  if (std::fabs(seconds) < 1) return multiplied(seconds) + "s";
  const std::string_view sign = seconds < 0 ? "-" : "";
  const double magnitude = std::fabs(seconds);
  if (magnitude >= 9.2e18) return fmt::format("{}{}s", sign, print_short(magnitude));
  const auto whole = static_cast<std::int64_t>(magnitude);
  const std::int64_t s = whole % 60;
  const std::int64_t m = whole / 60 % 60;
  const std::int64_t h = whole / 3600 % 24;
  const std::int64_t d = whole / 86400;
  if (d != 0) return fmt::format("{}{}d {}h {}m {}s", sign, d, h, m, s);
  if (h != 0) return fmt::format("{}{}h {}m {}s", sign, h, m, s);
  if (m != 0) return fmt::format("{}{}m {}s", sign, m, s);
  return fmt::format("{}{}s", sign, print_short(magnitude));
}

std::string humanize_percentage(double ratio) { return print_short(ratio * 100) + "%"; }

std::optional<std::string> humanize_timestamp(double seconds) {
  if (!std::isfinite(seconds)) return print_short(seconds);
  const double nanos = seconds * 1e9;
  if (nanos > 9.223372036854774e18 || nanos < -9.223372036854774e18) return std::nullopt;
  // Prometheus goes through its millisecond timestamps: what is finer than that is cut, toward zero.
  using namespace std::chrono;
  const milliseconds since{static_cast<std::int64_t>(nanos) / 1'000'000};
  const sys_time<milliseconds> time{since};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  std::string fraction = fmt::format(".{:03}", clock.subseconds().count());
  fraction.resize(fraction.find_last_not_of("0.") + 1);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), fraction);
}

}  // namespace tocsin::rules::tmpl
