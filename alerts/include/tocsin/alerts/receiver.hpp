// Where something is POSTed to, and who we are there.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/secret.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::alerts {

/// A URL of HTTP and what goes with a request to it. The URL's user info and query may be secret: what is said of it is
/// `url.display()`.
struct Receiver {
  net::Url url;
  std::optional<net::TlsOptions> tls;
  std::string user;
  core::SecretSource password;
  core::SecretSource bearer;
  std::vector<std::pair<std::string, core::SecretSource>> headers;  // further ones
  core::Duration timeout{std::chrono::seconds{10}};
  bool operator==(const Receiver&) const;
};

/// Who is told when no Alertmanager takes alerts.
struct FallbackOptions {
  Receiver webhook;                               // takes what Alertmanager sends to a webhook
  core::Duration after{std::chrono::minutes{1}};  // so long has no Alertmanager taken anything while something is owed
  bool operator==(const FallbackOptions&) const = default;
};

/// A dead man's switch elsewhere: it raises the alarm when we fall silent.
struct HeartbeatOptions {
  Receiver to;
  std::string method = "GET";  // or POST, with an empty body
  core::Duration every{std::chrono::minutes{1}};
  bool operator==(const HeartbeatOptions&) const = default;
};

}  // namespace tocsin::alerts
