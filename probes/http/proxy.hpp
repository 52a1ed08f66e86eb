// Which way a request goes: directly, or through a proxy. No sockets here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes::http {

/// The proxy for this URL, or null.
[[nodiscard]] const net::Url* proxy_for(const HttpProxies& proxies, const net::Url& url);
/// Whether a `no_proxy` list names this host, as curl and Go read it.
[[nodiscard]] bool named_in(std::string_view no_proxy, std::string_view host, std::uint16_t port);

/// The request as a proxy wants it: the whole URL in its first line, and who we are.
[[nodiscard]] core::Result<net::HttpRequest> through(const net::Url& proxy, const net::Url& url,
                                                     net::HttpRequest request);
/// CONNECT to the URL's host.
[[nodiscard]] core::Result<net::HttpRequest> connect_request(const net::Url& proxy, const net::Url& url,
                                                             const HttpProxies& proxies);
/// What a proxy's answer to CONNECT means where it is not good.
[[nodiscard]] std::optional<core::Failure> refusal(const net::Url& proxy, unsigned status);

}  // namespace tocsin::probes::http
