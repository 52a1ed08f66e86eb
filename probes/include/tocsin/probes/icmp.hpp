// Probing hosts by ICMP echo (ping), with blackbox_exporter's metric names for its prober icmp. One ping a probe, on a
// socket of its own: the kernel then tells the replies of many targets apart, and a ping that was given up cannot be
// taken for a later one. What differs: dont_fragment holds for IPv6 too and needs no privilege; a router that says that
// the host cannot be reached ends the probe at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tocsin/core/observation.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

struct IcmpOptions {
  static constexpr std::size_t max_payload = 65'499;  // what fits into one IPv4 packet

  std::string host;
  std::size_t payload_size = 28;    // 8 are needed to tell a reply to this ping from one to another
  std::optional<std::uint8_t> ttl;  // none: the system's
  bool dont_fragment = false;
  IpProtocol ip_protocol = IpProtocol::any;
  std::optional<net::Endpoint> source;
};

[[nodiscard]] std::unique_ptr<Prober> make_icmp_prober(net::Connector& connector, net::Executor executor,
                                                       Identity identity, IcmpOptions options);
[[nodiscard]] std::span<const core::MetricMeta> icmp_metadata();

}  // namespace tocsin::probes
