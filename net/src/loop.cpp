#include "tocsin/net/loop.hpp"

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <exception>
#include <initializer_list>
#include <utility>
#include <vector>

#include "awaiting.hpp"

namespace tocsin::net {
namespace asio = boost::asio;

namespace {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

/// Operations of this library report cancellation as a value, so nothing is to be thrown for it.
Task<void> without_cancellation_exceptions(Task<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

/// What `spawn_cancellable` and the coroutine it started know of each other.
struct Cancellable {
  asio::cancellation_signal signal;
  bool done = false;
  bool cancelled_early = false;
  bool started = false;
};

/// Tasks under way, and who waits for them.
struct Run {
  explicit Run(const Executor& executor) : moved(executor, core::Deadline::max()) {}
  asio::steady_timer moved;  // cancelled when one has ended
  std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
  std::size_t running = 0;
  std::exception_ptr error;
};

void start(const std::shared_ptr<Run>& run, const Executor& executor, Task<void> task) {
  ++run->running;
  const auto& signal = run->signals.emplace_back(std::make_unique<asio::cancellation_signal>());
  auto finish = [run](const std::exception_ptr& error) {
    --run->running;
    if (error) run->error = error;
    run->moved.cancel();
  };
  asio::co_spawn(executor, without_cancellation_exceptions(std::move(task)),
                 asio::bind_cancellation_slot(signal->slot(), std::move(finish)));
}

}  // namespace

Task<void> run_all(std::vector<Task<void>> tasks, std::size_t at_a_time) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const Executor executor = co_await asio::this_coro::executor;
  const auto run = std::make_shared<Run>(executor);
  std::size_t next = 0;
  bool cancelled = false;
  while (true) {
    if (!cancelled && co_await is_cancelled()) {
      cancelled = true;
      for (const auto& signal : run->signals) signal->emit(asio::cancellation_type::terminal);
    }
    while (!cancelled && next < tasks.size() && run->running < at_a_time) {
      start(run, executor, std::move(tasks[next]));
      ++next;
    }
    if (run->running == 0) break;
    co_await run->moved.async_wait(as_values);
  }
  if (run->error) std::rethrow_exception(run->error);
}

struct Loop::Impl {
  explicit Impl(CrashHandler handler) : on_crash(std::move(handler)), executor(context.get_executor()) {}

  // The handler outlives the context: frames that are destroyed with it may still report.
  CrashHandler on_crash;
  asio::io_context context{1};
  Executor executor;
  struct Signals {
    Signals(asio::io_context& context, std::function<void(int)> used) : set(context), handler(std::move(used)) {}
    asio::signal_set set;
    std::function<void(int)> handler;
  };
  std::deque<Signals> signals;
  bool until_idle = false;
  std::atomic<bool> stopped = false;

  void run() {
    context.restart();
    while (!stopped) {
      try {
        context.run();
        break;
      } catch (...) {
        on_crash("loop", describe(std::current_exception()));
      }
    }
    stopped = false;
  }

  void report(const std::string& name, const std::exception_ptr& error) const {
    if (error) on_crash(name, describe(error));
  }

  void wait_signal(Signals& waiting) {
    waiting.set.async_wait([this, &waiting](boost::system::error_code error, int number) {
      if (error) return;
      wait_signal(waiting);
      waiting.handler(number);
    });
  }
};

Loop::Loop(CrashHandler on_crash) : impl_(std::make_unique<Impl>(std::move(on_crash))) {}
Loop::~Loop() = default;

Executor Loop::executor() const { return impl_->executor; }

void Loop::run() {
  const auto guard = asio::make_work_guard(impl_->context);
  impl_->run();
}

void Loop::run_until_idle() { impl_->run(); }

void Loop::stop() {
  // Posted, so that what was posted before is still done.
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->stopped = true;
    impl->context.stop();
  });
}

void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

void Loop::post_after(std::chrono::nanoseconds delay, std::function<void()> work) {
  auto timer = std::make_unique<asio::steady_timer>(impl_->context);
  timer->expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(delay));
  asio::steady_timer& waiting = *timer;
  waiting.async_wait([timer = std::move(timer), work = std::move(work)](boost::system::error_code error) {
    if (!error) work();
  });
}

void Loop::spawn(std::string name, Task<void> task) {
  asio::post(impl_->context, [impl = impl_.get(), name = std::move(name), task = std::move(task)]() mutable {
    asio::co_spawn(impl->executor, std::move(task),
                   [impl, name = std::move(name)](const std::exception_ptr& error) { impl->report(name, error); });
  });
}

// What nobody can cancel needs no guard against exceptions of cancellation.
void Loop::start(std::shared_ptr<const std::string> name, Task<void> task) {
  asio::co_spawn(
      impl_->executor, std::move(task),
      [impl = impl_.get(), name = std::move(name)](const std::exception_ptr& error) { impl->report(*name, error); });
}

std::function<void()> Loop::spawn_cancellable(std::string name, Task<void> task) {
  auto shared = std::make_shared<Cancellable>();
  asio::post(impl_->context, [impl = impl_.get(), shared, name = std::move(name), task = std::move(task)]() mutable {
    if (shared->cancelled_early) return;
    shared->started = true;
    auto finish = [impl, shared, name = std::move(name)](const std::exception_ptr& error) {
      shared->done = true;
      impl->report(name, error);
    };
    asio::co_spawn(impl->executor, without_cancellation_exceptions(std::move(task)),
                   asio::bind_cancellation_slot(shared->signal.slot(), std::move(finish)));
  });
  return [impl = impl_.get(), shared] {
    asio::post(impl->context, [shared] {
      if (!shared->started) shared->cancelled_early = true;
      if (shared->started && !shared->done) shared->signal.emit(asio::cancellation_type::terminal);
    });
  };
}

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  Impl::Signals& added = impl_->signals.emplace_back(impl_->context, std::move(handler));
  for (const int number : signals) added.set.add(number);
  impl_->wait_signal(added);
}

Task<bool> sleep_until(core::Deadline when) {
  if (co_await is_cancelled()) co_return false;
  asio::steady_timer timer(co_await asio::this_coro::executor, when);
  const auto [error] = co_await timer.async_wait(as_values);
  co_return !error;
}

Task<bool> sleep_for(std::chrono::nanoseconds duration) {
  return sleep_until(std::chrono::steady_clock::now() + std::chrono::duration_cast<core::Deadline::duration>(duration));
}

}  // namespace tocsin::net
