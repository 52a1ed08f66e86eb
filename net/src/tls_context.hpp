// SSL contexts: one for each distinct set of options, shared by all connections that use it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "tocsin/net/stream.hpp"

namespace tocsin::net {

struct TlsContext {
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, Free> ssl;
};

/// Thread-safe. The least recently used context goes when there are too many; connections keep theirs.
class TlsContexts {
 public:
  explicit TlsContexts(std::size_t most = 256) : most_(most) {}
  [[nodiscard]] core::Result<std::shared_ptr<const TlsContext>> get(const TlsOptions& options);
  void forget();

 private:
  using Entry = std::pair<TlsOptions, std::shared_ptr<const TlsContext>>;
  std::size_t most_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
};

}  // namespace tocsin::net
