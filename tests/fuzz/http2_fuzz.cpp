// HTTP/2 frames as any peer may send them, in pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/http2_session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  tocsin::net::HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 1024;
  tocsin::net::HttpRequest request;
  request.headers = {{"Host", "example"}};
  request.body = "question";
  tocsin::net::Http2Answer answer;
  tocsin::net::Http2Session session(request, "http", limits, answer);
  while (!session.output().empty()) {
  }
  while (!text.empty() && !session.done() && !session.failure()) {
    session.feed(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    while (!session.output().empty()) {
    }
  }
  if (answer.response.body.size() > limits.body_bytes) std::abort();
  return 0;
}
