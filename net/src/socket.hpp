// A non-blocking file descriptor and one deadline for all that waits on it.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/readiness.hpp"
#include "unique_fd.hpp"

namespace tocsin::net {

/// One timer serves every wait. A deadline that moves later leaves it armed as it is: when it fires early, it looks
/// again. The loop comes to know the descriptor, and the timer is made, with the first wait: one that never waits costs
/// neither.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  using Wait = boost::asio::posix::descriptor_base::wait_type;

  explicit Socket(UniqueFd fd) : unknown_(std::move(fd)), fd_(unknown_.get()) {}
  /// Waits on a descriptor that stays another's: call `release` before this goes. Null if it cannot be watched.
  [[nodiscard]] static std::shared_ptr<Socket> borrow(const Executor& executor, int fd);

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return open_; }
  /// `max()` means none, and takes the timer away.
  void expires_at(core::Deadline deadline);
  [[nodiscard]] bool expired() const;
  /// Suspends until the descriptor is ready, the deadline has passed, it was closed or the coroutine was cancelled.
  [[nodiscard]] Task<Ready> wait(Wait kind);
  /// As `wait(wait_read)`, but no deadline applies; `stop_watching` ends it.
  [[nodiscard]] Task<Ready> watch();
  void stop_watching();
  /// Ends `wait`, from another coroutine: it returns `cancelled`.
  void stop_waiting();
  void close() noexcept;
  /// As `close`, but gives the descriptor away unless the loop knows it: then there is none.
  [[nodiscard]] UniqueFd give_up() noexcept;
  /// As `close`, but the descriptor lives on; it is the caller's.
  void release() noexcept;

 private:
  Socket() = default;
  void arm(const Executor& executor);
  void disarm();
  void on_timer(std::uint64_t round);
  void know(const Executor& executor);

  UniqueFd unknown_;  // to the loop, so far
  std::optional<boost::asio::posix::stream_descriptor> descriptor_;
  std::optional<boost::asio::steady_timer> timer_;
  core::Deadline deadline_ = core::Deadline::max();
  core::Deadline armed_for_ = core::Deadline::max();
  std::uint64_t round_ = 0;  // of the timer's waits; what an older one says does not count
  int fd_ = -1;
  bool armed_ = false;
  bool waiting_ = false;
  bool watching_ = false;
  bool timed_out_ = false;
  bool open_ = true;
};

}  // namespace tocsin::net
