// Leaving the loop, and coming back to it: work that blocks, done on a pool while a coroutine waits; and coroutines
// that nobody waits for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::net {

/// Runs `work` on the pool; true when it has ended, false if the pool is full or the deadline (or a cancellation) comes
/// first. `work` then goes on without anybody who waits: it must own what it uses, and must not throw.
[[nodiscard]] Task<bool> run_on(BlockingPool& pool, std::function<void()> work, core::Deadline deadline);

/// The same for work that gives something; nothing where `run_on` says false.
template <class T>
[[nodiscard]] Task<std::optional<T>> value_from(BlockingPool& pool, std::function<T()> work, core::Deadline deadline) {
  auto result = std::make_shared<std::optional<T>>();
  std::function<void()> job = [result, work = std::move(work)] { result->emplace(work()); };
  const bool done = co_await run_on(pool, std::move(job), deadline);
  if (!done) co_return std::nullopt;
  co_return std::move(*result);
}

/// From any thread: runs `work` on the executor's loop. The loop must still exist.
void post_to(const Executor& executor, std::function<void()> work);

/// Starts a coroutine that nobody waits for and that does not throw; it ends by itself.
void detach(const Executor& executor, Task<void> task);

}  // namespace tocsin::net
