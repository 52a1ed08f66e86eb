// Waiting on a descriptor that a library owns (libpq's socket, librdkafka's event): it is never read, written or closed
// here. Not thread-safe: use it on the loop it was made on.
#pragma once

#include <memory>

#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::net {

/// How a wait for a descriptor ended.
enum class Ready { yes, timeout, cancelled };

/// One wait at a time. A library may close its descriptor, or exchange it for another one of the same number, whenever
/// it is called: `release` before such a call, and `attach` again after it. While nothing of that kind can happen (an
/// established connection, an event) it may stay attached from wait to wait, which costs less.
class Readiness {
 public:
  explicit Readiness(Executor executor);
  ~Readiness();  // releases
  Readiness(Readiness&& other) noexcept;
  Readiness& operator=(Readiness&& other) noexcept;

  /// Watches this descriptor from now on, and no longer the one before. False if the system refuses (no such
  /// descriptor, or no room for another watch).
  [[nodiscard]] bool attach(int descriptor);
  /// Gives the descriptor back as it was; who waits for it gets `cancelled`.
  void release() noexcept;
  [[nodiscard]] bool attached() const;

  /// Until there is something to read, or the peer has closed. Errors of the descriptor count as ready: the library
  /// will find them. `core::Deadline::max()` means no deadline. `cancelled` at once if nothing is attached.
  [[nodiscard]] Task<Ready> readable(core::Deadline deadline);
  /// Until there is room to write.
  [[nodiscard]] Task<Ready> writable(core::Deadline deadline);
  /// From another coroutine on this loop: ends the wait that is under way with `cancelled`.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::net
