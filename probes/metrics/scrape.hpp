// What a scrape asks and what an answer comes to. No sockets here.
#pragma once

#include <chrono>
#include <string>

#include "tocsin/core/result.hpp"
#include "tocsin/core/text_format.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/probes/metrics.hpp"

namespace tocsin::probes::metrics {

/// The request; who configured an Accept of their own gets that one.
[[nodiscard]] core::Result<net::HttpRequest> build_request(const HttpOptions& options);

struct Page {
  std::string text;
  core::TextFormat format = core::TextFormat::prometheus;
};
/// The metrics in a response that is not a redirect.
[[nodiscard]] core::Result<Page> read_page(net::HttpResponse response, std::size_t max_body);

}  // namespace tocsin::probes::metrics
