// A health-check response as any server may send it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grpc/health.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace grpc = tocsin::probes::grpc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(grpc::decode_response(text));
  tocsin::net::Http2Answer answer;
  answer.response.status = 200;
  answer.response.headers = {{"content-type", "application/grpc"}};
  answer.trailers = {{"grpc-status", size == 0 ? "0" : std::string(1, static_cast<char>(data[0]))},
                     {"grpc-message", std::string(text)}};
  answer.response.body = text;
  const grpc::Answer judged = grpc::judge(answer);
  if (!judged.failure && (!judged.serving || *judged.serving != grpc::Serving::serving)) std::abort();
  return 0;
}
