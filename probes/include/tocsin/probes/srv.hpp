// Services by name: SRV records (RFC 2782), asked of the system's name servers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::probes {

struct ServiceRecord {
  std::string host;  // without a last dot
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint32_t ttl = 0;  // seconds
};

/// The `nameserver` lines of a resolv.conf, three at most, as libc reads them; 127.0.0.1 where there is none.
[[nodiscard]] std::vector<net::Endpoint> name_servers(std::string_view resolv_conf);

/// Asks one server after the other, each for a part of the time, until one answers. Over UDP, and over TCP where the
/// answer is too long for that. A name that does not exist, or has no SRV records, is Outcome::resolve; so is a server
/// that cannot tell. No search list: the name is asked for as it is.
[[nodiscard]] net::Task<core::Result<std::vector<ServiceRecord>>> resolve_srv(net::Connector& connector,
                                                                              net::Executor executor, std::string name,
                                                                              std::vector<net::Endpoint> servers,
                                                                              core::Deadline deadline);
/// The same with the servers of /etc/resolv.conf, which is read each time.
[[nodiscard]] net::Task<core::Result<std::vector<ServiceRecord>>> resolve_srv(net::Connector& connector,
                                                                              net::Executor executor, std::string name,
                                                                              core::Deadline deadline);

}  // namespace tocsin::probes
