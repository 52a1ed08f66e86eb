// Probing HTTP(S) services with blackbox_exporter's metric names and values: a new connection each time. What differs:
// - What a certificate says (probe_ssl_earliest_cert_expiry, probe_ssl_last_chain_info) is given also when it is not
// trusted; the probe
//   then fails with Outcome::tls. blackbox_exporter shows nothing in that case.
// - Of a name's addresses the system's order counts, not IPv6 first; up to four are tried until one connects.
// - After a redirect to another origin nothing is sent that proves who we are: no Authorization, no configured header
// but Accept*,
//   User-Agent, Content-Type, no client certificate. It stays so if the way leads back. (http to https at the standard
//   ports is the same.)
// - Cookies are not kept, and no compression is asked for.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/net/url.hpp"
#include "tocsin/probes/ip_protocol.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// One header; the value may come from a file.
struct HeaderSource {
  std::string name;
  core::SecretSource value;
};

/// `{"$.database": ok}`: what stands at a path of the JSON body, as text.
struct JsonExpectation {
  std::string path;  // $, .name, ['name'], [index]
  std::string equals;
};

struct HttpExpectations {
  std::vector<std::pair<unsigned, unsigned>> status{{200, 299}};  // ranges, both ends included
  std::optional<std::chrono::milliseconds>
      within;                                 // the whole probe must not take longer; slower is Outcome::unexpected
  std::vector<std::string> body_matches;      // RE2, unanchored: each must match
  std::vector<std::string> body_not_matches;  // none may
  std::vector<JsonExpectation> json;
};

struct HttpOptions {
  net::Url url;
  net::TlsOptions tls;  // used for https and after a redirect to it
  std::string method = "GET";
  std::vector<HeaderSource> headers;
  std::string body;
  std::string user;  // basic authentication
  core::SecretSource password;
  core::SecretSource bearer;
  bool follow_redirects = true;  // at most 10; one more is Outcome::limit
  HttpExpectations expect;
  std::size_t max_body = 10 * 1024 * 1024;
  using IpProtocol = probes::IpProtocol;
  IpProtocol ip_protocol = IpProtocol::any;
};

/// Throws std::invalid_argument where `check_expectations` has something to say.
[[nodiscard]] std::unique_ptr<Prober> make_http_prober(net::Connector& connector, net::Executor executor,
                                                       Identity identity, HttpOptions options);
/// Whether regular expressions and JSON paths are such; Failure::detail names the one that is not.
[[nodiscard]] core::Result<void> check_expectations(const HttpExpectations& expect);
[[nodiscard]] std::span<const core::MetricMeta> http_metadata();

}  // namespace tocsin::probes
