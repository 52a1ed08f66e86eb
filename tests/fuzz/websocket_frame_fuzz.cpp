// WebSocket frames from the network, in pieces of any size.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "websocket/frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin::probes::websocket;
  if (size == 0) return 0;
  constexpr std::size_t most = 500;
  const std::size_t step = data[0] == 0 ? size : data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Reader reader(most);
  while (!text.empty()) {
    const std::string_view part = text.substr(0, step);
    text.remove_prefix(part.size());
    reader.add(part);
    while (true) {
      const auto message = reader.next();
      if (!message) return 0;
      if (!*message) break;
      if ((*message)->payload.size() > most || (*message)->opcode == Opcode::continuation) std::abort();
      if ((*message)->opcode == Opcode::close) static_cast<void>(close_reason((*message)->payload));
    }
  }
  return 0;
}
