// tocsin's own metrics, kept by prometheus-cpp. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/action_metrics.hpp"
#include "src/discovery.hpp"
#include "src/judge.hpp"
#include "src/lane.hpp"
#include "src/snapshots.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/alerts/heartbeat.hpp"
#include "tocsin/alerts/notifier.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::daemon {

/// What is kept of what must outlive the process, and who is told besides Alertmanager.
struct StateCounts {
  bool folder_named = false;
  std::optional<state::LedgerStatus> ledger;  // nothing without a data folder that can be used
  std::uint64_t damaged = 0;
  std::uint64_t told_unkept = 0;
  std::optional<SnapshotStatus> snapshots;
  bool connectivity_checked = false;
  bool connected = true;
  std::optional<alerts::FallbackStatus> fallback;
  std::optional<alerts::HeartbeatStatus> heartbeat;
};

/// What the process's parts count themselves; asked at each scrape.
struct OwnSources {
  std::function<LaneCounters()> lane;
  std::function<std::map<std::string, BudgetStatus>()> budgets;
  std::function<std::vector<DiscoveryStatus>()> discovery;
  std::function<JudgeCounters()> judge;
  std::function<store::Stats()> store;
  std::function<GroupStatuses()> groups;
  std::function<std::vector<alerts::DestinationStatus>()> destinations;
  std::function<std::vector<actions::ActionStatus>()> actions;
  std::function<std::vector<actions::Pause>()> pauses;
  std::function<std::uint64_t()> logins_refused;
  std::function<std::size_t()> targets;
  std::function<std::uint64_t()> unknown_modules;
  std::function<core::TimePoint()> clock;
  std::function<StateCounts()> state;
};

class OwnMetrics {
 public:
  explicit OwnMetrics(OwnSources sources);
  ~OwnMetrics();
  OwnMetrics(const OwnMetrics&) = delete;
  OwnMetrics& operator=(const OwnMetrics&) = delete;

  void config_loaded(bool good, core::TimePoint at);
  void journal_usable(bool usable);
  /// Of each action every step is counted from 0 on; those that are configured no longer go.
  void actions_configured(const std::vector<actions::ActionSpec>& actions);
  /// Steps before this process, newest first.
  void remember(const std::vector<core::ActionRecord>& rows);
  /// One step of an action's life.
  void action_step(const core::ActionRecord& record);
  void http_request(unsigned status);
  /// In the text format, ready to be served.
  [[nodiscard]] std::string text();
  /// The same as series for the store (`job` and `instance` are the caller's to add); histograms left out.
  [[nodiscard]] std::vector<std::pair<core::Labels, double>> samples();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
