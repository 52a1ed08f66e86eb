// The table of maintenance windows.
#include <fmt/format.h>

#include "load.hpp"
#include "tables.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::daemon {

using core::field;
using core::FieldReader;
using core::Place;
using core::Section;
using model::Maintenance;
using model::TimeOfDay;

namespace {

core::Type<std::vector<core::Matcher>> matchers() {
  auto type = core::text_as<std::vector<core::Matcher>>("matchers", "", parse_matchers,
                                                        [](const std::vector<core::Matcher>& all) {
                                                          std::string out;
                                                          for (const core::Matcher& matcher : all)
                                                            out += (out.empty() ? "{" : ", ") + matcher.to_string();
                                                          return out + "}";
                                                        });
  type.write = [write = type.write](const std::vector<core::Matcher>& all) {
    return all.empty() ? core::YamlNode{} : write(all);
  };
  return type;
}

std::variant<TimeOfDay, std::string> parse_time(const std::string& text) {
  const auto colon = text.find(':');
  const auto digits = [&text](std::size_t from, std::size_t to) {
    return core::parse_number<unsigned>(std::string_view(text).substr(from, to - from));
  };
  if (colon != std::string::npos && text.size() - colon == 3 && colon >= 1 && colon <= 2) {
    const auto hours = digits(0, colon), minutes = digits(colon + 1, text.size());
    const bool midnight = hours && minutes && *hours == 24 && *minutes == 0;
    if (hours && minutes && (midnight || (*hours < 24 && *minutes < 60)))
      return TimeOfDay{std::chrono::minutes{(*hours % 24) * 60 + *minutes}};
  }
  return "is a time of day such as \"02:00\", not \"" + text + "\"";
}

core::Type<TimeOfDay> time_of_day() {
  auto type = core::text_as<TimeOfDay>("time of day", "^[0-9]{1,2}:[0-9]{2}$", parse_time, [](const TimeOfDay& time) {
    return fmt::format("{:02}:{:02}", time.since_midnight.count() / 60, time.since_midnight.count() % 60);
  });
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, TimeOfDay& into) {
    if (!read(reader, node, into)) return false;
    if (!node.quoted && !node.scalar.starts_with('0')) {
      reader.warning(node.at, fmt::format("some readers of YAML take {} without quotes for a number (write \"{}\")",
                                          node.scalar, node.scalar));
    }
    return true;
  };
  type.write = [](const TimeOfDay& time) {
    core::YamlNode node =
        core::yaml_text(fmt::format("{:02}:{:02}", time.since_midnight.count() / 60, time.since_midnight.count() % 60));
    node.quoted = true;
    return node;
  };
  return type;
}

}  // namespace

Section<Maintenance> maintenance_table() {
  const auto day =
      core::choice<unsigned>({{"sun", 0}, {"mon", 1}, {"tue", 2}, {"wed", 3}, {"thu", 4}, {"fri", 5}, {"sat", 6}});
  return Section<Maintenance>(
             "maintenance",
             "A time in which people work on something. No action is taken for its alerts, and where it is wanted "
             "nobody "
             "is told of them.",
             {
                 field("match", &Maintenance::match, matchers())
                     .doc("Labels of the alerts that it is about: `{system=\"nexus-aec\"}`.")
                     .fallback("all alerts"),
                 field("from", &Maintenance::from, time_of_day())
                     .doc("When it begins, by the clock on the wall in that time zone: `\"02:00\"`.")
                     .required(),
                 field("to", &Maintenance::to, time_of_day())
                     .doc("When it ends. An end that is not after the beginning is on the next day.")
                     .required(),
                 field("days", &Maintenance::days, core::list_of(day, core::ListStyle::list_or_one))
                     .doc("The days on which it begins: `sun`, `mon`, `tue`, `wed`, `thu`, `fri`, `sat`.")
                     .fallback("every day"),
                 field("tz", &Maintenance::tz)
                     .doc("The time zone, by its name in the IANA data base, such as `Europe/Berlin`. On the days on "
                          "which clocks are put forward or back it is an hour shorter or longer where that hour is in "
                          "it.")
                     .check(zone_problem),
                 field("alerts", &Maintenance::alerts)
                     .doc(
                         "Whether people are told of these alerts all the same. `false`: Alertmanager does not hear of "
                         "them while it lasts."),
             })
      .check([](FieldReader& reader, const Place& place, const Maintenance& window) {
        if (window.from.since_midnight == window.to.since_midnight && !place.has("days"))
          reader.error(place.of("to"), "it would never end (\"from\" and \"to\" are the same)");
      });
}

MaintenanceWindow make_maintenance(const model::Maintenance& section) {
  MaintenanceWindow window;
  window.match = section.match;
  window.from = section.from.since_midnight;
  window.to = section.to.since_midnight;
  for (const unsigned day : section.days) window.days.set(day);
  window.tz = section.tz;
  window.alerts = section.alerts;
  return window;
}

model::Maintenance section_for(const MaintenanceWindow& window) {
  model::Maintenance section;
  section.match = window.match;
  section.from.since_midnight = window.from;
  section.to.since_midnight = window.to;
  for (unsigned day = 0; day < 7; ++day) {
    if (window.days.test(day)) section.days.push_back(day);
  }
  section.tz = window.tz;
  section.alerts = window.alerts;
  return section;
}

}  // namespace tocsin::daemon
