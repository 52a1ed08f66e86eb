// WebSocket frames (RFC 6455, section 5), to and from bytes. No sockets here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// A whole frame, masked as those of clients must be.
[[nodiscard]] std::string write_frame(Opcode opcode, std::string_view payload, std::array<char, 4> mask);

struct Message {
  Opcode opcode = Opcode::text;  // never continuation
  std::string payload;
};

/// Messages from the bytes of a service. Fragments are put together; control frames between them come as they come.
class Reader {
 public:
  explicit Reader(std::size_t max_message) : max_message_(max_message) {}

  void add(std::string_view bytes) { buffer_ += bytes; }
  /// The next message; nothing while more bytes are needed. After a failure nothing more can be read: Outcome::limit
  /// for a message that is too large, Outcome::protocol for what no service may send.
  [[nodiscard]] core::Result<std::optional<Message>> next();

 private:
  struct Head {
    bool last = false;
    Opcode opcode = Opcode::text;
    std::uint64_t length = 0;
    std::size_t size = 0;  // of the head
  };
  [[nodiscard]] core::Result<std::optional<Head>> head() const;
  [[nodiscard]] std::optional<core::Failure> check(const Head& head) const;

  std::size_t max_message_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::optional<Message> open_;  // a fragmented message
};

/// Status and reason of a close frame, for a person.
[[nodiscard]] std::string close_reason(std::string_view payload);

}  // namespace tocsin::probes::websocket
