// The alerts of one rule, and how they go from pending to firing to resolved. Shared by alerting rules and thresholds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "memory_codec.hpp"
#include "rule.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::rules {

/// One label set for which the rule's condition holds now.
struct Found {
  core::Labels labels;  // complete, with alertname
  core::Labels annotations;
  double value = 0;
  core::Labels of;                       // of a threshold: the label set of its lines
  std::optional<core::TimePoint> since;  // it holds since then; not present: since this evaluation
  std::uint64_t hash = 0;                // of the labels
};

/// What one evaluation says of the alerts. Those of which it says nothing end.
struct Judgement {
  std::vector<Found> found;          // hold
  std::vector<core::Labels> frozen;  // of these nothing is known now: they stay as they are
  bool freeze_rest = false;          // nothing is known of any other either, but for `ended`
  std::vector<core::Labels> ended;
};

/// What writes the memories of one book.
struct MemorySink {
  const std::string& prefix;  // of the group
  RuleMark rule;
  std::vector<core::Memory>& out;
};

class AlertBook {
 public:
  /// So long a resolved alert is told again, in case somebody did not hear it (as Prometheus).
  static constexpr core::Duration resolved_retention{std::chrono::minutes{15}};
  struct Policy {
    core::Duration hold{0};
    core::Duration keep_firing{0};
    std::size_t limit = 0;
  };
  /// What every alert of the rule is told with.
  struct Origin {
    std::string rule;
    std::string group;
    std::string expression;
  };
  explicit AlertBook(Origin origin, MemoryKey::Kind kind = MemoryKey::Kind::alert)
      : origin_(std::move(origin)), kind_(kind) {}

  /// One evaluation. Gives an error where there are more than the limit; all alerts are forgotten then, as in
  /// Prometheus.
  [[nodiscard]] std::optional<std::string> apply(Judgement judgement, core::TimePoint at, const Policy& policy);
  /// Adds ALERTS and ALERTS_FOR_STATE of every alert.
  void write(const RuleSpec& spec, Output& output);
  /// Appends what is to be told. A firing alert is told again once more than `resend_delay` has passed, and so is for
  /// 15 minutes one that is resolved.
  void report(core::TimePoint at, core::Duration interval, core::Duration resend_delay,
              std::vector<core::AlertChange>& out);
  /// Appends what changed of that which must outlive the process, since this was last asked.
  void remember(const MemorySink& sink);

  /// Pending and firing ones, sorted by labels.
  [[nodiscard]] std::vector<core::Alert> alerts() const;
  /// The same; null where there is none.
  [[nodiscard]] const core::Alert* find(const core::Labels& labels) const;
  template <class Visitor>  // (alert, its label set in a threshold's lines)
  void each(Visitor&& visitor) const {
    for (const auto& [labels, entry] : entries_) {
      if (entry.alert.state != core::AlertState::inactive) visitor(entry.alert, entry.of);
    }
  }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// Takes the alerts of `old`, under this rule's origin.
  void take_from(AlertBook& old);
  void restore(core::Labels labels, AlertMemory memory, core::Duration valid_for);
  /// Appends the deletion of all that was written.
  void forget(const MemorySink& sink) const;
  /// All times move.
  void shift(core::Duration by);

 private:
  struct Entry {
    core::Alert alert;
    core::Labels of;
    std::uint64_t hash = 0;                              // of its labels
    core::AlertState told = core::AlertState::inactive;  // what was reported last
    std::optional<core::TimePoint> told_at;              // to Alertmanager
    std::uint64_t found = 0;                             // in which evaluation it was last found
    std::uint64_t known = 0;                             // and in which something was last known of it, or said of it
    std::optional<core::TimePoint> keep_written;         // keep_firing_since as it was written
    bool written = false;
    bool changed = false;  // since it was written
    // Where its series stand.
    std::optional<Output::Place> for_state;
    std::optional<Output::Place> alerts;
    core::AlertState shown = core::AlertState::inactive;  // in ALERTS
  };
  using Entries = std::map<core::Labels, Entry>;
  void add(Found found, core::TimePoint at);
  [[nodiscard]] Entry& entry_of(const core::Labels& labels, std::uint64_t hash);
  Entries::iterator erase(Entries::iterator at);
  void freeze(const Judgement& judgement);
  void set_origin(core::Alert& alert) const;
  /// False where the alert is no longer active.
  static bool silent(core::Alert& alert, core::TimePoint at, const Policy& policy);
  static void advance(core::Alert& alert, core::TimePoint at, core::Duration hold);
  [[nodiscard]] static std::optional<core::AlertChange::Kind> due(Entry& entry, core::TimePoint at,
                                                                  core::Duration resend_delay);
  [[nodiscard]] static AlertMemory memory_of(const Entry& entry);

  Origin origin_;
  MemoryKey::Kind kind_;
  Entries entries_;
  std::unordered_multimap<std::uint64_t, Entries::iterator> by_hash_;  // of them
  std::vector<core::Labels> gone_;                                     // were written, and are to be deleted
  std::uint64_t round_ = 0;
};

}  // namespace tocsin::rules
