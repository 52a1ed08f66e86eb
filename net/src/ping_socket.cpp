#include "tocsin/net/ping_socket.hpp"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
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

class PingSocket::Impl {
 public:
  Impl(UniqueFd fd, const Endpoint& to, bool is_raw)
      : socket(std::make_shared<Socket>(std::move(fd))), peer(to), raw(is_raw) {
    const std::string text = peer.to_string();
    name = text.substr(0, text.rfind(':'));
  }
  ~Impl() { socket->close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] Failure not_ready(Ready ready, Phase phase) const {
    if (ready == Ready::timeout) return {Outcome::timeout, phase, name + " did not answer the ping in time"};
    return {Outcome::cancelled, phase, "the ping of " + name + " was cancelled"};
  }
  [[nodiscard]] Failure failure(int error, Phase phase) const {
    if (error == EMSGSIZE) {
      return {Outcome::limit, phase,
              "the ping does not fit into one packet on the way to " + name + " and must not be fragmented"};
    }
    return {Outcome::connect, phase, "cannot reach " + name + ": " + std::strerror(error)};
  }
  [[nodiscard]] Result<Received> receive_now(std::span<char> into, int& error) const;

  std::shared_ptr<Socket> socket;
  Endpoint peer;
  bool raw;
  std::string name;
};

namespace {

/// A raw socket is to be woken by echo replies only, and by what says that an echo was not delivered.
void filter(int fd, bool v6) {
  if (v6) {
    icmp6_filter wanted{};
    ICMP6_FILTER_SETBLOCKALL(&wanted);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &wanted);
    ::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &wanted, sizeof wanted);
  } else {
    // As in linux/icmp.h, which cannot be included beside net/if.h.
    constexpr int filter_option = 1;
    constexpr std::uint32_t all_but_echo_replies = ~std::uint32_t{1};
    ::setsockopt(fd, SOL_RAW, filter_option, &all_but_echo_replies, sizeof all_but_echo_replies);
  }
}

void prepare(int fd, bool v6, const PingOptions& options) {
  const auto set = [fd](int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); };
  if (v6) {
    set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    if (options.ttl) set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, *options.ttl);
    if (options.dont_fragment) {
      set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
      set(IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    }
  } else {
    set(IPPROTO_IP, IP_RECVTTL, 1);
    if (options.ttl) set(IPPROTO_IP, IP_TTL, *options.ttl);
    set(IPPROTO_IP, IP_MTU_DISCOVER, options.dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
  }
}

Failure not_allowed(int ping_error, int raw_error) {
  return {Outcome::connect, Phase::connect,
          std::string("may not ping: a ping socket was refused (") + std::strerror(ping_error) +
              "; the sysctl net.ipv4.ping_group_range must include a group of this process), and so was a raw one (" +
              std::strerror(raw_error) + "; it needs CAP_NET_RAW)"};
}

struct Opened {
  UniqueFd fd;
  bool raw = false;
};

Result<Opened> open_socket(bool v6, bool raw_only) {
  const int family = v6 ? AF_INET6 : AF_INET;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  int ping_error = EACCES;
  if (!raw_only) {
    UniqueFd fd(::socket(family, SOCK_DGRAM | flags, protocol));
    if (fd) return Opened{std::move(fd), false};
    ping_error = errno;
    if (ping_error == EMFILE || ping_error == ENFILE) return no_socket(ping_error);
  }
  UniqueFd fd(::socket(family, SOCK_RAW | flags, protocol));
  if (fd) return Opened{std::move(fd), true};
  if (errno == EPERM || errno == EACCES) return not_allowed(ping_error, errno);
  return no_socket(errno);
}

std::optional<int> hop_limit_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TTL;
    const bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT;
    if (!v4 && !v6) continue;
    int value = 0;
    std::memcpy(&value, CMSG_DATA(part), sizeof value);
    return value;
  }
  return std::nullopt;
}

}  // namespace

PingSocket::PingSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
PingSocket::~PingSocket() = default;
PingSocket::PingSocket(PingSocket&& other) noexcept = default;
PingSocket& PingSocket::operator=(PingSocket&& other) noexcept = default;

Result<PingSocket> PingSocket::open(const Executor& /*executor*/, const Endpoint& to, const PingOptions& options) {
  Result<Opened> opened = open_socket(to.v6, options.raw_only);
  if (!opened) return std::move(opened).error();
  const int fd = opened->fd.get();
  if (opened->raw) filter(fd, to.v6);
  prepare(fd, to.v6, options);
  if (options.source) {
    if (auto failure = bind_source(fd, *options.source, to)) return std::move(*failure);
  }
  // Connected, it hears of routers that cannot deliver.
  Endpoint peer = to;
  peer.port = 0;
  const SocketAddress address = to_socket_address(peer);
  if (::connect(fd, address.get(), address.size) != 0) {
    return Failure{Outcome::connect, Phase::connect, "cannot reach " + to.to_string() + ": " + std::strerror(errno)};
  }
  return PingSocket(std::make_shared<Impl>(std::move(opened->fd), peer, opened->raw));
}

bool PingSocket::raw() const { return impl_->raw; }

void PingSocket::close() noexcept { impl_->socket->close(); }

Task<Result<void>> PingSocket::send(std::string_view message, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->socket->expires_at(deadline);
  while (true) {
    if (!impl->socket->is_open()) co_return impl->not_ready(Ready::cancelled, Phase::send);
    if (impl->socket->expired()) co_return impl->not_ready(Ready::timeout, Phase::send);
    if (::send(impl->socket->fd(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
      co_return Result<void>();
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != ENOBUFS) co_return impl->failure(errno, Phase::send);
    const Ready ready = co_await impl->socket->wait(Socket::Wait::wait_write);
    if (ready != Ready::yes) co_return impl->not_ready(ready, Phase::send);
  }
}

Result<PingSocket::Received> PingSocket::Impl::receive_now(std::span<char> into, int& error) const {
  sockaddr_storage from{};
  alignas(cmsghdr) char control[128] = {};
  iovec part{into.data(), into.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(socket->fd(), &message, MSG_DONTWAIT);
  Received received;
  error = size < 0 ? errno : 0;
  if (size < 0) return received;
  received.size = static_cast<std::size_t>(size);
  received.cut = (message.msg_flags & MSG_TRUNC) != 0;
  received.hop_limit = hop_limit_of(message);
  if (const auto sender = from_socket_address(reinterpret_cast<const sockaddr*>(&from))) received.from = *sender;
  received.from.port = 0;
  if (!raw || peer.v6) return received;
  // A raw IPv4 socket gives the IP header too.
  const std::size_t header = received.size == 0 ? 0 : 4U * (static_cast<unsigned char>(into[0]) & 15U);
  if (header < 20 || header > received.size) {
    received.size = 0;
    return received;
  }
  std::copy(into.begin() + static_cast<std::ptrdiff_t>(header), into.begin() + size, into.begin());
  received.size -= header;
  return received;
}

Task<Result<PingSocket::Received>> PingSocket::receive(std::span<char> into, core::Deadline deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->socket->expires_at(deadline);
  while (true) {
    if (!impl->socket->is_open()) co_return impl->not_ready(Ready::cancelled, Phase::receive);
    if (impl->socket->expired()) co_return impl->not_ready(Ready::timeout, Phase::receive);
    int error = 0;
    Result<Received> received = impl->receive_now(into, error);
    if (error == 0) co_return received;
    if (error == EINTR) continue;
    if (error != EAGAIN) co_return impl->failure(error, Phase::receive);
    const Ready ready = co_await impl->socket->wait(Socket::Wait::wait_read);
    if (ready != Ready::yes) co_return impl->not_ready(ready, Phase::receive);
  }
}

}  // namespace tocsin::net
