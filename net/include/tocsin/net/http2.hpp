// HTTP/2: one exchange on a connection of its own. nghttp2 is behind this header.
#pragma once

#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

/// What came back, as far as it came. Names of headers are in lower case; `response.version` is 20.
struct Http2Answer {
  HttpResponse response;
  Headers trailers;  // what stands behind the body (gRPC's status)
};

/// Sends one request and reads its response on a fresh stream whose deadline is set: one whose TLS handshake agreed on
/// `h2`, or a plain one with a server that is known to speak HTTP/2. The request's Host header becomes `:authority`,
/// `scheme` is `http` or `https`; headers that HTTP/2 forbids (Connection and its like) are left out. A peer that
/// resets the stream or says goodbye before it answered is Outcome::closed, or throttled where it says that it has no
/// room. `times` may be null; `answer` must outlive the call.
[[nodiscard]] Task<core::Result<void>> http2_exchange(Stream& stream, const HttpRequest& request,
                                                      std::string_view scheme, HttpLimits limits, ExchangeTimes* times,
                                                      Http2Answer& answer);

}  // namespace tocsin::net
