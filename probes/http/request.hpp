// Requests: what is sent to the target, and what may still be sent after a redirect. No sockets here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/url.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes::http {

/// Whether these are the same header: case does not count.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);

/// True if part of the request stands in files, so that it must be built for each probe.
[[nodiscard]] bool reads_files(const HttpOptions& options);
/// The first request. Reads secret files; a secret that cannot go into a header is Outcome::auth.
[[nodiscard]] core::Result<net::HttpRequest> build_request(const HttpOptions& options);
/// The name that TLS should ask for at the target: server_name, else a configured Host header, else the host (empty).
[[nodiscard]] std::string server_name(const HttpOptions& options);

/// The port, given or the scheme's own.
[[nodiscard]] std::uint16_t port_of(const net::Url& url);

/// Where a response sends us, or nothing if it is no redirect (or one without Location).
[[nodiscard]] std::optional<core::Result<net::Url>> redirect_of(const net::Url& from,
                                                                const net::HttpResponse& response);
/// True if what is meant for `home` may be told to `other`: the same origin, or its upgrade from http (80) to https
/// (443).
[[nodiscard]] bool same_trust(const net::Url& home, const net::Url& other);
/// The request that follows a redirect with this status: after 301, 302 and 303 a GET without body (HEAD stays HEAD). A
/// host that is not `trusted` gets none of the configured headers but those that say what is accepted and who asks.
[[nodiscard]] net::HttpRequest follow(net::HttpRequest request, unsigned status, const net::Url& to, bool trusted);

}  // namespace tocsin::probes::http
