// A target that is asked more rarely than its interval says: within a budget, or so rarely that it can sleep.
#pragma once

#include <memory>
#include <optional>

#include "src/budget.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::daemon {

struct SparingOptions {
  std::shared_ptr<Budget> budget;              // null: none
  std::optional<core::Duration> sleeps_after;  // of a service that is not kept awake
  core::Duration cold_start{0};                // how long it may take to answer after it slept
};

/// When a target may be asked: pure.
class Sparing {
 public:
  Sparing(SparingOptions options, Budget::Member member) : options_(std::move(options)), member_(member) {}
  /// Whether to ask now; a confirmation is asked as long as there is anything left to spend.
  [[nodiscard]] bool due(core::TimePoint now, bool confirming) const;
  /// Whether the service may have fallen asleep since it was last asked.
  [[nodiscard]] bool may_sleep(core::TimePoint now) const;
  void asked(core::TimePoint at, std::uint32_t cost);
  [[nodiscard]] std::optional<core::TimePoint> last() const { return last_; }

 private:
  SparingOptions options_;
  Budget::Member member_;
  std::optional<core::TimePoint> last_;
};

/// Wraps a prober: in between its last state stands, with its age in tocsin_probe_age_seconds. Leaves the budget when
/// it goes.
[[nodiscard]] std::unique_ptr<probes::Prober> make_sparing_prober(std::unique_ptr<probes::Prober> inner,
                                                                  std::uint32_t target, SparingOptions options);

}  // namespace tocsin::daemon
