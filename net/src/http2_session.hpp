// HTTP/2's frames without a socket: bytes in, bytes out, one request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/net/http2.hpp"

namespace tocsin::net {

class Http2Session {
 public:
  /// All three are referred to, not copied; `answer` is emptied.
  Http2Session(const HttpRequest& request, std::string_view scheme, HttpLimits limits, Http2Answer& answer);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  /// What is to be sent now; empty if nothing is. At most some frames a call: ask until it is empty.
  [[nodiscard]] std::string output();
  void feed(std::string_view bytes);
  /// The response has begun to arrive.
  [[nodiscard]] bool begun() const;
  /// Bytes of the response so far: headers and body.
  [[nodiscard]] std::size_t answered() const;
  /// The response is complete.
  [[nodiscard]] bool done() const;
  /// Why there will be no (complete) response; also where the peer has ended the session in an orderly way.
  [[nodiscard]] std::optional<core::Failure> failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::net
