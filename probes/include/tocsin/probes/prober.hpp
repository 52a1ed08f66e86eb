// What every kind of probe has in common. A Prober belongs to one target and lives on one loop; it never runs two
// probes at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::probes {

/// What a target is called. `base` has job, instance and the configured labels; every sample carries them.
struct Identity {
  std::uint32_t target = 0;  // its number in the running configuration
  std::string kind;          // "redis", "http", ...
  std::string display;       // for pages and logs: no user info, no query
  core::Labels base;
  std::shared_ptr<core::TextPool> texts{};  // in common with other targets; may be none
};

/// When a probe runs. Wall clock for its samples, steady clock for its waits.
struct ProbeStart {
  core::TimePoint at;
  core::Deadline deadline;
  bool fresh = false;       // give up a kept connection and start anew (the `reconnect` rule)
  bool confirming = false;  // this probe decides whether a first failure was one
  /// The target is sick: ask first what shows that it is back, and what costs it more only when that was answered.
  bool light = false;
};

class Prober {
 public:
  virtual ~Prober() = default;
  /// One probe. Never throws for a sick target; always ends by the deadline (plus a scheduling delay). The batch is
  /// complete: the kind's own metrics (`redis_up`, `probe_success`, ...) and tocsin_probe_success,
  /// tocsin_probe_duration_seconds, tocsin_probe_failures_total{class}.
  [[nodiscard]] virtual net::Task<core::Observation> probe(ProbeStart start) = 0;
  /// True while a kept connection idles that can be watched.
  [[nodiscard]] virtual bool has_sentinel() const { return false; }
  /// Returns true when the idle connection has closed, false when `stop_watching` was called. Call it between probes
  /// only.
  [[nodiscard]] virtual net::Task<bool> watch() { co_return false; }
  virtual void stop_watching() {}
  /// Closes what is kept.
  virtual void close() {}
};

/// The metrics that every kind gives, appended by each prober at the end of its batch: tocsin_probe_success,
/// _duration_seconds, _age_seconds (0: what stands is what was just asked) and _failures_total{class} (every class from
/// the start, at 0).
class CommonMetrics {
 public:
  explicit CommonMetrics(const core::Labels& base);
  /// Counts the outcome and adds the rows.
  void append(core::SeriesTable& table, core::Outcome outcome, std::chrono::nanoseconds took);

 private:
  core::Labels base_;
  std::uint64_t failures_[core::outcome_count] = {};
  core::Pin pins_[core::outcome_count + 2] = {};  // success, duration, age, and a counter for each class of failure
};

/// How old what stands of a target is; where it is asked rarely, the daemon sets the value.
inline constexpr std::string_view probe_age_name = "tocsin_probe_age_seconds";

/// TYPE and HELP of everything that the probes of this library can give.
[[nodiscard]] std::span<const core::MetricMeta> common_metadata();

}  // namespace tocsin::probes
