// The lane's inside: lane.cpp says when targets are probed, lane_conclude.cpp what becomes of an answer.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/lane.hpp"
#include "src/schedule.hpp"
#include "src/sparing.hpp"

namespace tocsin::daemon {

/// One target at work. Lives as long as its map entry or a coroutine of it.
struct Runner {
  // What each probe needs comes first.
  std::uint32_t id = 0;
  bool probing = false;
  bool watching = false;
  bool probe_after_watch = false;
  bool removed = false;
  Confirmation confirmation;
  TargetStatus* status = nullptr;  // under the mutex; gone with the target
  std::unique_ptr<probes::Prober> prober;
  std::shared_ptr<Admission::Host> room;
  std::shared_ptr<Budget> budget;
  std::unique_ptr<core::Observation> held;
  std::unique_ptr<core::Observation> withheld;  // the last one that was not believed
  core::Deadline first_failure{};               // when the probe began whose failure is held
  core::Deadline fresh_after{};                 // the next probe from then on starts with a new connection
  core::Deadline sentinel_after{};              // a sentinel is not believed before
  TargetConfig config;
  std::string name;  // of its coroutine
  std::string host;  // which it shares with other targets
};
using RunnerPtr = std::shared_ptr<Runner>;

struct Lane::Impl : std::enable_shared_from_this<Lane::Impl> {
  Impl(net::Loop& loop_, ProberTools tools_, Log log_, LaneHooks hooks_, Limits limits)
      : admission(limits.in_all, limits.per_host),
        loop(loop_),
        tools(tools_),
        log(std::move(log_)),
        hooks(std::move(hooks_)),
        wheel(std::chrono::steady_clock::now()) {}

  Admission admission;
  std::unordered_map<Admission::Ticket, net::Event*> called_up;  // of those that wait for room
  struct Share {
    std::shared_ptr<Budget> budget;
    std::optional<core::TimePoint> kept;  // when what is spent was last handed to the hook
  };
  std::map<std::string, Share> shares;  // also those that have no target at present: what was spent stays spent
  net::Loop& loop;
  ProberTools tools;
  Log log;
  LaneHooks hooks;
  Wheel wheel;
  std::uint64_t sequence = 0;
  boost::unordered_flat_map<std::uint32_t, RunnerPtr> runners;
  std::vector<std::uint32_t> due;  // what the wheel gave, from `next_due` on still to be started
  std::size_t next_due = 0;
  bool starting = false;
  std::vector<core::Observation> outgoing;
  std::size_t in_flight = 0;  // probes under way
  bool flush_due = false;     // a flush is ordered for the end of the slot
  bool turning = false;
  bool stopped = false;

  std::atomic<std::uint64_t> probes{0}, skipped{0}, held_dropped{0}, sentinel_wakes{0}, waited{0}, crowded_out{0},
      withheld{0};
  std::atomic<std::size_t> under_way{0};
  std::map<std::string, BudgetStatus> budgets;  // under the mutex
  mutable std::mutex status_mutex;
  std::map<std::uint32_t, TargetStatus> statuses;

  void change(const std::vector<std::uint32_t>& removed, std::vector<Added> added);
  void drop(std::uint32_t id);
  net::Task<void> turn();
  void start_some();
  void start(const RunnerPtr& runner);
  net::Task<void> run(RunnerPtr runner);
  std::unique_ptr<probes::Prober> prober_of(Runner& runner);
  std::shared_ptr<Budget> budget_of(const BudgetConfig& config);
  void keep_spent(const std::string& share, core::TimePoint now);
  net::Task<bool> admit(Runner& runner);
  void leave(const Runner& runner);
  net::Task<void> probe(Runner& runner);
  net::Task<void> confirm_later(RunnerPtr runner);
  net::Task<bool> watch(Runner& runner);
  [[nodiscard]] bool may_be_ours(const Runner& runner, core::Outcome outcome) const;
  void withhold(Runner& runner, core::Observation observation);
  void conclude(Runner& runner, core::Observation observation);
  void hand_over(core::Observation observation, bool flip);
  void flush(bool flip);
  void note(const Runner& runner, const core::Observation& observation, bool flip);
};

}  // namespace tocsin::daemon
