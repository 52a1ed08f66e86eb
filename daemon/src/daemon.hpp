// The process's parts and how they are joined. Made on the main thread, which then runs the desk.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/connectivity.hpp"
#include "src/discovery.hpp"
#include "src/judge.hpp"
#include "src/keeper.hpp"
#include "src/lane.hpp"
#include "src/loaded.hpp"
#include "src/metadata_book.hpp"
#include "src/mutes.hpp"
#include "src/own_metrics.hpp"
#include "src/port_guard.hpp"
#include "src/probe_endpoint.hpp"
#include "src/process.hpp"
#include "src/push_route.hpp"
#include "src/snapshots.hpp"
#include "src/web.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/alerts/heartbeat.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/state/state.hpp"

namespace tocsin::daemon {

[[nodiscard]] core::TimePoint wall_clock();

/// A plan that is being made, for all who ask meanwhile.
struct Planning {
  explicit Planning(net::Executor executor) : done(std::move(executor)) {}
  net::Event done;
  std::vector<actions::Plan> plans;
};

class Daemon {
 public:
  /// `state` may be null: then nothing outlives the process, and every action is shadow.
  Daemon(const RunOptions& options, Log log, Loaded loaded, std::unique_ptr<state::State> state);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Until SIGTERM or SIGINT. The exit code.
  int run();

 private:
  net::CrashHandler crash_handler();
  // What the rooms get of each other (daemon_hooks.cpp).
  state::Ledger* ledger() { return state_ ? &state_->ledger() : nullptr; }
  state::Journal* journal() { return state_ ? &state_->journal() : nullptr; }
  OwnSources own_sources();
  StateCounts state_counts();
  KeeperHooks keeper_hooks();
  Inheritance inheritance(const Config& config);
  JudgeHooks judge_hooks();
  LaneHooks lane_hooks();
  alerts::NotifierOptions notifier_options(const Config& config) const;
  alerts::Notifier::Log notifier_log();
  actions::ExecutorHooks executor_hooks();
  actions::Surroundings surroundings();
  WebSources web_sources();
  PageData page_data();
  std::vector<std::string> troubles();

  void note(std::string event, std::string detail);
  // Of actions, and people who give orders (daemon_actions.cpp).
  void record(const core::ActionRecord& record);
  void keep_in_history(const core::ActionRecord& record);
  net::Task<actions::OrderResult> order(actions::Order order);
  net::Task<std::vector<actions::Plan>> plan();
  net::Task<std::optional<std::string>> user_name(std::uint32_t uid);
  ActionsView actions_view() const;
  void connectivity_changed(const ConnectivityState& state);
  net::Task<bool> doubt(core::Outcome outcome, bool news);
  net::Task<std::pair<std::optional<double>, std::string>> query_number(std::string expression);
  // Configuration and targets (daemon_config.cpp).
  void apply(Loaded loaded);
  void apply_targets(const std::vector<TargetConfig>& targets);
  void deliver(std::vector<core::Observation> observations, bool flip);
  net::Task<ReloadResult> reload();
  // Life (process.cpp).
  bool listen();
  net::Task<void> reload_on_signal();
  net::Task<void> feed_watchdog(std::chrono::microseconds interval);
  net::Task<void> stop();
  net::Task<void> wait_for_disk();

  const RunOptions& options_;
  Log log_;
  core::TimePoint started_;
  net::BlockingPool blocking_;
  net::BlockingPool files_;  // where file systems are asked: one that hangs holds up nothing else
  net::BlockingPool queries_;
  net::BlockingPool logins_;  // one at a time: who tries passwords gets no more of this machine
  net::Connector connector_;
  net::Loop desk_;
  net::Loop lane_loop_;
  net::Loop judge_loop_;
  std::unique_ptr<state::State> state_;
  state::Recalled recalled_;  // until the rooms have taken it up
  probes::PushBox pushes_;
  PushDesk push_desk_;
  MetadataBook metadata_;
  OwnMetrics metrics_;
  Mutes mutes_;
  Keeper keeper_;
  Judge judge_;
  std::optional<Snapshots> snapshots_;
  Connectivity connectivity_;
  Lane lane_;
  Discovery discovery_;
  ProbeEndpoint probe_endpoint_;
  alerts::Notifier notifier_;
  alerts::Heartbeat heartbeat_;
  actions::Executor executor_;
  PortGuard guard_;
  Web web_;
  net::HttpServer server_;
  net::HttpServer local_server_;

  // Of the desk alone.
  Config config_;
  GroupSpecs rules_ = std::make_shared<const std::vector<rules::GroupSpec>>();
  std::unordered_map<std::string, std::uint32_t> target_ids_;  // by fingerprint
  std::uint32_t next_target_ = 1;
  bool config_good_ = true;
  std::shared_ptr<Planning> planning_;  // what people are waiting for
  bool reloading_ = false;
  bool stopping_ = false;
  std::string config_error_;
  std::optional<core::TimePoint> config_loaded_;
  std::atomic<bool> ready_{false};
  std::atomic<std::size_t> target_count_{0};
  std::atomic<bool> connected_{true};
  std::atomic<bool> folder_named_{false};
  std::mutex discovery_mutex_;
  std::vector<DiscoveryStatus> discovery_status_;  // as it was when targets last changed
};

}  // namespace tocsin::daemon
