// The lane: one loop on which every target is probed. Owns the probers, the wheel, the confirmations and the sentinels.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/log.hpp"
#include "src/make_prober.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon {

/// What the page and the API show of a target.
struct TargetStatus {
  std::string job;
  std::string kind;
  std::string display;
  core::Labels labels;
  core::Duration interval{0};
  core::Duration timeout{0};
  core::Outcome outcome = core::Outcome::ok;
  core::Phase phase = core::Phase::none;
  std::string detail;
  std::optional<core::TimePoint> last_probe;
  std::optional<core::TimePoint> since;  // good or bad since
  double took_seconds = 0;
  bool good = false;
  bool held = false;  // a first failure waits for its confirmation
};

/// Counts since the start. Read from any thread.
struct LaneCounters {
  std::uint64_t probes = 0;
  std::uint64_t skipped = 0;         // still under way when its time came
  std::uint64_t held_dropped = 0;    // first failures that were not confirmed
  std::uint64_t sentinel_wakes = 0;  // probes because an idle connection closed
  std::uint64_t waited = 0;          // probes that had to wait for room
  std::uint64_t crowded_out = 0;     // probes left out because no room came in time
  std::uint64_t withheld = 0;        // failures that were not believed, because tocsin itself was cut off
  std::size_t under_way = 0;
};

/// How much of what is probed fails now: failures that wait for their confirmation are none yet.
struct LaneHealth {
  std::size_t targets = 0;
  std::size_t failing = 0;
};

/// What was spent of a budget, as of the last probe.
struct BudgetStatus {
  std::uint64_t used = 0;
  std::uint64_t left = 0;
  double interval_seconds = 0;  // how often a target of it is asked at present
};

struct LaneHooks {
  std::function<core::TimePoint()> clock;
  /// Observations that are to be judged, in order. `flip`: a target went from good to bad or back.
  std::function<void(std::vector<core::Observation>, bool flip)> deliver;
  /// Whether a failure of this class is to be put down to our own network; asked before one is believed. `news`: the
  /// target was well until now. May be empty.
  std::function<net::Task<bool>(core::Outcome, bool news)> doubt = {};
  /// A failure of this target was not believed: what stands of it is old.
  std::function<void(std::uint32_t target)> withheld = {};
  /// What was spent of the budget of that name before the start; and where to keep what is spent now. May be empty.
  std::function<std::string(const std::string& share)> recall_spent = {};
  std::function<void(const std::string& share, std::string spent)> keep_spent = {};
};

class Lane {
 public:
  struct Added {
    std::uint32_t id = 0;  // never used twice in the life of the process
    TargetConfig config;
  };
  struct Limits {
    std::size_t in_all = 1000;  // probes under way at a time
    std::size_t per_host = 50;
  };
  Lane(net::Loop& loop, ProberTools tools, Log log, LaneHooks hooks, Limits limits);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// From any thread: takes targets away and adds others.
  void change(std::vector<std::uint32_t> removed, std::vector<Added> added);
  /// From any thread: no further probe starts, what runs is given up, connections are closed.
  void stop();
  /// From any thread.
  [[nodiscard]] std::vector<TargetStatus> status() const;
  [[nodiscard]] LaneCounters counters() const;
  [[nodiscard]] LaneHealth health() const;
  /// By the name of their share. From any thread.
  [[nodiscard]] std::map<std::string, BudgetStatus> budgets() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
