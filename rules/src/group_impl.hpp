// What a group consists of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rule.hpp"
#include "tocsin/rules/group.hpp"

namespace tocsin::rules {

[[nodiscard]] std::string prefix_of(const std::string& group_id);

struct Group::Impl {
  Impl(GroupSpec spec_, GroupSettings settings_, store::Store& store_);

  [[nodiscard]] std::chrono::nanoseconds elapsed() const {
    return settings.stopwatch ? settings.stopwatch() : std::chrono::nanoseconds{0};
  }
  void evaluate(std::size_t i, Round& round, Evaluation& out);
  void hold(std::size_t i, Round& round);
  /// What is not of a rule: deletions that wait, and the time.
  void remember(core::TimePoint at, std::vector<core::Memory>& out);
  void take(Rule& mine, Impl& old, Rule& theirs);
  [[nodiscard]] Rule* find(RuleMark mark) const;

  GroupSpec spec;
  GroupSettings settings;
  store::Store& store;
  std::string id;
  std::string prefix;  // of its memories
  core::Duration offset{0};
  std::vector<std::unique_ptr<Rule>> rules;
  std::vector<RuleStatus> statuses;  // of the same rules
  std::vector<std::vector<core::Matcher>> selectors;
  std::optional<core::TimePoint> last;
  std::optional<core::TimePoint> time_written;  // the time that was remembered last
  std::vector<core::Memory> waiting;            // deletions for the next evaluation
  bool settling = false;
  std::chrono::nanoseconds took{0};
  std::uint64_t evaluations = 0;
  std::uint64_t failures = 0;
  std::uint64_t missed = 0;
};

}  // namespace tocsin::rules
