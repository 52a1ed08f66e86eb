// What metrics say of actions: one series for each action and fact, however often it acts. No locks: OwnMetrics has
// one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tocsin/actions/machine.hpp"
#include "tocsin/core/journal.hpp"

namespace tocsin::daemon {

/// A gauge with all the series that it has now; what it had before and has no longer, goes.
struct GaugeFamily {
  using Tags = std::map<std::string, std::string>;
  const char* name;
  const char* help;
  std::map<Tags, double> values;
};

class ActionMetrics {
 public:
  /// Rows of processes before this one, newest first.
  void remember(const std::vector<core::ActionRecord>& rows);
  void step(const core::ActionRecord& record);
  [[nodiscard]] std::vector<GaugeFamily> families(const std::vector<actions::ActionStatus>& actions,
                                                  const std::vector<actions::Pause>& pauses) const;

 private:
  std::map<std::string, core::ActionRecord> changes_;  // by action: the last that was made
  std::map<std::string, core::ActionRecord> ends_;     // and what came of the last run, if that is known
};

}  // namespace tocsin::daemon
