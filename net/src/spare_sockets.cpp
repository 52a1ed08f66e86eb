#include "spare_sockets.hpp"

#include <sys/socket.h>

#include <utility>

namespace tocsin::net {
namespace {

/// The peer has ended the connection too: were it not so, the next step would break it off.
bool over(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/// Forgets the last connection (connect(2): AF_UNSPEC).
bool dissolve(int fd) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  return ::connect(fd, &nowhere, sizeof nowhere) == 0;
}

}  // namespace

void SpareSockets::give(UniqueFd fd, bool v6) noexcept {
  if (::shutdown(fd.get(), SHUT_WR) != 0) return;
  const std::scoped_lock lock(mutex_);
  Sockets& sockets = v6 ? v6_ : v4_;
  if (sockets.count == most) return;
  sockets.places[(sockets.oldest + sockets.count) % most] = std::move(fd);
  ++sockets.count;
}

UniqueFd SpareSockets::take(bool v6) {
  UniqueFd fd;
  {
    const std::scoped_lock lock(mutex_);
    Sockets& sockets = v6 ? v6_ : v4_;
    if (sockets.count <= resting) return fd;
    fd = std::move(sockets.places[sockets.oldest]);
    sockets.oldest = (sockets.oldest + 1) % most;
    --sockets.count;
  }
  if (!over(fd.get()) || !dissolve(fd.get())) fd.reset();
  return fd;
}

}  // namespace tocsin::net
