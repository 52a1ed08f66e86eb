// An event loop on one thread, and coroutines on it. The headers of this folder carry no Asio beyond `awaitable` and
// the executor type: Asio's I/O templates are instantiated in net/src only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::net {

using Executor = boost::asio::any_io_executor;
template <class T>
using Task = boost::asio::awaitable<T>;

/// Called when a spawned coroutine ends by an exception (a bug): with the coroutine's name and what it said.
using CrashHandler = std::function<void(const std::string& name, const std::string& what)>;

/// One io_context, run by one thread. Everything that was spawned on it runs there, one piece at a time.
class Loop {
 public:
  explicit Loop(CrashHandler on_crash);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] Executor executor() const;
  /// Runs until `stop` was called, or, with `until_idle`, until nothing is left to do.
  void run();
  void run_until_idle();
  /// From any thread, and from a signal-safe place no: ends `run` after the handler that is running.
  void stop();
  /// From any thread: runs `work` on the loop, after what was posted before.
  void post(std::function<void()> work);
  /// From any thread: `work` after a delay, on the loop.
  void post_after(std::chrono::nanoseconds delay, std::function<void()> work);
  /// From any thread: starts a coroutine on the loop. An exception that leaves it goes to the crash handler.
  void spawn(std::string name, Task<void> task);
  /// On the loop's thread: starts a coroutine in place, until it first waits.
  void start(std::shared_ptr<const std::string> name, Task<void> task);
  /// As `spawn`; calling what it returns (from any thread, while the loop exists) cancels the coroutine: what it waits
  /// for ends with Outcome::cancelled or false, and so does all that it starts after that.
  [[nodiscard]] std::function<void()> spawn_cancellable(std::string name, Task<void> task);
  /// Calls `handler(signal number)` on the loop for each of these signals, from now on.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Suspends for that long or until cancelled; true if the time passed, false if it was cancelled.
[[nodiscard]] Task<bool> sleep_for(std::chrono::nanoseconds duration);
[[nodiscard]] Task<bool> sleep_until(core::Deadline when);

/// Runs the tasks on the caller's loop, at most `at_a_time` of them at once, and returns when all have ended.
/// Cancelling the caller cancels them. An exception out of one is thrown when all have ended.
[[nodiscard]] Task<void> run_all(std::vector<Task<void>> tasks, std::size_t at_a_time);

/// Something that coroutines wait for and others set. Everything on one loop; when it goes, those who wait get false.
class Event {
 public:
  explicit Event(Executor executor);
  ~Event();
  Event(Event&&) noexcept;
  Event& operator=(Event&&) noexcept;
  /// Wakes all that wait; those who wait later pass at once until `reset`.
  void set();
  void reset();
  [[nodiscard]] bool is_set() const;
  /// True when set, false when the deadline came first or the wait was cancelled.
  [[nodiscard]] Task<bool> wait(core::Deadline deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the coroutines that wait
};

/// Threads for what blocks (name look-ups, file reads on slow disks). Bounded queue.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads, std::size_t max_queued = 10'000);
  ~BlockingPool();  // waits for what runs; what is queued is dropped
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// From now on nobody waits for what runs, the destructor neither: for the end of a process whose work may hang. What
  /// runs must own what it uses.
  void abandon();
  /// False if the queue is full.
  [[nodiscard]] bool submit(std::function<void()> work);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the threads
};

}  // namespace tocsin::net
