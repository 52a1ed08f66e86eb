// Work that would hold a loop up, done on a pool while a coroutine waits.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::daemon {

/// Runs `work` on the pool and comes back to `loop`. Nothing if the pool is full or the deadline comes first; the
/// work's result is then dropped when it arrives. `work` must not throw, and must own what it uses.
template <class T>
net::Task<std::optional<T>> offload(net::Loop& loop, net::BlockingPool& pool, std::function<T()> work,
                                    core::Deadline deadline) {
  struct Shared {
    explicit Shared(net::Executor executor) : done(std::move(executor)) {}
    net::Event done;
    std::optional<T> result;
  };
  auto shared = std::make_shared<Shared>(loop.executor());
  std::function<void()> job = [&loop, shared, work = std::move(work)] {
    auto result = std::make_shared<T>(work());
    loop.post([shared, result] {
      shared->result = std::move(*result);
      shared->done.set();
    });
  };
  const bool accepted = pool.submit(std::move(job));
  if (!accepted) co_return std::nullopt;
  co_await shared->done.wait(deadline);
  co_return std::move(shared->result);
}

}  // namespace tocsin::daemon
