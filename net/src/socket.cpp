#include "socket.hpp"

#include <utility>

#include "awaiting.hpp"

namespace tocsin::net {

std::shared_ptr<Socket> Socket::borrow(const Executor& executor, int fd) {
  std::shared_ptr<Socket> socket(new Socket());
  boost::system::error_code error;
  socket->descriptor_.emplace(executor).assign(fd, error);
  if (error) return nullptr;
  socket->fd_ = fd;
  return socket;
}

bool Socket::expired() const { return std::chrono::steady_clock::now() >= deadline_; }

void Socket::expires_at(core::Deadline deadline) {
  deadline_ = deadline;
  if (deadline == core::Deadline::max()) disarm();
}

void Socket::know(const Executor& executor) {
  if (!unknown_) return;
  descriptor_.emplace(executor).assign(unknown_.get());
  static_cast<void>(unknown_.release());
}

void Socket::disarm() {
  if (!std::exchange(armed_, false)) return;
  ++round_;
  timer_->cancel();
}

void Socket::arm(const Executor& executor) {
  if (deadline_ == core::Deadline::max() || (armed_ && armed_for_ <= deadline_)) return;
  armed_ = true;
  armed_for_ = deadline_;
  if (!timer_) timer_.emplace(executor);
  timer_->expires_at(deadline_);
  timer_->async_wait(
      [self = shared_from_this(), round = ++round_](boost::system::error_code) { self->on_timer(round); });
}

void Socket::on_timer(std::uint64_t round) {
  if (round != round_) return;
  armed_ = false;
  if (!waiting_) return;
  if (!expired()) return arm(timer_->get_executor());
  timed_out_ = true;
  descriptor_->cancel();
}

Task<Ready> Socket::wait(Wait kind) {
  if (!open_) co_return Ready::cancelled;
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) co_return Ready::cancelled;

  const std::shared_ptr<Socket> self = shared_from_this();
  const Executor executor = co_await boost::asio::this_coro::executor;
  know(executor);
  waiting_ = true;
  timed_out_ = false;
  arm(executor);
  const auto [error] = co_await descriptor_->async_wait(kind, as_values);
  const bool stopped = !std::exchange(waiting_, false);
  if (!open_ || stopped) co_return Ready::cancelled;
  if (!error) co_return Ready::yes;
  co_return timed_out_ ? Ready::timeout : Ready::cancelled;
}

Task<Ready> Socket::watch() {
  if (!open_) co_return Ready::cancelled;
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) co_return Ready::cancelled;

  const std::shared_ptr<Socket> self = shared_from_this();
  disarm();  // an idle connection needs no wake-up for the deadline of its last use
  const Executor executor = co_await boost::asio::this_coro::executor;
  know(executor);
  watching_ = true;
  const auto [error] = co_await descriptor_->async_wait(Wait::wait_read, as_values);
  const bool stopped = !std::exchange(watching_, false);
  co_return error || stopped || !open_ ? Ready::cancelled : Ready::yes;
}

void Socket::stop_watching() {
  if (std::exchange(watching_, false)) descriptor_->cancel();
}

void Socket::stop_waiting() {
  if (std::exchange(waiting_, false)) descriptor_->cancel();
}

void Socket::release() noexcept {
  if (!std::exchange(open_, false)) return;
  ++round_;
  static_cast<void>(unknown_.release());
  if (descriptor_) static_cast<void>(descriptor_->release());
  if (armed_) timer_->cancel();
}

UniqueFd Socket::give_up() noexcept {
  UniqueFd unknown = std::move(unknown_);
  close();
  return unknown;
}

void Socket::close() noexcept {
  if (!std::exchange(open_, false)) return;
  ++round_;
  unknown_.reset();
  boost::system::error_code ignored;
  if (descriptor_) descriptor_->close(ignored);
  if (armed_) timer_->cancel();
}

}  // namespace tocsin::net
