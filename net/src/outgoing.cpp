#include "outgoing.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "endpoint.hpp"

namespace tocsin::net {

using core::Failure;
using core::Outcome;
using core::Phase;

Failure no_socket(int error) {
  const bool out = error == EMFILE || error == ENFILE;
  return {out ? Outcome::limit : Outcome::connect, Phase::connect,
          std::string("cannot make a socket: ") + std::strerror(error) + (out ? " (raise LimitNOFILE)" : "")};
}

std::optional<Failure> bind_source(int fd, Endpoint source, const Endpoint& to) {
  source.port = 0;
  const std::string text = source.to_string();
  const std::string name = text.substr(0, text.rfind(':'));
  if (source.v6 != to.v6) {
    return Failure{Outcome::connect, Phase::connect,
                   "the source address " + name + " is not of the same IP version as " + to.to_string()};
  }
  // The kernel chooses the port when it knows where to: ports of one source are not used up by other destinations.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const SocketAddress address = to_socket_address(source);
  if (::bind(fd, address.get(), address.size) == 0) return std::nullopt;
  return Failure{Outcome::connect, Phase::connect,
                 "cannot use the source address " + name + ": " + std::strerror(errno)};
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace tocsin::net
