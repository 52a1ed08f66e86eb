// The upgrade from HTTP: what is asked, and whether the answer agrees. No sockets here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/probes/websocket.hpp"

namespace tocsin::probes::websocket {

/// Reads secret files. `key`: a fresh Sec-WebSocket-Key.
[[nodiscard]] core::Result<net::HttpRequest> upgrade_request(const WebsocketOptions& options, const std::string& key);
/// Nothing if the service agreed.
[[nodiscard]] std::optional<core::Failure> check_upgrade(const net::HttpResponse& response, const std::string& key,
                                                         const std::vector<std::string>& subprotocols);

}  // namespace tocsin::probes::websocket
