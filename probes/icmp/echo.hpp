// ICMP echo messages as bytes. No sockets here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::probes::icmp {

struct Echo {
  bool v6 = false;
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
};

/// An echo request; over IPv4 with its checksum (over IPv6 the kernel fills it in).
[[nodiscard]] std::string echo_request(const Echo& echo, std::string_view payload);
/// Whether the message is the reply to that request. `check_id`: not on a ping socket, where the kernel changes the
/// identifier and has compared it already.
[[nodiscard]] bool is_reply(std::string_view message, std::string_view request, bool v6, bool check_id);
/// The internet checksum (RFC 1071).
[[nodiscard]] std::uint16_t checksum(std::string_view bytes);

}  // namespace tocsin::probes::icmp
