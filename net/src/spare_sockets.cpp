#include "spare_sockets.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace tocsin::net {
namespace {

/// The peer has ended the connection too, in order: were it not so, the next step would break it off.
bool has_ended(const pollfd& seen) { return (seen.revents & (POLLHUP | POLLERR)) == POLLHUP; }

/// Forgets the last connection, and what of it was not read (connect(2): AF_UNSPEC).
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
  if (sockets.resting.count() < most) sockets.resting.push(std::move(fd));
}

UniqueFd SpareSockets::take(bool v6) {
  UniqueFd fd;
  {
    const std::scoped_lock lock(mutex_);
    Sockets& sockets = v6 ? v6_ : v4_;
    if (sockets.ended.count() == 0 && sockets.resting.count() >= time_to_end + at_a_look) sockets.look();
    if (sockets.ended.count() == 0) return fd;
    fd = sockets.ended.pop();
  }
  if (!dissolve(fd.get())) fd.reset();
  return fd;
}

/// One system call for many costs less than one for each. Whose peer takes longer is closed.
void SpareSockets::Sockets::look() {
  std::array<pollfd, at_a_look> seen;
  for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = {resting.at(i).get(), 0, 0};
  const bool looked = ::poll(seen.data(), seen.size(), 0) >= 0;
  for (const pollfd& one : seen) {
    UniqueFd fd = resting.pop();
    if (looked && has_ended(one)) ended.push(std::move(fd));
  }
}

}  // namespace tocsin::net
