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
#include "tocsin/core/memory.hpp"
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
  core::Duration subquery_step{std::chrono::minutes{1}};  // of a subquery that names none
  TemplateContext templates;
  /// A monotonic clock, for the times that the status shows; they are 0 without one. Nothing is judged by it.
  std::function<std::chrono::nanoseconds()> stopwatch;
};

/// What is known of one label set of one line of a threshold.
struct LineStatus {
  std::size_t line = 0;
  core::Labels labels;  // those that all lines share
  bool on = false;      // beyond its limit, hysteresis and periods worked in
  bool missing = false;
  double value = 0;  // when it was last seen
  core::TimePoint seen;
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
  std::vector<LineStatus> lines;    // of a threshold, those that are on or missing; bounded
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
  /// What changed of that which must outlive the process: to be kept together with `changes`. An evaluation that
  /// changes nothing gives at most the group's time, every 10 s.
  std::vector<core::Memory> memories;
};

/// With this begins every key of a group's memories.
inline constexpr std::string_view memory_root = "rules:";

/// A process that goes on where another ended.
struct Restart {
  core::TimePoint now;
  /// A pending alert whose process was away for longer waits anew (Prometheus: for-outage-tolerance).
  core::Duration outage_tolerance{std::chrono::hours{1}};
  /// When the process before is known to have lived. Without it, the group's own memories say it, to 10 s.
  std::optional<core::TimePoint> last_alive;
};

/// What came back.
struct RestoreReport {
  std::size_t pending = 0;
  std::size_t firing = 0;
  std::size_t resolved = 0;        // are told a while longer
  std::size_t begun_anew = 0;      // were pending, and tocsin was away for too long
  std::size_t unclaimed = 0;       // no rule of the group has them any more; they are forgotten
  std::size_t broken = 0;          // could not be read; they are forgotten
  core::Duration away{0};          // how long nothing was evaluated
  std::vector<std::string> notes;  // what is worth a line in the log; bounded
};

class Group {
 public:
  /// Each rule writes a block of its own, opened with its first samples: the rules of a group see each other's results
  /// at one time.
  Group(GroupSpec spec, GroupSettings settings, store::Store& store);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Evaluates all rules at `at`. Not later than the evaluation before, by up to an interval: such a call does nothing;
  /// by more, the clock was set back, and the group goes on from there as if one interval had passed. `expired`, asked
  /// inside the loops, ends an evaluation that takes too long.
  [[nodiscard]] Evaluation evaluate(core::TimePoint at, const std::function<std::function<bool()>()>& start_timer);
  /// In place of an evaluation, while nothing is known of what the group reads: nothing begins and nothing ends; what
  /// fires is told again.
  [[nodiscard]] Evaluation hold(core::TimePoint at);
  /// The slot of Prometheus's schedule (EvalTimestamp) at or before `now`, and the next one.
  [[nodiscard]] core::TimePoint slot_before(core::TimePoint now) const;
  [[nodiscard]] core::TimePoint next_slot(core::TimePoint now) const;
  /// Takes over alert states and series of rules with the same name and labels from a group that is replaced. What
  /// `old` has left ends with its `close` and its `forget`; what was taken over is written anew by the next evaluation.
  void take_state_from(Group& old);
  /// Takes up what a group of this name left behind in another process: before the first evaluation. Rules are known
  /// again by kind, name and labels; an expression may have changed. Memories of other groups are left alone.
  RestoreReport restore(std::span<const core::Memory> memories, const Restart& restart);
  /// With this begins the key of every memory of this group, and of no other.
  [[nodiscard]] std::string memory_prefix() const;
  /// The deletion of everything that it has written and that nobody took over: for a group that goes.
  [[nodiscard]] std::vector<core::Memory> forget() const;
  /// While it settles nothing ends for want of data: alerts of which the expressions say nothing are held as they are.
  /// Alerts may begin. For the time after a start, or while tocsin is cut off, when data may not be in yet.
  void set_settling(bool settling);
  /// The wall clock was set by so much: all timers move with it, and none gains or loses by it. The samples do not
  /// move; let the group settle until there are new ones.
  void shift(core::Duration by);
  /// Ends the series that it recorded.
  void close(core::TimePoint at);
  void count_missed(std::uint64_t slots);
  /// True if a flip of one of these metrics' producers may change a result: used to find the groups to run early. An
  /// empty set of selectors (time() alone) gives false.
  [[nodiscard]] bool reads_from(const core::Labels& target_base, std::span<const std::string_view> metric_names) const;
  [[nodiscard]] GroupStatus status() const;
  [[nodiscard]] const GroupSpec& spec() const;

 private:
  [[nodiscard]] Evaluation round(core::TimePoint at, const std::function<std::function<bool()>()>& start_timer,
                                 bool held);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::rules
