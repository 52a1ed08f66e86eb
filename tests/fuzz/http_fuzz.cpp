// HTTP from the network: responses and requests, whole and in pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/http_parser.hpp"

namespace {

using namespace tocsin::net;

/// Feeds `text` in steps of that size, as reads would bring it.
template <class Parser>
void parse(Parser& parser, std::string_view text, std::size_t step, std::size_t most) {
  ReadBuffer buffer;
  boost::beast::error_code error;
  while (feed(parser, buffer, error) == Fed::more) {
    const auto space = buffer.space(most);
    const std::size_t size = std::min({text.size(), space.size(), step});
    if (size == 0) break;
    std::copy_n(text.begin(), size, space.begin());
    buffer.filled(size);
    text.remove_prefix(size);
  }
  if (!error && parser.is_header_done() && !parser.is_done()) parser.put_eof(error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  HttpLimits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 1024;
  HttpResponse response;
  ResponseParser answer(response, limits, false);
  parse(answer, text, step, limits.header_bytes + 1024);
  if (response.body.size() > limits.body_bytes) std::abort();

  ServerLimits bounds;
  bounds.header_bytes = 1024;
  bounds.body_bytes = 1024;
  ServerRequest request;
  std::string target;
  RequestParser question(request, target, bounds);
  parse(question, text, step, bounds.header_bytes + 1024);
  if (request.body.size() > bounds.body_bytes) std::abort();
  return 0;
}
