// A socket that sends ICMP echo requests to one address and gets what comes back. Not thread-safe: use it on the loop
// it was made on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

struct PingOptions {
  std::optional<std::uint8_t> ttl;  // of what is sent; none: the system's
  bool dont_fragment = false;
  std::optional<Endpoint> source;
  bool raw_only = false;  // do not try a ping socket first
};

/// Messages are whole ICMP messages, without an IP header, both ways. A ping socket (which any user of the groups in
/// net.ipv4.ping_group_range may have) gets only the replies to its own requests: the kernel sets their identifier. A
/// raw socket (CAP_NET_RAW), which is what is tried after it, gets every echo reply of the machine.
class PingSocket {
 public:
  struct Received {
    std::size_t size = 0;
    bool cut = false;              // there was more
    std::optional<int> hop_limit;  // how many hops the reply had left
    Endpoint from;
  };

  /// Outcome::connect, with what the operator can do about it, if neither socket is allowed.
  [[nodiscard]] static core::Result<PingSocket> open(const Executor& executor, const Endpoint& to,
                                                     const PingOptions& options);
  ~PingSocket();  // closes
  PingSocket(PingSocket&& other) noexcept;
  PingSocket& operator=(PingSocket&& other) noexcept;

  /// Whether identifiers are ours to choose and to check, and, over IPv4, checksums ours to fill in.
  [[nodiscard]] bool raw() const;
  [[nodiscard]] Task<core::Result<void>> send(std::string_view message, core::Deadline deadline);
  /// Outcome::connect if a router or the peer said that it cannot be reached.
  [[nodiscard]] Task<core::Result<Received>> receive(std::span<char> into, core::Deadline deadline);
  void close() noexcept;

 private:
  class Impl;
  explicit PingSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with the coroutine that waits
};

}  // namespace tocsin::net
