// The judge's own parts. Private to its sources.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/hearing.hpp"
#include "src/judge.hpp"

namespace tocsin::daemon {

struct Judge::Impl : std::enable_shared_from_this<Judge::Impl> {
  Impl(net::Loop& loop_, store::Limits limits, Log log_, JudgeHooks hooks_)
      : loop(loop_),
        log(std::move(log_)),
        hooks(std::move(hooks_)),
        store(limits),
        own_block(store.open_block("tocsin")) {}

  struct Target {
    TargetInfo info;
    store::BlockId block = 0;
  };
  struct Running {
    std::unique_ptr<rules::Group> group;
    core::TimePoint next;                  // its next slot
    std::optional<core::TimePoint> early;  // an early run is due then
    core::TimePoint last_early;
    std::size_t unknown = 0;  // targets that it reads and of which nothing is known at present
    std::shared_ptr<const rules::GroupStatus> status;
  };

  net::Loop& loop;
  Log log;
  JudgeHooks hooks;
  store::Store store;
  std::unordered_map<std::uint32_t, Target> targets;
  std::vector<Running> groups;
  rules::GroupSettings settings;
  store::BlockId own_block;
  core::SeriesTable own_series;
  core::TimePoint next_own_metrics{}, next_maintenance{};
  bool series_changed = false;
  bool stopped = false;
  std::uint64_t wake_serial = 0;
  std::optional<core::TimePoint> wake_at;
  Hearing hearing;
  std::optional<Inheritance> inheritance;       // until the first rules have come
  bool heard_late = false;                      // the process before ended long ago: targets that come are unknown
  std::optional<core::TimePoint> settle_until;  // targets that come before must be heard before anything ends
  std::optional<std::pair<core::TimePoint, std::chrono::steady_clock::time_point>> last_look;  // at both clocks

  std::atomic<std::uint64_t> early_runs{0}, refused_duplicates{0}, too_old{0}, clock_jumps{0};
  std::atomic<bool> settling{false};
  std::atomic<std::chrono::steady_clock::rep> last_round{std::chrono::steady_clock::now().time_since_epoch().count()};
  mutable std::mutex status_mutex;
  GroupStatuses statuses;

  void change_targets(const std::vector<std::uint32_t>& removed, std::vector<TargetInfo> added);
  void fetch_ahead(std::span<const core::Observation> observations) const;
  void deliver(std::vector<core::Observation> observations, bool flip);
  void inherit(Inheritance left);
  void set_rules(Rules rules);
  void take_up(rules::Group& group, core::TimePoint now);
  void forget_strangers();
  void keep(std::vector<core::Memory> memories);
  void withhold(std::uint32_t target, core::TimePoint now);
  void count_unknown(std::uint32_t target, bool unknown);
  void settle();
  std::pair<core::TimePoint, std::chrono::steady_clock::time_point> both_clocks() const;
  core::TimePoint look_at_clock();
  void concern(std::uint32_t target, core::TimePoint now);
  void work();
  void sleep();
  void evaluate(Running& running, core::TimePoint at);
  void take(Running& running, rules::Evaluation evaluation);
  void sample_own_metrics(core::TimePoint now);
  void publish_statuses();
};

}  // namespace tocsin::daemon
