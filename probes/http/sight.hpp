// What one probe of an HTTP service saw.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::probes::http {

/// Times by phase, summed over redirects; a phase that did not come to its end adds nothing.
struct PhaseTimes {
  std::chrono::nanoseconds resolve{0}, connect{0}, tls{0}, processing{0}, transfer{0};
};

/// All that one probe saw.
struct Sight {
  core::TimePoint at;                         // when it began
  std::optional<core::Failure> failure;       // what stopped it
  std::optional<core::Failure> body_failure;  // the body is not compressed as it was to be
  std::optional<net::Endpoint> address;       // of the first host
  std::chrono::nanoseconds lookup{0};         // of the first host's name
  PhaseTimes phases;
  unsigned redirects = 0;            // as blackbox_exporter counts: the one that was not followed too
  bool redirect_refused = false;     // the last response is a redirect that was not followed
  net::HttpResponse response;        // the last one, as far as it came; status 0: none. The body is plain.
  bool tls_used = false;             // the last response came over TLS
  std::optional<net::TlsInfo> tls;   // of the last handshake, also of one that failed
  std::chrono::nanoseconds took{0};  // all of it
};

/// Of a response that broke off: one whose headers did not come to their end counts as none, as in blackbox_exporter.
/// (So does one whose body only the end of the connection would delimit, if nothing of it came.)
void drop_headless(net::HttpResponse& response, std::size_t max_body);

}  // namespace tocsin::probes::http
