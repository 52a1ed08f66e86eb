#include "tocsin/net/datagram.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "endpoint.hpp"
#include "outgoing.hpp"
#include "socket.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

class Datagram::Impl {
 public:
  Impl(UniqueFd fd, const Endpoint& to) : socket(std::make_shared<Socket>(std::move(fd))), peer(to) {}
  ~Impl() { socket->close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] Failure not_ready(Ready ready, Phase phase) const {
    if (ready == Ready::timeout) return {Outcome::timeout, phase, peer.to_string() + " did not answer in time"};
    return {Outcome::cancelled, phase, "talking with " + peer.to_string() + " was cancelled"};
  }
  [[nodiscard]] Failure failure(int error, Phase phase) const {
    if (error == ECONNREFUSED) return {Outcome::connect, phase, "nothing listens on " + peer.to_string() + " (UDP)"};
    if (error == EMSGSIZE)
      return {Outcome::limit, phase, "the datagram is too large for the way to " + peer.to_string()};
    return {Outcome::connect, phase, "cannot reach " + peer.to_string() + ": " + std::strerror(error)};
  }

  std::shared_ptr<Socket> socket;
  Endpoint peer;
};

Datagram::Datagram(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Datagram::~Datagram() = default;
Datagram::Datagram(Datagram&& other) noexcept = default;
Datagram& Datagram::operator=(Datagram&& other) noexcept = default;

Result<Datagram> Datagram::connect(const Executor& /*executor*/, const Endpoint& to,
                                   const std::optional<Endpoint>& source) {
  UniqueFd fd(::socket(to.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return no_socket(errno);
  if (source) {
    if (auto failure = bind_source(fd.get(), *source, to)) return std::move(*failure);
  }
  const SocketAddress address = to_socket_address(to);
  if (::connect(fd.get(), address.get(), address.size) != 0) {
    return Failure{Outcome::connect, Phase::connect, "cannot reach " + to.to_string() + ": " + std::strerror(errno)};
  }
  return Datagram(std::make_shared<Impl>(std::move(fd), to));
}

namespace {

/// Ends where a wait would have no point. Nothing: go on.
std::optional<Ready> over(const Socket& socket) {
  if (!socket.is_open()) return Ready::cancelled;
  if (socket.expired()) return Ready::timeout;
  return std::nullopt;
}

}  // namespace

Task<Result<void>> Datagram::send(std::string_view bytes, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->socket->expires_at(deadline);
  while (true) {
    if (const auto ended = over(*impl->socket)) co_return impl->not_ready(*ended, Phase::send);
    if (::send(impl->socket->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
      co_return Result<void>();
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return impl->failure(errno, Phase::send);
    const Ready ready = co_await impl->socket->wait(Socket::Wait::wait_write);
    if (ready != Ready::yes) co_return impl->not_ready(ready, Phase::send);
  }
}

Task<Result<Datagram::Received>> Datagram::receive(std::span<char> into, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->socket->expires_at(deadline);
  while (true) {
    if (const auto ended = over(*impl->socket)) co_return impl->not_ready(*ended, Phase::receive);
    const ssize_t size = ::recv(impl->socket->fd(), into.data(), into.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size >= 0) {
      Received received;
      received.size = std::min(static_cast<std::size_t>(size), into.size());
      received.cut = static_cast<std::size_t>(size) > into.size();
      co_return received;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return impl->failure(errno, Phase::receive);
    const Ready ready = co_await impl->socket->wait(Socket::Wait::wait_read);
    if (ready != Ready::yes) co_return impl->not_ready(ready, Phase::receive);
  }
}

void Datagram::close() noexcept { impl_->socket->close(); }

}  // namespace tocsin::net
