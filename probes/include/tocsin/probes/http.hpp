// Probing HTTP(S) services with blackbox_exporter's metric names and values: a new connection each time. What differs:
// - What a certificate says (probe_ssl_earliest_cert_expiry, probe_ssl_last_chain_info) is given also when it is not
// trusted; the probe
//   then fails with Outcome::tls. blackbox_exporter shows nothing in that case.
// - Of a name's addresses the system's order counts, not IPv6 first; up to four are tried until one connects.
// - After a redirect to another origin nothing is sent that proves who we are: no Authorization, no configured header
// but Accept*, User-Agent, Content-Type, no client certificate. It stays so if the way leads back. (http to https at
// the standard ports is the same.)
// - Cookies are not kept.
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
#include "tocsin/net/http_encoding.hpp"
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

/// What stands at a path of the JSON body, as text, under a condition: `ok` or `== ok`, `!= down`, `< 100`, `<= 1.5`,
/// `> 0`, `>= 3`, `=~ regex`, `!~ regex`, `exists`, `absent`. Of what is not there only `absent` is true.
struct JsonExpectation {
  std::string path;  // $, .name, ['name'], [index]
  std::string condition;
};

/// A response header under a condition, as of JSON. Of a header that is there several times one must fulfil `==`, `=~`,
/// `<` and so on; all must fulfil `!=` and `!~`.
struct HeaderExpectation {
  std::string name;
  std::string condition;
  bool allow_missing = false;
};

struct HttpExpectations {
  std::vector<std::pair<unsigned, unsigned>> status{{200, 299}};  // ranges, both ends included
  std::vector<unsigned> versions;                                 // 10, 11, 20; empty: any
  std::vector<HeaderExpectation> headers;
  std::vector<std::string> body_matches;      // RE2, unanchored: each must match
  std::vector<std::string> body_not_matches;  // none may
  std::vector<JsonExpectation> json;
  std::optional<bool> tls;                                // the last response came over TLS, or did not
  std::optional<std::chrono::seconds> certificate_valid;  // the presented certificates for at least this long
  std::optional<std::chrono::milliseconds> within;        // the whole probe; slower is Outcome::unexpected
};

/// Requests go through here. `http://` proxies: plain requests as they are, https by CONNECT.
struct HttpProxies {
  std::optional<net::Url> http;   // for http targets; user info becomes Proxy-Authorization
  std::optional<net::Url> https;  // for https targets
  std::string no_proxy;           // names, .suffixes, addresses, networks, `*`, each maybe with :port; by commas
  bool spare_loopback = false;    // localhost and its addresses are asked directly
  std::vector<HeaderSource> connect_headers;
  bool skip_resolve = false;  // the target's name is not looked up by us
};

struct HttpOptions {
  // What each probe needs comes first and lies together: of many targets in turn, nothing is in the caches.
  net::Url url;
  std::size_t max_body = 10 * 1024 * 1024;   // as it comes, and decompressed
  std::optional<net::Encoding> compression;  // asked for, and the body must be so compressed
  using IpProtocol = probes::IpProtocol;
  IpProtocol ip_protocol = IpProtocol::any;
  bool follow_redirects = true;  // at most 10; one more is Outcome::limit
  bool http2 = true;             // offered by ALPN where TLS is spoken
  /// Every address of the name is asked (32 at most, 8 at a time), and all must be good. What stands under
  /// blackbox_exporter's names is then of one that is bad, else of the slowest; each has tocsin_probe_address_*{ip}.
  bool every_address = false;
  std::vector<std::string> addresses;  // asked in place of the name's own, all of them; names stand for theirs
  net::TlsOptions tls;                 // used for https and after a redirect to it
  std::string method = "GET";
  std::vector<HeaderSource> headers;
  std::string body;
  std::string body_file;  // read for each probe, at most 1 MiB
  std::string user;       // basic authentication
  std::string user_file;
  core::SecretSource password;
  core::SecretSource bearer;
  std::string authorization_type = "Bearer";  // the word before it
  HttpExpectations expect;
  HttpProxies proxies;
};

/// Throws std::invalid_argument where `check_expectations` has something to say.
[[nodiscard]] std::unique_ptr<Prober> make_http_prober(net::Connector& connector, net::Executor executor,
                                                       Identity identity, HttpOptions options);
/// Whether regular expressions, conditions and JSON paths are such; Failure::detail names the one that is not.
[[nodiscard]] core::Result<void> check_expectations(const HttpExpectations& expect);
[[nodiscard]] std::span<const core::MetricMeta> http_metadata();

}  // namespace tocsin::probes
