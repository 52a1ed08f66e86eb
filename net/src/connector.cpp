#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "endpoint.hpp"
#include "outgoing.hpp"
#include "resolver.hpp"
#include "socket_stream.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using StreamPtr = std::unique_ptr<Stream>;

struct Connector::Impl {
  explicit Impl(BlockingPool& pool) : resolver(std::make_shared<Resolver>(pool)) {}
  std::shared_ptr<Resolver> resolver;
  std::shared_ptr<StreamShared> shared = std::make_shared<StreamShared>();
};

namespace {

Failure connect_failure(int error, const Peer& peer) {
  const std::string where = peer.to_string();
  switch (error) {
    case ECONNREFUSED:
      return {Outcome::connect, Phase::connect, where + " refused the connection (nothing listens there)"};
    case ETIMEDOUT:
      return {Outcome::timeout, Phase::connect, where + " did not answer the connection attempt"};
    case ENOENT:
      return {Outcome::connect, Phase::connect, "there is no socket at " + where};
    case EACCES:
      return {Outcome::connect, Phase::connect, "may not connect to " + where + ": permission denied"};
    case EAGAIN:
      return {Outcome::connect, Phase::connect, where + " accepts no more connections (its queue is full)"};
    default:
      return {Outcome::connect, Phase::connect, "cannot connect to " + where + ": " + std::strerror(error)};
  }
}

/// On loopback the connection is there when connect() returns, though it says EINPROGRESS: looking costs less than
/// waiting.
bool settled(int fd, int& error) {
  pollfd look{fd, POLLOUT, 0};
  if (::poll(&look, 1, 0) != 1) return false;
  error = (look.revents & (POLLERR | POLLHUP)) != 0 ? pending_error(fd) : 0;
  return true;
}

Peer peer_at(const Endpoint& endpoint) {
  Peer peer;
  peer.endpoint = endpoint;
  return peer;
}

/// Takes hold of a descriptor that connects: it waits, is there, or has failed.
Attempt take_hold(UniqueFd fd, const SocketAddress& address, Peer peer, std::shared_ptr<StreamShared> shared,
                  core::Deadline deadline, bool as_new) {
  Attempt attempt;
  const int number = fd.get();
  int error = ::connect(number, address.get(), address.size) == 0 ? 0 : errno;
  const bool waiting = error == EINPROGRESS && !settled(number, error);
  if (!waiting && error != 0) {
    attempt.settled = connect_failure(error, peer);
    return attempt;
  }
  auto socket = std::make_shared<Socket>(std::move(fd));
  socket->expires_at(deadline);
  if (waiting) {
    attempt.socket = std::move(socket);
    return attempt;
  }
  attempt.settled =
      StreamPtr(std::make_unique<SocketStream>(std::move(socket), std::move(peer), std::move(shared), as_new));
  return attempt;
}

UniqueFd new_socket(int family) { return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

/// The handshake's last ACK goes with what we say. On a socket that connects, this option does no more than that
/// (tcp_rcv_synsent_state_process in Linux's tcp_input.c), and it outlasts a connection, which TCP_QUICKACK does not.
void let_the_last_ack_wait(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof on);
}

Attempt failed(Failure failure) {
  Attempt attempt;
  attempt.settled = std::move(failure);
  return attempt;
}

}  // namespace

Connector::Connector(BlockingPool& pool) : impl_(std::make_shared<Impl>(pool)) {}
Connector::~Connector() = default;

void Connector::forget_tls_contexts() { impl_->shared->contexts.forget(); }

Task<Result<std::vector<Endpoint>>> Connector::resolve(std::string host, std::uint16_t port, core::Deadline deadline) {
  return impl_->resolver->resolve(std::move(host), port, deadline);
}

Attempt Connector::begin(const Endpoint& endpoint, core::Deadline deadline, const ConnectOptions& options) {
  const bool usual = !options.source && !options.peer_speaks_first;
  UniqueFd fd = usual ? impl_->shared->spare.take(endpoint.v6) : UniqueFd();
  if (!fd) {
    fd = new_socket(endpoint.v6 ? AF_INET6 : AF_INET);
    if (!fd) return failed(no_socket(errno));
    if (!options.peer_speaks_first) let_the_last_ack_wait(fd.get());
  }
  if (options.source) {
    if (auto failure = bind_source(fd.get(), *options.source, endpoint)) return failed(std::move(*failure));
  }
  Attempt attempt =
      take_hold(std::move(fd), to_socket_address(endpoint), peer_at(endpoint), impl_->shared, deadline, usual);
  attempt.endpoint = endpoint;
  return attempt;
}

Task<Result<StreamPtr>> Connector::finish(Attempt attempt) {
  const std::shared_ptr<Impl> impl = impl_;
  if (attempt.settled) co_return std::move(*attempt.settled);
  Peer peer = peer_at(attempt.endpoint);
  std::shared_ptr<Socket> socket = std::move(attempt.socket);
  const Ready ready = co_await socket->wait(Socket::Wait::wait_write);
  const int error = ready == Ready::yes ? pending_error(socket->fd()) : 0;
  if (ready == Ready::yes && error == 0) {
    co_return std::make_unique<SocketStream>(std::move(socket), std::move(peer), impl->shared);
  }
  socket->close();
  if (ready == Ready::yes) co_return connect_failure(error, peer);
  const bool late = ready == Ready::timeout;
  co_return Failure{
      late ? Outcome::timeout : Outcome::cancelled, Phase::connect,
      peer.to_string() + (late ? " did not accept the connection before the deadline" : ": connecting was cancelled")};
}

Task<Result<StreamPtr>> Connector::connect(Endpoint endpoint, core::Deadline deadline, ConnectOptions options) {
  Attempt attempt = begin(endpoint, deadline, options);
  if (attempt.settled) co_return std::move(*attempt.settled);
  co_return co_await finish(std::move(attempt));
}

Task<Result<StreamPtr>> Connector::connect_unix(std::string path, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  sockaddr_un name{};
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    co_return Failure{Outcome::connect, Phase::connect, "a unix socket's path has 1 to 107 bytes: " + path};
  }
  UniqueFd fd = new_socket(AF_UNIX);
  if (!fd) co_return no_socket(errno);
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &name, sizeof name);
  address.size = sizeof name;
  Peer peer;
  peer.path = path;
  Attempt attempt = take_hold(std::move(fd), address, std::move(peer), impl->shared, deadline, false);
  // Unix sockets do not do that: who finds the queue full is told so at once.
  if (!attempt.settled) co_return Failure{Outcome::connect, Phase::connect, "connecting to " + path + " must wait"};
  co_return std::move(*attempt.settled);
}

Task<Result<StreamPtr>> Connector::open(Address address, std::optional<TlsOptions> tls, core::Deadline deadline) {
  Result<StreamPtr> stream = StreamPtr();
  if (address.unix_socket) {
    stream = co_await connect_unix(address.host, deadline);
  } else {
    const Result<std::vector<Endpoint>> endpoints = co_await resolve(address.host, address.port, deadline);
    if (!endpoints) co_return endpoints.error();
    std::size_t left = endpoints->size();
    for (const Endpoint& endpoint : *endpoints) {
      const auto now = std::chrono::steady_clock::now();
      const core::Deadline part = left == 1 ? deadline : now + (deadline - now) / static_cast<long>(left);
      --left;
      stream = co_await connect(endpoint, part);
      if (stream || stream.error().outcome == Outcome::cancelled) break;
    }
  }
  if (!stream) co_return std::move(stream).error();
  (*stream)->expires_at(deadline);
  if (tls) {
    const Result<void> secured = co_await (*stream)->start_tls(*tls, address.host);
    if (!secured) co_return secured.error();
  }
  co_return stream;
}

}  // namespace tocsin::net
