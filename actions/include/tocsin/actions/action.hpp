// Doing: the executor carries out what the machine decides (machine.hpp). On one loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/actions/machine.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

struct ExecutorHooks {
  std::function<core::TimePoint()> clock;
  /// Every decision, acted on or not, in words: a log line.
  std::function<void(const core::ActionRecord&)> record;
  /// Asks Alertmanager. An exception or `unknown` holds.
  std::function<net::Task<core::Suppression>(core::Labels, core::Deadline)> suppression;
  /// Evaluates PromQL now, on whatever thread, and gives one number, or nothing with the reason.
  std::function<net::Task<std::pair<std::optional<double>, std::string>>(std::string expression)> query;
  /// What is watched and how much of it fails, now. May be empty.
  std::function<Surroundings()> surroundings;
};

class Executor {
 public:
  /// `journal` may be null: then every action is shadow, and says so. Reads the clock; runs that the journal shows
  /// without a result are read back as soon as the loop runs, and never run again. Loop, connector and journal must
  /// outlive it; it is destroyed on the loop's thread, or when the loop does not run.
  Executor(net::Loop& loop, net::Connector& connector, Settings settings, state::Journal* journal, ExecutorHooks hooks);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// From any thread: what the rules said. Firing starts a decision; resolved serves verification; nothing here blocks.
  void notice(std::vector<core::AlertChange> changes);
  /// On the loop: replaces the settings; runs under way finish under the old ones.
  void reconfigure(Settings settings);
  /// On the loop: takes no new decision; a running call may finish until the deadline, then it is journalled `unknown`.
  [[nodiscard]] net::Task<void> stop(core::Deadline deadline);
  /// On the loop: what a person wants. Answers when it is on disk, or why it was not done.
  [[nodiscard]] net::Task<OrderResult> order(Order order);
  /// On the loop: what would be done for each action now, and all that speaks against it. Reads the platform, changes
  /// nothing.
  [[nodiscard]] net::Task<std::vector<Plan>> plan();
  /// From any thread.
  [[nodiscard]] std::vector<ActionStatus> status() const;
  /// From any thread: what is paused, in words ("up: by alice until 2026-...").
  [[nodiscard]] std::vector<Pause> pauses() const;

  struct Impl;  // private to the room

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::actions
