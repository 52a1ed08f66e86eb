// The judge: one loop that alone writes the store, evaluates the rules and owns the alert states.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/log.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/rules/group.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

using GroupStatuses = std::vector<std::shared_ptr<const rules::GroupStatus>>;

struct JudgeHooks {
  std::function<core::TimePoint()> clock;
  /// What rules changed, and what of it must outlive the process. Called on the judge's loop.
  std::function<void(std::vector<core::AlertChange>, std::vector<core::Memory>)> tell;
  /// tocsin's own metrics, sampled into the store so that rules can judge tocsin too.
  std::function<std::vector<std::pair<core::Labels, double>>()> own_metrics;
  /// The wall clock was set by so much; may be empty.
  std::function<void(core::Duration)> clock_was_set = {};
};

/// What a process before this one left behind.
struct Inheritance {
  /// Puts samples into the empty store and tells until when the process before lived, if that is known.
  std::function<std::optional<core::TimePoint>(store::Store&, core::TimePoint now)> samples;
  std::vector<core::Memory> memories;  // sorted by key
  std::optional<core::TimePoint> last_alive;
  core::Duration outage_tolerance{std::chrono::hours{1}};
};

struct JudgeCounters {
  std::uint64_t early_runs = 0;
  std::uint64_t refused_duplicates = 0;
  std::uint64_t too_old = 0;
  std::uint64_t clock_jumps = 0;
  bool settling = false;  // nothing ends, because targets have not been heard yet
};

class Judge {
 public:
  using MetricNames = std::shared_ptr<const std::vector<std::string_view>>;
  struct TargetInfo {
    std::uint32_t id = 0;
    core::Labels labels;
    MetricNames metric_names;  // of its kind: which groups a flip concerns
  };
  struct Rules {
    std::vector<rules::GroupSpec> groups;
    rules::GroupSettings settings;  // interval: the default one
  };

  Judge(net::Loop& loop, store::Limits limits, Log log, JudgeHooks hooks);
  ~Judge();
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  /// Before anything else: samples, and alerts as soon as their rules come.
  void inherit(Inheritance inheritance);
  /// All from any thread; carried out in the order of the calls.
  void change_targets(std::vector<std::uint32_t> removed, std::vector<TargetInfo> added);
  void deliver(std::vector<core::Observation> observations, bool flip);
  /// What stands of this target is old, because tocsin cannot reach it by its own fault: groups that read it are not
  /// evaluated until it was heard again.
  void withhold(std::uint32_t target);
  /// tocsin is cut off, or no longer.
  void set_cut_off(bool cut_off);
  /// Groups that are the same keep running untouched; changed ones take over their alerts' states; the rest ends.
  void set_rules(Rules rules);
  void set_limits(store::Limits limits);
  /// Samples tocsin's own metrics now, not only at the next interval (after a reload).
  void sample_own_metrics();
  void stop();

  /// Any thread.
  [[nodiscard]] const store::Store& store() const;
  /// False if the judge has not come round for half a minute.
  [[nodiscard]] bool alive() const;
  [[nodiscard]] store::View snapshot() const;
  [[nodiscard]] store::Stats store_stats() const;
  [[nodiscard]] GroupStatuses groups() const;
  [[nodiscard]] JudgeCounters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
