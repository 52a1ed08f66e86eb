// A rule group at work: evaluates its rules in order, holds alert states, and says what changed. Pure: time and samples
// come in as arguments. Judge thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::rules {

enum class Health { unknown, ok, err };

struct GroupSettings {
  core::Duration interval{std::chrono::seconds{15}};
  core::Duration resend_delay{std::chrono::minutes{1}};
  core::Duration evaluation_timeout{std::chrono::seconds{10}};
  std::size_t max_samples = 5'000'000;
  TemplateContext templates;
  /// A monotonic clock, for the times that the status shows; they are 0 without one. Nothing is judged by it.
  std::function<std::chrono::nanoseconds()> stopwatch;
};

/// What the API shows of a rule. Copied out by the judge, read by anybody.
struct RuleStatus {
  RuleSpec::Kind kind = RuleSpec::Kind::alert;
  std::string name;
  std::string query;  // in normal form
  core::Duration hold{0};
  core::Duration keep_firing{0};
  std::vector<core::Label> labels;
  std::vector<core::Label> annotations;
  Health health = Health::unknown;
  std::string last_error;  // also, with Health::unknown, what a threshold does not know because its data is missing
  std::chrono::nanoseconds evaluation_time{0};
  std::optional<core::TimePoint> last_evaluation;
  core::AlertState state = core::AlertState::inactive;
  std::vector<core::Alert> alerts;  // pending and firing
};
struct GroupStatus {
  std::string name;
  std::string file;
  core::Duration interval{0};
  std::size_t limit = 0;
  std::chrono::nanoseconds evaluation_time{0};
  std::optional<core::TimePoint> last_evaluation;
  std::uint64_t evaluations = 0;
  std::uint64_t failures = 0;
  std::uint64_t missed = 0;
  std::vector<RuleStatus> rules;
};

struct Evaluation {
  std::vector<core::AlertChange> changes;  // to be told, in the order of the rules
  /// Rules whose evaluation failed: name and error, for the log.
  std::vector<std::pair<std::string, std::string>> errors;
};

class Group {
 public:
  /// Each rule writes a block of its own, opened with its first samples: the rules of a group see each other's results
  /// at one time.
  Group(GroupSpec spec, GroupSettings settings, store::Store& store);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Evaluates all rules at `at` (never earlier than, nor the same as, the evaluation before: such a call does
  /// nothing). `expired`, asked inside the loops, ends an evaluation that takes too long.
  [[nodiscard]] Evaluation evaluate(core::TimePoint at, const std::function<std::function<bool()>()>& start_timer);
  /// The slot of Prometheus's schedule (EvalTimestamp) at or before `now`, and the next one.
  [[nodiscard]] core::TimePoint slot_before(core::TimePoint now) const;
  [[nodiscard]] core::TimePoint next_slot(core::TimePoint now) const;
  /// Takes over alert states and series of rules with the same name and labels from a group that is replaced. What
  /// `old` has left ends with its `close`.
  void take_state_from(Group& old);
  /// Ends the series that it recorded.
  void close(core::TimePoint at);
  void count_missed(std::uint64_t slots);
  /// True if a flip of one of these metrics' producers may change a result: used to find the groups to run early. An
  /// empty set of selectors (time() alone) gives false.
  [[nodiscard]] bool reads_from(const core::Labels& target_base, std::span<const std::string_view> metric_names) const;
  [[nodiscard]] GroupStatus status() const;
  [[nodiscard]] const GroupSpec& spec() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::rules
