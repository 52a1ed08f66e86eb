#include "http/sight.hpp"

#include <cstdint>

#include "tocsin/core/number.hpp"

namespace tocsin::probes::http {

void drop_headless(net::HttpResponse& response, std::size_t max_body) {
  if (response.content_length || !response.body.empty()) return;
  if (!net::header(response.headers, "Transfer-Encoding").empty()) return;
  // A body that is announced too large is given up before its length is noted.
  const auto announced = core::parse_number<std::uint64_t>(net::header(response.headers, "Content-Length"));
  if (announced && *announced > max_body) {
    response.content_length = *announced;
    return;
  }
  response = {};
}

}  // namespace tocsin::probes::http
