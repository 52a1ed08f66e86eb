// The keys of a job that WebSocket probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::daemon::model {

struct WebsocketKeys {
  std::vector<std::string> subprotocols;
  std::optional<bool> ping;
  std::optional<std::uint64_t> max_message;
};

}  // namespace tocsin::daemon::model
