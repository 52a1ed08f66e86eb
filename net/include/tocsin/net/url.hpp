// URLs of targets and services. User info is taken apart from the rest when parsed, so that it cannot leak into a label
// or a log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::net {

struct Url {
  std::string scheme;      // lower case
  std::string user;        // decoded; empty if none
  core::Secret password;   // decoded
  std::string host;        // decoded, without the brackets of an IPv6 address
  std::uint16_t port = 0;  // 0: not given
  std::string path;        // as written, may be empty
  std::string query;       // as written, without '?'
  bool has_query = false;

  /// scheme://host[:port]path, without user info, query and fragment: fit for labels and logs.
  [[nodiscard]] std::string display() const;
  /// path[?query], "/" if empty: what goes into a request line.
  [[nodiscard]] std::string request_target() const;
  /// host[:port] as the Host header wants it.
  [[nodiscard]] std::string authority() const;
};

/// Failure::detail says what is wrong, without repeating user info.
[[nodiscard]] core::Result<Url> parse_url(std::string_view text);
/// The value of a query parameter, decoded; empty if there is none.
[[nodiscard]] std::string query_parameter(std::string_view query, std::string_view name);
/// Resolves a Location header against the URL it answered (RFC 3986 section 5).
[[nodiscard]] core::Result<Url> resolve_reference(const Url& base, std::string_view reference);
[[nodiscard]] std::string percent_encode(std::string_view text);
[[nodiscard]] std::string percent_decode(std::string_view text);

}  // namespace tocsin::net
