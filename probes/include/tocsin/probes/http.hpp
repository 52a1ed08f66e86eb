// Probing HTTP(S) services with blackbox_exporter's metric names: a new connection each time.
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
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// One header; the value may come from a file.
struct HeaderSource {
  std::string name;
  core::SecretSource value;
};

/// `{"$.database": ok}`: what stands at a path of the JSON body, as text.
struct JsonExpectation {
  std::string path;   // $, .name, ['name'], [index]
  std::string equals;
};

struct HttpExpectations {
  std::vector<std::pair<unsigned, unsigned>> status{{200, 299}};  // ranges, both ends included
  std::optional<std::chrono::milliseconds> within;  // the whole probe must not take longer; slower is Outcome::unexpected
  std::vector<std::string> body_matches;            // RE2, unanchored: each must match
  std::vector<std::string> body_not_matches;        // none may
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
  bool follow_redirects = true;  // at most 10
  HttpExpectations expect;
  std::size_t max_body = 10 * 1024 * 1024;
  enum class IpProtocol { any, v4, v6 } ip_protocol = IpProtocol::any;
};

[[nodiscard]] std::unique_ptr<Prober> make_http_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                                       HttpOptions options);
[[nodiscard]] std::span<const core::MetricMeta> http_metadata();

}  // namespace tocsin::probes
