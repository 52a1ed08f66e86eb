// TCP sockets that have served, for new connections.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "unique_fd.hpp"

namespace tocsin::net {

/// A connection that ended in order leaves a socket that can connect again, to anywhere: that saves the system making
/// and unmaking a socket and a file each time, an eighth of what a connection to a near server costs. On the wire there
/// is no difference. Any thread.
class SpareSockets {
 public:
  /// One whose conversation is over and read to its end. The peer is told so, as `close` would.
  void give(UniqueFd fd, bool v6) noexcept;
  /// One of which nothing of the last connection is left; none if there is no such one.
  [[nodiscard]] UniqueFd take(bool v6);

 private:
  static constexpr std::size_t resting = 16;  // time for peers to end the connection too
  static constexpr std::size_t most = 64;
  struct Sockets {  // a ring
    std::array<UniqueFd, most> places;
    std::size_t oldest = 0;
    std::size_t count = 0;
  };

  std::mutex mutex_;
  Sockets v4_;
  Sockets v6_;
};

}  // namespace tocsin::net
