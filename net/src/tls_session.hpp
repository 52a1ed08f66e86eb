// TLS on a non-blocking socket, as steps that never wait.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tls_context.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::net {

class TlsSession {
 public:
  enum class Step { done, want_read, want_write, closed, failed };

  /// `name` goes into SNI unless it is a numeric address, and is what the certificate is held against.
  TlsSession(std::shared_ptr<const TlsContext> context, int fd, const std::string& name, const TlsOptions& options);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  [[nodiscard]] Step handshake();
  [[nodiscard]] Step read(std::span<char> into, std::size_t& size);
  [[nodiscard]] Step write(std::string_view bytes, std::size_t& size);
  /// `done` if there is something to read; what the peer sends for TLS's own sake is taken in.
  [[nodiscard]] Step peek();

  [[nodiscard]] const TlsInfo& info() const { return info_; }
  /// After `failed` or `closed`: what happened, for a person.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// After `closed`: the peer ended the connection, and did not break it off.
  [[nodiscard]] bool ended() const { return transport_.error == 0; }
  /// After `failed`: the peer sent an alert.
  [[nodiscard]] bool refused() const { return refused_; }

  /// What the BIO works on.
  struct Transport {
    int fd = -1;
    bool eof = false;
    int error = 0;
  };

 private:
  Step judge(int result);
  Step fail();

  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::shared_ptr<const TlsContext> context_;
  Transport transport_;
  TlsInfo info_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string error_;
  bool refused_ = false;
};

}  // namespace tocsin::net
