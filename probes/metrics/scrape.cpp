#include "metrics/scrape.hpp"

#include <algorithm>
#include <utility>

#include "http/request.hpp"
#include "tocsin/net/http_encoding.hpp"

namespace tocsin::probes::metrics {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr std::string_view accept =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

Failure bad_status(unsigned status) {
  const Outcome outcome = status == 401 || status == 403 ? Outcome::auth
                          : status == 429                ? Outcome::throttled
                                                         : Outcome::unexpected;
  return {outcome, Phase::expect, "status " + std::to_string(status) + ", expected 200"};
}

}  // namespace

Result<net::HttpRequest> build_request(const HttpOptions& options) {
  auto request = http::build_request(options);
  if (!request) return request;
  // A connection that is kept costs a steady scrape neither look-up nor handshake.
  std::erase_if(request->headers, [](const auto& header) { return header.first == "Connection"; });
  if (net::header(request->headers, "Accept").empty()) request->headers.emplace_back("Accept", accept);
  if (net::header(request->headers, "Accept-Encoding").empty())
    request->headers.emplace_back("Accept-Encoding", "gzip");
  return request;
}

Result<Page> read_page(net::HttpResponse response, std::size_t max_body) {
  if (response.status != 200) return bad_status(response.status);
  const auto encoding = net::parse_encoding(net::header(response.headers, "Content-Encoding"));
  if (!encoding)
    return Failure{Outcome::protocol, Phase::parse, "the body is compressed in a way that was not asked for"};
  Page page;
  page.format = core::text_format_of(net::header(response.headers, "Content-Type"));
  if (*encoding == net::Encoding::identity) {
    page.text = std::move(response.body);
    return page;
  }
  auto text = net::decode(response.body, *encoding, max_body);
  if (!text) return text.error();
  page.text = std::move(*text);
  return page;
}

}  // namespace tocsin::probes::metrics
