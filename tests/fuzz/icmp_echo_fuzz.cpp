// ICMP messages from the network: only the reply to a request is taken for it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "icmp/echo.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::probes::icmp;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const bool v6 : {false, true}) {
    Echo echo;
    echo.v6 = v6;
    echo.id = 0x1234;
    echo.sequence = 7;
    const std::string request = echo_request(echo, "payload");
    for (const bool check_id : {false, true}) {
      if (!is_reply(message, request, v6, check_id)) continue;
      if (message.substr(6) != std::string_view(request).substr(6)) std::abort();
    }
    // A request with any payload has a sum of 0 with its checksum in it.
    if (!v6 && checksum(echo_request(echo, message)) != 0) std::abort();
  }
  return 0;
}
