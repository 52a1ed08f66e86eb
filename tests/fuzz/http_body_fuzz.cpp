// JSON bodies, JSON paths and dates as an HTTP service may send them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/date.hpp"
#include "http/json_path.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::probes::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.substr(0, text.find('\n'));
  const auto body = line.size() < text.size() ? text.substr(line.size() + 1) : std::string_view{};
  static_cast<void>(parse_http_date(line));
  if (const auto path = JsonPath::parse(line)) static_cast<void>(look_up(body, {*path}));
  return 0;
}
