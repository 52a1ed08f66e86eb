#include "http/date.hpp"

#include <array>
#include <chrono>

#include "tocsin/core/number.hpp"

namespace tocsin::probes::http {
namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The next run of letters and digits and colons; what separates them (spaces, commas, dashes) is skipped.
std::string_view next_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(" ,-");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find_first_of(" ,-"));
  text.remove_prefix(word.size());
  return word;
}

std::optional<int> number(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most || text.front() < '0' || text.front() > '9') return std::nullopt;
  return core::parse_number<int>(text);
}

std::optional<unsigned> month(std::string_view text) {
  for (unsigned at = 0; at < months.size(); ++at) {
    if (months.at(at) == text) return at + 1;
  }
  return std::nullopt;
}

std::optional<int> year(std::string_view text) {
  const auto value = number(text, 2, 4);
  if (!value || text.size() == 3) return std::nullopt;
  if (text.size() == 4) return value;
  return *value >= 69 ? 1900 + *value : 2000 + *value;
}

std::optional<std::int64_t> seconds_of_day(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hour = number(text.substr(0, 2), 2, 2);
  const auto minute = number(text.substr(3, 2), 2, 2);
  const auto second = number(text.substr(6, 2), 2, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  (void)next_word(text);  // the weekday says nothing
  std::string_view day_text = next_word(text);
  std::string_view month_text = next_word(text);
  std::string_view year_text = next_word(text);
  std::string_view time_text = next_word(text);
  const std::string_view zone = next_word(text);
  if (month(day_text)) {  // the form of C's asctime: month, day, time, year
    std::swap(day_text, month_text);
    std::swap(year_text, time_text);
    if (!zone.empty()) return std::nullopt;
  } else if (zone != "GMT") {
    return std::nullopt;
  }
  const auto d = number(day_text, 1, 2);
  const auto m = month(month_text);
  const auto y = year(year_text);
  const auto seconds = seconds_of_day(time_text);
  if (!d || !m || !y || !seconds || !next_word(text).empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*y}, std::chrono::month{*m},
                                         std::chrono::day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count() * std::int64_t{86'400} + *seconds;
}

}  // namespace tocsin::probes::http
