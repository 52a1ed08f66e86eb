#include "tocsin/daemon/config/maintenance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_text.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

/// "2026-11-21 02:00" in UTC.
core::TimePoint at(int year, unsigned month, unsigned day, int hour, int minute) {
  const std::chrono::sys_days midnight = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return std::chrono::time_point_cast<core::Duration>(midnight + hours{hour} + minutes{minute});
}

MaintenanceWindow window(minutes from, minutes to, std::string tz = "UTC", const std::string& days = "0000000") {
  MaintenanceWindow made;
  made.from = from;
  made.to = to;
  made.tz = std::move(tz);
  for (std::size_t day = 0; day < 7; ++day) made.days.set(day, days.at(day) == '1');
  return made;
}

bool open(const MaintenanceWindow& one, core::TimePoint now) {
  return in_maintenance(std::span(&one, 1), core::Labels{{"system", "x"}}, now).has_value();
}

TEST(Maintenance, LastsFromTheFirstMinuteToTheLast) {
  const MaintenanceWindow night = window(hours{2}, hours{3});
  EXPECT_FALSE(open(night, at(2026, 11, 21, 1, 59)));
  EXPECT_TRUE(open(night, at(2026, 11, 21, 2, 0)));
  EXPECT_TRUE(open(night, at(2026, 11, 21, 2, 59)));
  EXPECT_FALSE(open(night, at(2026, 11, 21, 3, 0)));
}

TEST(Maintenance, MayCrossMidnight) {
  const MaintenanceWindow night = window(hours{23}, hours{1});
  EXPECT_FALSE(open(night, at(2026, 11, 21, 22, 59)));
  EXPECT_TRUE(open(night, at(2026, 11, 21, 23, 0)));
  EXPECT_TRUE(open(night, at(2026, 11, 22, 0, 59)));
  EXPECT_FALSE(open(night, at(2026, 11, 22, 1, 0)));
  const MaintenanceWindow to_midnight = window(hours{22}, hours{0});
  EXPECT_TRUE(open(to_midnight, at(2026, 11, 21, 23, 59)));
  EXPECT_FALSE(open(to_midnight, at(2026, 11, 22, 0, 0)));
}

TEST(Maintenance, OnADayIsOfTheDayOnWhichItBegins) {
  const MaintenanceWindow saturday = window(hours{23}, hours{1}, "UTC", "0000001");  // 2026-11-21 is a Saturday
  EXPECT_TRUE(open(saturday, at(2026, 11, 21, 23, 30)));
  EXPECT_TRUE(open(saturday, at(2026, 11, 22, 0, 30)));
  EXPECT_FALSE(open(saturday, at(2026, 11, 22, 23, 30)));
  EXPECT_FALSE(open(saturday, at(2026, 11, 21, 0, 30)));
  const MaintenanceWindow weekend = window(hours{0}, hours{0}, "UTC", "1000001");
  EXPECT_FALSE(open(weekend, at(2026, 11, 20, 23, 59)));
  EXPECT_TRUE(open(weekend, at(2026, 11, 21, 0, 0)));
  EXPECT_TRUE(open(weekend, at(2026, 11, 22, 23, 59)));
  EXPECT_FALSE(open(weekend, at(2026, 11, 23, 0, 0)));
}

TEST(Maintenance, GoesByTheClockOnTheWall) {
  const MaintenanceWindow berlin = window(hours{2}, hours{3}, "Europe/Berlin");
  EXPECT_TRUE(open(berlin, at(2026, 1, 15, 1, 30)));  // UTC+1
  EXPECT_FALSE(open(berlin, at(2026, 1, 15, 2, 30)));
  EXPECT_TRUE(open(berlin, at(2026, 7, 15, 0, 30)));  // UTC+2
  EXPECT_FALSE(open(berlin, at(2026, 7, 15, 1, 30)));
  const MaintenanceWindow kathmandu = window(hours{2}, hours{3}, "Asia/Kathmandu");  // UTC+5:45
  EXPECT_TRUE(open(kathmandu, at(2026, 1, 14, 20, 15)));
  EXPECT_FALSE(open(kathmandu, at(2026, 1, 14, 20, 14)));
  const MaintenanceWindow new_york = window(hours{20}, hours{22}, "America/New_York", "0000001");
  EXPECT_TRUE(open(new_york, at(2026, 11, 22, 1, 30))) << "still Saturday there";
}

TEST(Maintenance, IsLostOrDoubledWithTheHourThatClocksAreChanged) {
  const MaintenanceWindow berlin = window(hours{2}, hours{3}, "Europe/Berlin");
  // 2026-03-29: at 01:00 UTC clocks go from 02:00 to 03:00.
  EXPECT_FALSE(open(berlin, at(2026, 3, 29, 0, 59)));
  EXPECT_FALSE(open(berlin, at(2026, 3, 29, 1, 0)));
  // 2026-10-25: at 01:00 UTC clocks go from 03:00 back to 02:00.
  EXPECT_FALSE(open(berlin, at(2026, 10, 24, 23, 59)));
  EXPECT_TRUE(open(berlin, at(2026, 10, 25, 0, 0)));
  EXPECT_TRUE(open(berlin, at(2026, 10, 25, 0, 59)));
  EXPECT_TRUE(open(berlin, at(2026, 10, 25, 1, 0)));
  EXPECT_TRUE(open(berlin, at(2026, 10, 25, 1, 59)));
  EXPECT_FALSE(open(berlin, at(2026, 10, 25, 2, 0)));
  const MaintenanceWindow longer = window(hours{1}, hours{4}, "Europe/Berlin");
  EXPECT_TRUE(open(longer, at(2026, 3, 29, 0, 0)));
  EXPECT_TRUE(open(longer, at(2026, 3, 29, 1, 59)));
  EXPECT_FALSE(open(longer, at(2026, 3, 29, 2, 0))) << "two hours long on that day";
}

TEST(Maintenance, IsAboutAlertsOfItsLabelsAlone) {
  MaintenanceWindow one = window(hours{2}, hours{3});
  one.match = {core::Matcher(core::Matcher::Kind::equal, "system", "nexus-aec")};
  one.days.set(6);
  const auto now = at(2026, 11, 21, 2, 30);
  EXPECT_EQ(in_maintenance(std::span(&one, 1), {{"system", "nexus-aec"}}, now),
            "maintenance {system=\"nexus-aec\"} 02:00-03:00 UTC on sat");
  EXPECT_FALSE(in_maintenance(std::span(&one, 1), {{"system", "other"}}, now));
  EXPECT_FALSE(in_maintenance(std::span(&one, 1), {}, now));
}

TEST(Maintenance, MutesOnlyWhereItIsAsked) {
  std::vector<MaintenanceWindow> two{window(hours{2}, hours{3}), window(hours{2}, hours{4})};
  const auto now = at(2026, 11, 21, 2, 30);
  EXPECT_TRUE(in_maintenance(two, {}, now));
  EXPECT_FALSE(mutes(two, {}, now));
  two[1].alerts = false;
  EXPECT_EQ(mutes(two, {}, now), "maintenance 02:00-04:00 UTC");
  EXPECT_FALSE(mutes(two, {}, at(2026, 11, 21, 4, 0)));
}

TEST(MaintenanceConfig, IsReadAndHandedToActions) {
  const ConfigText text(
      "maintenance:\n  - {match: '{system=\"nexus-aec\", site=~\"i.d\"}', from: \"02:00\", to: \"03:00\", days: [sat, "
      "sun], tz: Europe/Berlin, alerts: false}\n  - {from: '9:30', to: '24:00'}\n");
  ASSERT_TRUE(text.config) << text.said;
  EXPECT_EQ(text.said, "");
  ASSERT_EQ(text.config->maintenance.size(), 2U);
  EXPECT_EQ(text.config->maintenance[0].to_string(),
            "{system=\"nexus-aec\", site=~\"i.d\"} 02:00-03:00 Europe/Berlin on sun, sat");
  EXPECT_FALSE(text.config->maintenance[0].alerts);
  EXPECT_EQ(text.config->maintenance[1].to_string(), "09:30-00:00 UTC");
  const auto settings = make_settings(*text.config);
  const core::Labels labels{{"system", "nexus-aec"}, {"site", "iad"}};
  EXPECT_THAT(settings.maintenance(labels, at(2026, 11, 21, 1, 30)), HasSubstr("02:00-03:00 Europe/Berlin"));
  EXPECT_EQ(settings.maintenance(labels, at(2026, 11, 21, 3, 30)), "");
  const ConfigText again(dump_config(*text.config));
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(dump_config(*again.config), dump_config(*text.config));
  EXPECT_EQ(again.config->maintenance[0].to_string(), text.config->maintenance[0].to_string());
}

TEST(MaintenanceConfig, MistakesAreTold) {
  const std::pair<std::string, std::string> table[] = {
      {"{from: '02:00', to: '03:00', tz: Europe/Belrin}", "did you mean \"Europe/Berlin\"?"},
      {"{from: '02:00', to: '03:00', tz: Nowhere/AtAllHere}", "is no time zone"},
      {"{from: '25:00', to: '03:00'}", "\"from\" is a time of day such as \"02:00\", not \"25:00\""},
      {"{from: '2', to: '03:00'}", "is a time of day"},
      {"{from: '02:60', to: '03:00'}", "is a time of day"},
      {"{from: '02:00'}", "maintenance needs \"to\""},
      {"{from: '02:00', to: '02:00'}", "it would never end"},
      {"{from: '02:00', to: '03:00', days: [saturday]}", "not \"saturday\""},
      {"{from: '02:00', to: '03:00', match: 'system=x'}", "\"match\" needs conditions in braces"},
      {"{from: '02:00', to: '03:00', match: 'A{system=\"x\"}'}", "\"match\" needs conditions in braces"},
      {"{from: '02:00', to: '03:00', match: '{system=~\"(\"}'}", "bad regular expression"},
  };
  for (const auto& [section, words] : table) {
    const ConfigText text("maintenance: [" + section + "]\n");
    EXPECT_FALSE(text.config) << section;
    EXPECT_THAT(text.said, HasSubstr(words)) << section;
  }
  EXPECT_THAT(ConfigText("maintenance: [{from: 12:00, to: \"13:00\"}]\n").said, HasSubstr("(write \"12:00\")"));
}

}  // namespace
}  // namespace tocsin::daemon
