#include "truth_unknown.hpp"

#include <fmt/format.h>

#include "tocsin/core/duration.hpp"

namespace tocsin::rules {
namespace {

/// The alert's labels without its name, for people.
std::string where(const core::Labels& labels) {
  core::Labels rest = labels;
  rest.erase("alertname");
  return rest.empty() ? std::string() : rest.to_string();
}

}  // namespace

core::Labels unknown_labels(const core::Labels& held) {
  core::Labels out = held;
  out.set("about", held.get("alertname"));
  out.set("alertname", truth_unknown);
  return out;
}

core::Labels unknown_annotations(const LostSight& lost) {
  const std::string name(lost.alert.labels.get("alertname"));
  const std::string since = core::format_rfc3339(lost.since);
  const bool fired = lost.alert.fired_at.has_value();
  core::Labels out;
  out.set("summary", fmt::format("Whether {}{} holds is unknown: there has been no data since {}", name,
                                 where(lost.alert.labels), since));
  out.set("description",
          fmt::format(
              "There is no data of {} since {}. When it was last seen, {} was {}{}, and its value was {}. It was held "
              "for {} and has ended now; that does not mean that all is well. Look at whether the target still "
              "answers (tocsin_probe_success), whether tocsin still asks it (tocsin status), and whether it still "
              "gives this metric. The rule: {}.",
              fmt::join(lost.missing, " and of "), since, name, fired ? "firing since " : "pending since ",
              core::format_rfc3339(fired ? *lost.alert.fired_at : lost.alert.active_at),
              core::format_value(lost.alert.value), core::format_duration(lost.held), lost.rule));
  return out;
}

}  // namespace tocsin::rules
