// The proof in a WebSocket handshake (RFC 6455, section 4), and chance for masks and identifiers.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tocsin::net {

/// Bytes that nobody can foretell.
void fill_random(std::span<char> bytes);
/// A fresh Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_key();
/// The Sec-WebSocket-Accept that answers a key.
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace tocsin::net
