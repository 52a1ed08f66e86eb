// Who else is told: the fallback and the heartbeat. Sections with the keys of a request over HTTP.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/auth.hpp"
#include "config/kinds/http.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon::model {

struct ReceiverKeys {
  std::string url;
  std::optional<net::TlsOptions> tls;
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  std::vector<std::pair<std::string, Header>> headers;
  core::Duration timeout{std::chrono::seconds{10}};
  core::Place place;
};

struct Fallback : ReceiverKeys {
  core::Duration after{std::chrono::minutes{1}};
};

struct Heartbeat : ReceiverKeys {
  core::Duration every{std::chrono::minutes{1}};
  std::string method = "GET";
};

}  // namespace tocsin::daemon::model
