// The driver: resolves, connects, asks, follows redirects. What the answers mean is decided in judge.cpp and
// request.cpp.
#pragma once

#include <optional>

#include "http/sight.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/http.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes::http {

/// The way to one target; several may be under way at a time.
class Journey {
 public:
  Journey(net::Connector& connector, HttpOptions options);
  /// Fills the sight. `to`: instead of the addresses of the target's name.
  /// `sight` must outlive the call.
  [[nodiscard]] net::Task<void> travel(ProbeStart start, std::optional<net::Endpoint> to, Sight& sight) const;
  [[nodiscard]] const HttpOptions& options() const { return options_; }

 private:
  /// Where one request goes to.
  struct Hop {
    const net::Url* url = nullptr;
    const net::HttpRequest* request = nullptr;
    const net::Url* proxy = nullptr;
    std::optional<net::Endpoint> to;
    core::Deadline deadline;
    bool home = true;
  };
  using Failed = std::optional<core::Failure>;

  net::Task<Failed> follow_all(Hop hop, Sight& sight) const;
  net::Task<Failed> ask(Hop hop, Sight& sight) const;
  net::Task<core::Result<std::vector<net::Endpoint>>> addresses(Hop hop, Sight& sight) const;
  net::Task<Failed> secure(net::Stream& stream, Hop hop, Sight& sight) const;
  net::Task<Failed> exchange(net::Stream& stream, Hop hop, Sight& sight) const;
  void unpack(Sight& sight) const;

  net::Connector& connector_;
  HttpOptions options_;
  net::TlsOptions home_tls_;
  net::TlsOptions away_tls_;
  net::HttpLimits limits_;
  std::optional<core::Result<net::HttpRequest>> request_;  // built once, unless part of it stands in files
};

}  // namespace tocsin::probes::http
