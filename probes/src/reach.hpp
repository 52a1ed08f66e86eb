// The way to a target, timed as blackbox_exporter times it: its name's addresses, and a connection to one of them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/ip_protocol.hpp"

namespace tocsin::probes {

/// Durations are measured by this, never by the wall clock.
[[nodiscard]] inline core::Deadline steady_now() { return std::chrono::steady_clock::now(); }

/// The failure, with its phase if it has none.
[[nodiscard]] core::Failure in_phase(core::Failure failure, core::Phase phase);

/// Drops or puts last what is not wanted.
void keep_wanted(std::vector<net::Endpoint>& addresses, IpProtocol wanted);

/// The address where the host is none but that: nothing is to be looked up.
[[nodiscard]] std::optional<net::Endpoint> known_address(const std::string& host, std::uint16_t port,
                                                         IpProtocol wanted);

/// Looks a name up and keeps the addresses that are wanted: never an empty list. `took` gets the time of the look-up,
/// also when it fails; it must outlive the call.
[[nodiscard]] net::Task<core::Result<std::vector<net::Endpoint>>> find_addresses(net::Connector& connector,
                                                                                 std::string host, std::uint16_t port,
                                                                                 IpProtocol wanted,
                                                                                 core::Deadline deadline,
                                                                                 std::chrono::nanoseconds* took);

struct Connected {
  std::unique_ptr<net::Stream> stream;  // its deadline is set
  net::Endpoint address;
  std::chrono::nanoseconds took{0};
};
/// Tries up to four of the addresses one after the other; each gets its part of the time that is left.
[[nodiscard]] net::Task<core::Result<Connected>> connect_one(net::Connector& connector,
                                                             std::vector<net::Endpoint> addresses,
                                                             core::Deadline deadline, net::ConnectOptions options = {});

}  // namespace tocsin::probes
