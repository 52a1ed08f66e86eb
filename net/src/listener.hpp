// A listening socket: a TCP address or a unix socket's path.
#pragma once

#include <cstdint>
#include <string>

#include "tocsin/net/stream.hpp"
#include "unique_fd.hpp"

namespace tocsin::net {

struct Listening {
  UniqueFd fd;
  std::uint16_t port = 0;  // 0 for a unix socket
};

/// Binds and listens. An empty host means all addresses. What a crashed process left of a unix socket is removed.
[[nodiscard]] core::Result<Listening> listen_on(const Address& address);

struct Accepted {
  UniqueFd fd;
  Endpoint from;
  bool local = false;
  int error = 0;  // EAGAIN: nobody waits
};
[[nodiscard]] Accepted accept_one(int listener);

}  // namespace tocsin::net
