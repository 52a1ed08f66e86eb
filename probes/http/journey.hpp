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
  /// A request, ready to be sent.
  struct Question {
    net::HttpRequest request;
    net::HttpMessage message;  // the same, as it goes to the target itself
  };
  /// Where one request goes to.
  struct Hop {
    const net::Url* url = nullptr;
    const Question* question = nullptr;
    const net::Url* proxy = nullptr;
    std::optional<net::Endpoint> to;
    core::Deadline deadline;
    bool home = true;
  };
  /// What a redirect made of them.
  struct Redirected {
    net::Url url;
    Question question;
  };
  using Failed = std::optional<core::Failure>;

  [[nodiscard]] core::Result<Question> build() const;
  [[nodiscard]] bool goes_on(Hop& hop, std::optional<Redirected>& redirected, Sight& sight) const;
  net::Task<Failed> ask(Hop hop, Sight& sight) const;
  [[nodiscard]] std::optional<net::Endpoint> known_address(const Hop& hop, Sight& sight) const;
  net::Task<core::Result<std::vector<net::Endpoint>>> addresses(Hop hop, Sight& sight) const;
  net::Task<Failed> secure(net::Stream& stream, Hop hop, Sight& sight) const;
  net::Task<Failed> exchange_http2(net::Stream& stream, Hop hop, net::ExchangeTimes& times, Sight& sight) const;
  [[nodiscard]] core::Result<net::HttpMessage> message_through_proxy(const Hop& hop) const;
  void unpack(Sight& sight) const;

  // What each probe needs comes first: up to the first part of the options.
  net::Connector& connector_;
  net::HttpLimits limits_;
  bool proxied_ = false;                            // there may be a proxy
  std::optional<core::Result<Question>> question_;  // built once, unless part of it stands in files
  HttpOptions options_;
  net::TlsOptions home_tls_;
  net::TlsOptions away_tls_;
};

}  // namespace tocsin::probes::http
