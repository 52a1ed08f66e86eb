// A UDP socket that talks with one peer: whole datagrams, each wait with a deadline. Not thread-safe: use it on the
// loop it was made on.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// What is larger than a buffer that is given is cut by the kernel, so nobody can make us hold more.
class Datagram {
 public:
  struct Received {
    std::size_t size = 0;
    bool cut = false;  // there was more
  };

  /// Chooses the peer; nothing is sent yet. Datagrams of others are never seen.
  [[nodiscard]] static core::Result<Datagram> connect(const Executor& executor, const Endpoint& to,
                                                      const std::optional<Endpoint>& source = std::nullopt);
  ~Datagram();  // closes
  Datagram(Datagram&& other) noexcept;
  Datagram& operator=(Datagram&& other) noexcept;

  [[nodiscard]] Task<core::Result<void>> send(std::string_view bytes, core::Deadline deadline);
  /// Waits for one datagram. Outcome::connect if ICMP said meanwhile that nobody is there, Outcome::cancelled after
  /// `close` or when the coroutine was cancelled. An empty datagram is none of these: its size is 0.
  [[nodiscard]] Task<core::Result<Received>> receive(std::span<char> into, core::Deadline deadline);
  void close() noexcept;

 private:
  class Impl;
  explicit Datagram(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with the coroutine that waits
};

}  // namespace tocsin::net
