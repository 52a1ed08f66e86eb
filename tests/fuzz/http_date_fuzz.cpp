// Dates as an HTTP service may send them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/date.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(tocsin::probes::http::parse_http_date({reinterpret_cast<const char*>(data), size}));
  return 0;
}
