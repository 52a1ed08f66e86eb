// The proof in a WebSocket handshake (RFC 6455, section 4).
#pragma once

#include <string>
#include <string_view>

namespace tocsin::net {

/// A fresh Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_key();
/// The Sec-WebSocket-Accept that answers a key.
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace tocsin::net
