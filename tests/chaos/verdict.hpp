// What was told, held against what happened: pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "chaos/sick_bay.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::chaos {

/// One alert of one POST that Alertmanager took.
struct Told {
  std::string alertname;
  std::size_t target = 0;
  core::TimePoint starts;
  core::TimePoint ends;
  core::TimePoint received;
  [[nodiscard]] bool resolved() const { return ends <= received; }
};

/// A rule on the targets: `for`, and how long it may take to notice a change (probing, judging, a restart or two).
struct Rule {
  std::string alertname;
  core::Duration hold{0};
};

struct Verdict {
  std::size_t owed = 0;         // episodes that lasted longer than their `for`
  std::size_t resolutions = 0;  // of them, that ended
  std::size_t undecided = 0;    // episodes about as long as their `for`: either is right
  std::size_t lost = 0;
  std::size_t lost_resolutions = 0;
  std::size_t restarted_timers = 0;  // fired later than `for` and the time to notice
  std::size_t false_alarms = 0;
  std::size_t false_resolutions = 0;
  std::size_t out_of_order = 0;       // an older state came after a newer one
  std::vector<std::string> findings;  // in words
  [[nodiscard]] bool good() const {
    return lost + lost_resolutions + restarted_timers + false_alarms + false_resolutions + out_of_order == 0;
  }
};

/// `slack`: how long a change may take to be noticed.
void judge(const Rule& rule, std::size_t target, const std::vector<Episode>& episodes, const std::vector<Told>& told,
           core::Duration slack, Verdict& verdict);

}  // namespace tocsin::chaos
