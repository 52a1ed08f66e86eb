// Probing gRPC services by the health-checking protocol (grpc.health.v1.Health/Check) with blackbox_exporter's metric
// names and values: a new connection each time. What differs:
// - What a certificate says is given also when it is not trusted; the probe then fails with Outcome::tls.
// - Up to four addresses of a name are tried until one connects.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// One entry of the call's metadata; the value may come from a file.
struct MetadataSource {
  std::string name;
  core::SecretSource value;
};

struct GrpcOptions {
  net::Address address;
  std::optional<net::TlsOptions> tls;  // none: HTTP/2 with prior knowledge (h2c)
  std::string service;                 // whose health is asked; empty: the whole server's
  std::string authority;               // empty: the host and port as they are
  std::vector<MetadataSource> metadata;
  IpProtocol ip_protocol = IpProtocol::any;
  std::size_t max_reply = 64 * 1024;  // bytes of headers, and of the body; more is Outcome::limit
};

/// Good is only what answers SERVING. UNIMPLEMENTED (no health service) is Outcome::refused_command.
[[nodiscard]] std::unique_ptr<Prober> make_grpc_prober(net::Connector& connector, net::Executor executor,
                                                       Identity identity, GrpcOptions options);
[[nodiscard]] std::span<const core::MetricMeta> grpc_metadata();

}  // namespace tocsin::probes
