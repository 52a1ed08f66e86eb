// Probing WebSocket services: the HTTP upgrade, then what is said, then a ping. The metrics are blackbox_exporter's for
// its prober websocket. What differs:
// - The service's proof (Sec-WebSocket-Accept), its choice of a subprotocol and its extensions are checked.
// - What a certificate says is given as probe_ssl_* and probe_tls_*, also when it is not trusted.
// - Redirects are not followed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/net/url.hpp"
#include "tocsin/probes/dialog.hpp"
#include "tocsin/probes/http.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

struct WebsocketOptions {
  net::Url url;  // ws:// or wss://
  net::TlsOptions tls;
  std::vector<HeaderSource> headers;
  std::string user;  // basic authentication
  core::SecretSource password;
  core::SecretSource bearer;
  std::vector<std::string> subprotocols;  // offered; the service must choose one of them
  /// Each `expect` is held against one message: another than the next one is not waited for.
  std::vector<DialogStep> dialog;
  bool ping = false;  // after the dialog, a ping must be answered
  IpProtocol ip_protocol = IpProtocol::any;
  std::size_t max_message = 1024 * 1024;  // a larger one is Outcome::limit
};

/// Throws std::invalid_argument where `check_dialog` has something to say.
[[nodiscard]] std::unique_ptr<Prober> make_websocket_prober(net::Connector& connector, net::Executor executor,
                                                            Identity identity, WebsocketOptions options);
[[nodiscard]] std::span<const core::MetricMeta> websocket_metadata();

}  // namespace tocsin::probes
