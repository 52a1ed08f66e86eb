// The keys of a job that HTTP probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/auth.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::daemon::model {

struct Header {
  core::SecretSource value;
  core::Place place;
};

struct StatusRange {
  unsigned first = 0;
  unsigned last = 0;
};

struct Expect {
  std::vector<StatusRange> status;
  std::vector<std::string> body_matches;
  std::vector<std::string> body_not_matches;
  std::vector<std::pair<std::string, std::string>> json;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<probes::HeaderExpectation> header_rules;  // what a module of blackbox_exporter says of headers
  std::vector<unsigned> versions;
  std::optional<bool> tls;
  std::optional<core::Duration> certificate_valid;
  std::optional<core::Duration> within;
};

/// Where requests go through.
struct Proxy {
  std::string url;
  std::string no_proxy;
  bool from_environment = false;
  std::vector<std::pair<std::string, Header>> connect_headers;
  bool skip_resolve = false;
};

struct HttpKeys {
  std::optional<std::string> method;
  std::vector<std::pair<std::string, Header>> headers;
  std::string body;
  std::string body_file;
  std::optional<net::Encoding> compression;
  std::optional<bool> http2;
  std::optional<BasicAuth> basic_auth;
  std::string user_file;
  core::SecretSource bearer;
  std::optional<Authorization> authorization;
  std::optional<bool> follow_redirects;
  std::optional<std::uint64_t> max_body;
  std::optional<probes::HttpOptions::IpProtocol> ip_protocol;
  std::vector<std::string> addresses;  // `first`, `all`, or those that are asked
  Proxy proxy;
  std::optional<Expect> expect;
};

}  // namespace tocsin::daemon::model
