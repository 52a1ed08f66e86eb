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
  static constexpr std::size_t time_to_end = 16;  // so many more were given: peers have had time to end it too
  static constexpr std::size_t at_a_look = 16;
  static constexpr std::size_t most = 48;  // at rest

  /// Oldest first. Who pushes sees to it that there is room.
  template <std::size_t size>
  class Ring {
   public:
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] const UniqueFd& at(std::size_t i) const { return places_[(oldest_ + i) % size]; }
    void push(UniqueFd fd) { places_[(oldest_ + count_++) % size] = std::move(fd); }
    [[nodiscard]] UniqueFd pop() {
      UniqueFd fd = std::move(places_[oldest_]);
      oldest_ = (oldest_ + 1) % size;
      --count_;
      return fd;
    }

   private:
    std::array<UniqueFd, size> places_;
    std::size_t oldest_ = 0;
    std::size_t count_ = 0;
  };
  struct Sockets {
    Ring<most> resting;
    Ring<at_a_look> ended;  // by their peers too
    void look();
  };

  std::mutex mutex_;
  Sockets v4_;
  Sockets v6_;
};

}  // namespace tocsin::net
