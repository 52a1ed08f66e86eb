// The alerts of one rule, and how they go from pending to firing to resolved. Shared by alerting rules and thresholds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::rules {

/// One label set for which the rule's condition holds now.
struct Found {
  core::Labels labels;  // complete, with alertname
  core::Labels annotations;
  double value = 0;
};

class AlertBook {
 public:
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
  explicit AlertBook(Origin origin) : origin_(std::move(origin)) {}

  /// One evaluation: `found` are the label sets that hold, `frozen` those about which nothing is known now: they stay
  /// as they are. Gives an error where there are more than the limit; all alerts are forgotten then, as in Prometheus.
  [[nodiscard]] std::optional<std::string> apply(std::vector<Found> found, const std::vector<core::Labels>& frozen,
                                                 core::TimePoint at, const Policy& policy);
  /// Appends what is to be told. A firing alert is told again once more than `resend_delay` has passed.
  void report(core::TimePoint at, core::Duration interval, core::Duration resend_delay,
              std::vector<core::AlertChange>& out);

  /// Pending and firing ones, sorted by labels.
  [[nodiscard]] std::vector<core::Alert> alerts() const;
  [[nodiscard]] const core::Alert* find(const core::Labels& labels) const;
  template <class Visitor>
  void each(Visitor&& visitor) const {
    for (const auto& [labels, entry] : entries_) visitor(entry.alert);
  }
  /// Takes the alerts of `old`, under this rule's origin.
  void take_from(AlertBook& old);

 private:
  struct Entry {
    core::Alert alert;
    core::AlertState told = core::AlertState::inactive;  // what was reported last
    std::optional<core::TimePoint> told_at;              // to Alertmanager
  };
  void add(Found found, core::TimePoint at);
  /// False where the alert is no longer active.
  static bool silent(core::Alert& alert, core::TimePoint at, const Policy& policy);
  static void advance(core::Alert& alert, core::TimePoint at, core::Duration hold);

  Origin origin_;
  std::map<core::Labels, Entry> entries_;
};

}  // namespace tocsin::rules
