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
  std::optional<core::Duration> within;
};

struct HttpKeys {
  std::optional<std::string> method;
  std::vector<std::pair<std::string, Header>> headers;
  std::string body;
  std::optional<BasicAuth> basic_auth;
  core::SecretSource bearer;
  std::optional<Authorization> authorization;
  std::optional<bool> follow_redirects;
  std::optional<std::uint64_t> max_body;
  std::optional<probes::HttpOptions::IpProtocol> ip_protocol;
  std::optional<Expect> expect;
};

}  // namespace tocsin::daemon::model
