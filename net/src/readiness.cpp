#include "tocsin/net/readiness.hpp"

#include <utility>

#include "socket.hpp"

namespace tocsin::net {

class Readiness::Impl {
 public:
  explicit Impl(Executor executor) : executor_(std::move(executor)) {}
  ~Impl() { release(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] bool attach(int descriptor) {
    release();
    socket_ = Socket::borrow(executor_, descriptor);
    return socket_ != nullptr;
  }
  void release() noexcept {
    if (socket_) socket_->release();
    socket_.reset();
  }
  [[nodiscard]] const std::shared_ptr<Socket>& socket() const { return socket_; }

 private:
  Executor executor_;
  std::shared_ptr<Socket> socket_;  // shared with the coroutine that waits
};

namespace {

Task<Ready> wait(std::shared_ptr<Socket> socket, Socket::Wait kind, core::Deadline deadline) {
  if (!socket) co_return Ready::cancelled;
  socket->expires_at(deadline);
  co_return co_await socket->wait(kind);
}

}  // namespace

Readiness::Readiness(Executor executor) : impl_(std::make_unique<Impl>(std::move(executor))) {}
Readiness::~Readiness() = default;
Readiness::Readiness(Readiness&& other) noexcept = default;
Readiness& Readiness::operator=(Readiness&& other) noexcept = default;

bool Readiness::attach(int descriptor) { return impl_->attach(descriptor); }
void Readiness::release() noexcept { impl_->release(); }
bool Readiness::attached() const { return impl_->socket() != nullptr; }

Task<Ready> Readiness::readable(core::Deadline deadline) {
  return wait(impl_->socket(), Socket::Wait::wait_read, deadline);
}

Task<Ready> Readiness::writable(core::Deadline deadline) {
  return wait(impl_->socket(), Socket::Wait::wait_write, deadline);
}

void Readiness::stop() {
  if (impl_->socket()) impl_->socket()->stop_waiting();
}

}  // namespace tocsin::net
