#include "listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "endpoint.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr int backlog = 512;

Failure cannot_listen(const Address& address, const std::string& why) {
  return {Outcome::connect, Phase::none, "cannot listen on " + address.to_string() + ": " + why};
}

Failure bind_failure(const Address& address, int error) {
  switch (error) {
    case EADDRINUSE:
      return cannot_listen(address, "address already in use (another tocsin? see: ss -ltnp 'sport = :" +
                                        std::to_string(address.port) + "')");
    case EADDRNOTAVAIL:
      return cannot_listen(address, "no interface of this machine has that address (see: ip address)");
    case EACCES:
      return cannot_listen(address, address.unix_socket
                                        ? "permission denied (may this user write to the folder?)"
                                        : "permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)");
    case ENOENT:
      return cannot_listen(address, "the folder does not exist");
    default:
      return cannot_listen(address, std::strerror(error));
  }
}

std::optional<Endpoint> listening_endpoint(const Address& address) {
  if (address.host.empty()) return numeric_endpoint("::", address.port);
  if (const std::optional<Endpoint> numeric = numeric_endpoint(address.host, address.port)) return numeric;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.host.c_str(), nullptr, &hints, &list) != 0) return std::nullopt;
  std::optional<Endpoint> found = from_socket_address(list->ai_addr);
  ::freeaddrinfo(list);
  if (found) found->port = address.port;
  return found;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, name, &size) != 0) return 0;
  const std::optional<Endpoint> endpoint = from_socket_address(name);
  return endpoint ? endpoint->port : std::uint16_t{0};
}

Result<Listening> listen_tcp(const Address& address) {
  std::optional<Endpoint> endpoint = listening_endpoint(address);
  if (!endpoint) return cannot_listen(address, "the host has no address");
  UniqueFd fd(::socket(endpoint->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd && address.host.empty()) {  // a machine without IPv6
    endpoint = numeric_endpoint("0.0.0.0", address.port);
    fd = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!fd) return bind_failure(address, errno);
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint->v6 && address.host.empty()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  const SocketAddress name = to_socket_address(*endpoint);
  if (::bind(fd.get(), name.get(), name.size) != 0 || ::listen(fd.get(), backlog) != 0)
    return bind_failure(address, errno);
  const std::uint16_t port = bound_port(fd.get());
  return Listening{std::move(fd), port};
}

/// Makes room at the path: a socket that nobody serves is removed.
Result<void> clear_path(const Address& address, const SocketAddress& name) {
  struct stat found {};
  if (::lstat(address.host.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) return cannot_listen(address, "there is a file at that path, and it is no socket");
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), name.get(), name.size) == 0 || errno != ECONNREFUSED) {
    return cannot_listen(address, "another process serves that socket (another tocsin? see: ss -lxp)");
  }
  if (::unlink(address.host.c_str()) != 0) return bind_failure(address, errno);
  return {};
}

Result<Listening> listen_unix(const Address& address) {
  sockaddr_un path{};
  if (address.host.empty() || address.host.size() >= sizeof path.sun_path) {
    return cannot_listen(address, "a unix socket's path has 1 to 107 bytes");
  }
  path.sun_family = AF_UNIX;
  std::memcpy(path.sun_path, address.host.data(), address.host.size());
  SocketAddress name;
  std::memcpy(&name.storage, &path, sizeof path);
  name.size = sizeof path;
  const Result<void> cleared = clear_path(address, name);
  if (!cleared) return cleared.error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), name.get(), name.size) != 0) return bind_failure(address, errno);
  // Until listen() nobody can connect, so the mode is set in time.
  if (::chmod(address.host.c_str(), 0660) != 0 || ::listen(fd.get(), backlog) != 0) return bind_failure(address, errno);
  return Listening{std::move(fd), 0};
}

}  // namespace

Result<Listening> listen_on(const Address& address) {
  return address.unix_socket ? listen_unix(address) : listen_tcp(address);
}

Accepted accept_one(int listener) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = reinterpret_cast<sockaddr*>(&storage);
  Accepted accepted;
  accepted.fd = UniqueFd(::accept4(listener, name, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.fd) {
    accepted.error = errno;
    return accepted;
  }
  if (const std::optional<Endpoint> from = from_socket_address(name)) {
    accepted.from = *from;
  } else {
    accepted.local = true;
  }
  return accepted;
}

}  // namespace tocsin::net
