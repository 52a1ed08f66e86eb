#include "tocsin/net/offload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <mutex>

#include "awaiting.hpp"

namespace tocsin::net {
namespace asio = boost::asio;

namespace {

/// Between the one who waits and the thread that works. The waiter leaves under the mutex before its loop can go, so
/// that posting to it is safe.
struct Errand {
  std::mutex mutex;
  std::shared_ptr<asio::steady_timer> waiter;  // null once it has left
  bool done = false;

  void finish() {
    const std::lock_guard lock(mutex);
    done = true;
    if (!waiter) return;
    asio::post(waiter->get_executor(), [timer = waiter] { timer->cancel(); });
  }
  bool leave() {
    const std::lock_guard lock(mutex);
    waiter.reset();
    return done;
  }
};

}  // namespace

Task<bool> run_on(BlockingPool& pool, std::function<void()> work, core::Deadline deadline) {
  const bool cancelled = co_await is_cancelled();
  if (cancelled) co_return false;
  const Executor executor = co_await asio::this_coro::executor;
  const auto timer = std::make_shared<asio::steady_timer>(executor, deadline);
  const auto errand = std::make_shared<Errand>();
  errand->waiter = timer;
  struct Leave {
    Errand& errand;
    ~Leave() { errand.leave(); }
  };
  const Leave leave{*errand};
  std::function<void()> job = [errand, work = std::move(work)] {
    work();
    errand->finish();
  };
  const bool accepted = pool.submit(std::move(job));
  if (!accepted) co_return false;
  co_await timer->async_wait(as_values);
  co_return errand->leave();
}

void post_to(const Executor& executor, std::function<void()> work) { asio::post(executor, std::move(work)); }

void detach(const Executor& executor, Task<void> task) {
  asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& thrown) {
    if (thrown) std::terminate();  // a promise in our code is broken
  });
}

}  // namespace tocsin::net
