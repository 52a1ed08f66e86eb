// Of which alerts nobody has heard: what no Alertmanager has taken, and the fallback has not been told. Pure: times
// come in as arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::alerts {

class FallbackQueue {
 public:
  static constexpr std::size_t capacity = 100'000;

  /// A change that the Alertmanagers are to be told.
  void notice(const core::AlertChange& change, core::Deadline now);
  /// An Alertmanager took the state of the alert with these labels that has this number, or (without one) is of `at`.
  void accepted(const core::Labels& labels, std::uint64_t number, core::TimePoint at, core::Deadline now);
  /// When it is time to tell somebody else: `after` since the last that was taken, and since the oldest that waits.
  /// Nothing while nothing waits.
  [[nodiscard]] std::optional<core::Deadline> due(core::Duration after) const;
  /// The names of alerts that wait, and of those the states.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<core::AlertChange> of_name(const std::string& name) const;
  /// The fallback was told these (or refused them): they are not told again.
  void told(const std::vector<core::AlertChange>& changes);

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    core::AlertChange change;
    core::Deadline since;
    bool promised = false;  // the fallback was told that it fires, so it is told that it ended, whoever else is
  };
  std::unordered_map<core::Labels, Waiting, core::LabelsHash> waiting_;
  std::unordered_map<core::Labels, std::uint64_t, core::LabelsHash> told_firing_;  // and the number of that state
  core::Deadline last_accepted_{};
  std::uint64_t dropped_ = 0;
};

}  // namespace tocsin::alerts
