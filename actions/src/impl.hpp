// The driver of the machine: its events come from many threads and many waits, its effects go to the journal and the
// platform. All but what says otherwise is on the loop. It decides nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/actions/action.hpp"

namespace tocsin::actions {

/// The way to the loop for other threads; it ends with the executor.
class Mailbox {
 public:
  explicit Mailbox(net::Loop& loop) : loop_(&loop) {}
  /// Any thread: runs it on the loop, if the executor is still there.
  void post(std::function<void()> work);
  void spawn(std::string name, net::Task<void> task);
  /// What it returns cancels the task, and may be called while the loop is there.
  [[nodiscard]] std::function<void()> spawn_cancellable(std::string name, net::Task<void> task);
  void close();

 private:
  std::mutex mutex_;
  net::Loop* loop_;
};

struct Executor::Impl : std::enable_shared_from_this<Executor::Impl> {
  Impl(net::Loop& loop, net::Connector& its_connector, Settings settings, state::Journal* its_journal,
       ExecutorHooks its_hooks);

  // executor.cpp
  void take_inbox();
  /// One step of the machine for each event, and what comes of it.
  void take(Event event);
  void carry_out(Write effect);
  void carry_out(Read effect);
  void carry_out(Query effect);
  void carry_out(Ask effect);
  void carry_out(MakeChange effect);
  void carry_out(AnswerOrder effect);
  void on_receipt(Token token, std::optional<std::string> problem);
  void publish();
  [[nodiscard]] Moment moment() const;
  /// When `time_passed` is to be called next.
  [[nodiscard]] core::Deadline due() const;
  void time_passed();
  void close();

  // errands.cpp: what takes time. A coroutine holds the Impl, and looks whether it is closed after each wait.
  static net::Task<void> watch_time(std::shared_ptr<Impl> self);
  static net::Task<void> read(std::shared_ptr<Impl> self, Read effect);
  static net::Task<void> query(std::shared_ptr<Impl> self, Query effect);
  static net::Task<void> ask(std::shared_ptr<Impl> self, Ask effect);
  static net::Task<void> change(std::shared_ptr<Impl> self, MakeChange effect);
  static net::Task<OrderResult> order(std::shared_ptr<Impl> self, Order order);
  static net::Task<std::vector<Plan>> plan(std::shared_ptr<Impl> self);
  static net::Task<void> stop(std::shared_ptr<Impl> self, core::Deadline deadline);

  net::Connector& connector;
  state::Journal* journal;
  ExecutorHooks hooks;
  net::Executor executor;
  std::shared_ptr<Mailbox> mailbox;
  std::atomic<bool> closed = false;  // the Executor is gone: touch nothing but this

  Machine machine;
  std::deque<Event> events;  // that a step has brought about itself
  bool stepping = false;
  net::Event stepped;
  net::Event moved;  // the time of the next look may have
  core::Deadline last_tick;
  std::map<Token, core::Deadline> unwritten;  // rows whose receipts are waited for, and until when

  struct Waiting {
    explicit Waiting(net::Executor executor) : answered(std::move(executor)) {}
    OrderResult result;
    net::Event answered;
  };
  std::map<Token, std::shared_ptr<Waiting>> orders;
  Token last_order = 0;

  std::mutex inbox_mutex;
  std::vector<core::AlertChange> inbox;
  mutable std::mutex published_mutex;
  std::vector<ActionStatus> status;
  std::vector<Pause> pauses;
};

/// From now, on the steady clock, as net/ wants it.
[[nodiscard]] core::Deadline in(core::Duration span);

}  // namespace tocsin::actions
