// Probing whatever listens on a TCP port or a unix socket: it connects, TLS is good, and it says what it should. The
// metrics are blackbox_exporter's for its probers tcp and unix. What differs:
// - What a certificate says is given also when it is not trusted; the probe then fails with Outcome::tls.
// - A peer that says more in the clear after it agreed to STARTTLS fails the probe: somebody may have put it there.
// - How long the phases took is given as tocsin_tcp_duration_seconds{phase}: resolve, connect, tls, dialog.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/dialog.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

struct TcpOptions {
  net::Address address;
  bool tls = false;             // right after connecting
  net::TlsOptions tls_options;  // for that, and for STARTTLS
  std::vector<DialogStep> dialog;
  IpProtocol ip_protocol = IpProtocol::any;
  std::optional<net::Endpoint> source;  // the address that is connected from
};

/// A line of the peer may have 64 KiB; a longer one is Outcome::limit. Throws std::invalid_argument where
/// `check_dialog` has something to say.
[[nodiscard]] std::unique_ptr<Prober> make_tcp_prober(net::Connector& connector, net::Executor executor,
                                                      Identity identity, TcpOptions options);
[[nodiscard]] std::span<const core::MetricMeta> tcp_metadata();

}  // namespace tocsin::probes
