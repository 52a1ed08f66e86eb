#include "http/journey.hpp"

#include <utility>

#include "http/proxy.hpp"
#include "http/request.hpp"
#include "src/reach.hpp"
#include "tocsin/net/http2.hpp"

namespace tocsin::probes::http {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using Failed = std::optional<Failure>;

constexpr unsigned max_redirects = 10;

}  // namespace

Journey::Journey(net::Connector& connector, HttpOptions options)
    : connector_(connector), options_(std::move(options)), home_tls_(options_.tls) {
  if (options_.http2) home_tls_.alpn = {"h2", "http/1.1"};
  away_tls_ = home_tls_;
  home_tls_.server_name = server_name(options_);
  // What proves who we are is for the target alone.
  away_tls_.server_name.clear();
  away_tls_.cert_file.clear();
  away_tls_.key_file.clear();
  limits_.body_bytes = options_.max_body;
  if (!reads_files(options_)) request_ = build_request(options_);
}

net::Task<void> Journey::travel(ProbeStart start, std::optional<net::Endpoint> to, Sight& sight) const {
  const auto began = steady_now();
  sight.at = start.at;
  std::optional<core::Result<net::HttpRequest>> fresh;
  if (!request_) fresh = build_request(options_);
  const core::Result<net::HttpRequest>& request = fresh ? *fresh : *request_;
  if (request) {
    Hop hop;
    hop.url = &options_.url;
    hop.request = &request.value();
    hop.to = to;
    hop.deadline = start.deadline;
    Failed failure = co_await follow_all(std::move(hop), sight);
    sight.failure = std::move(failure);
  } else {
    sight.failure = request.error();
  }
  if (!sight.failure) unpack(sight);
  sight.took = steady_now() - began;
}

net::Task<Failed> Journey::follow_all(Hop hop, Sight& sight) const {
  net::Url redirected;
  net::HttpRequest changed;
  while (true) {
    Failed failure = co_await ask(hop, sight);
    if (failure) co_return failure;
    auto to = redirect_of(*hop.url, sight.response);
    if (!to) co_return std::nullopt;
    if (!*to) co_return to->error();
    ++sight.redirects;
    sight.redirect_refused = !options_.follow_redirects || sight.redirects > max_redirects;
    if (!options_.follow_redirects) co_return std::nullopt;
    if (sight.redirect_refused) co_return Failure{Outcome::limit, Phase::receive, "more than 10 redirects"};
    // Once away, the credentials stay behind, even if the way leads home again.
    hop.home = hop.home && same_trust(options_.url, **to);
    changed = follow(*hop.request, sight.response.status, **to, hop.home);
    redirected = std::move(**to);
    hop.url = &redirected;
    hop.request = &changed;
    hop.to.reset();
  }
}

net::Task<Failed> Journey::ask(Hop hop, Sight& sight) const {
  sight.response = {};
  sight.tls_used = false;
  sight.tls.reset();
  hop.proxy = proxy_for(options_.proxies, *hop.url);
  auto found = co_await addresses(hop, sight);
  if (!found) co_return found.error();
  auto connected = co_await connect_one(connector_, std::move(*found), hop.deadline);
  if (!connected) co_return connected.error();
  if (sight.redirects == 0 && hop.proxy == nullptr) sight.address = connected->address;
  sight.phases.connect += connected->took;
  net::Stream& stream = *connected->stream;
  const bool tls = hop.url->scheme == "https";
  if (tls) {
    Failed failure = co_await secure(stream, hop, sight);
    if (failure) co_return failure;
  }
  Failed failure = co_await exchange(stream, hop, sight);
  sight.tls_used = tls && sight.response.status != 0;
  stream.close();
  co_return failure;
}

/// Where to connect to. The first host's address is noted also where a proxy stands between us.
net::Task<core::Result<std::vector<net::Endpoint>>> Journey::addresses(Hop hop, Sight& sight) const {
  const bool first = sight.redirects == 0;
  core::Result<std::vector<net::Endpoint>> found = std::vector<net::Endpoint>();
  std::chrono::nanoseconds took{0};
  if (hop.to) {
    found->assign(1, *hop.to);
    sight.address = hop.to;
  } else if (hop.proxy == nullptr || (first && !options_.proxies.skip_resolve)) {
    found = co_await find_addresses(connector_, hop.url->host, port_of(*hop.url), options_.ip_protocol, hop.deadline,
                                    &took);
    sight.phases.resolve += took;
    if (first) sight.lookup = took;
    if (!found) co_return found;
    if (first) sight.address = found->front();
  }
  if (hop.proxy != nullptr) {
    found =
        co_await find_addresses(connector_, hop.proxy->host, port_of(*hop.proxy), IpProtocol::any, hop.deadline, &took);
    sight.phases.resolve += took;
  }
  co_return found;
}

net::Task<Failed> Journey::secure(net::Stream& stream, Hop hop, Sight& sight) const {
  const auto began = steady_now();
  if (hop.proxy != nullptr) {
    const auto request = connect_request(*hop.proxy, *hop.url, options_.proxies);
    if (!request) co_return request.error();
    const auto answer = co_await net::exchange(stream, *request, limits_, nullptr, nullptr);
    if (!answer) co_return in_phase(answer.error(), Phase::connect);
    if (Failed refused = refusal(*hop.proxy, answer->status)) co_return refused;
  }
  const net::TlsOptions& options = hop.home ? home_tls_ : away_tls_;
  const auto done = co_await stream.start_tls(options, hop.url->host);
  if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
  if (!done) co_return in_phase(done.error(), Phase::tls);
  sight.phases.tls += steady_now() - began;
  co_return std::nullopt;
}

net::Task<Failed> Journey::exchange(net::Stream& stream, Hop hop, Sight& sight) const {
  net::ExchangeTimes times;
  const auto began = steady_now();
  Failed failure;
  if (sight.tls && sight.tls->alpn == "h2") {
    net::Http2Answer answer;
    const auto done = co_await net::http2_exchange(stream, *hop.request, "https", limits_, &times, answer);
    sight.response = std::move(answer.response);
    if (!done) failure = done.error();
  } else {
    std::optional<net::HttpRequest> proxied;
    if (hop.proxy != nullptr && hop.url->scheme == "http") {
      auto changed = through(*hop.proxy, *hop.url, *hop.request);
      if (!changed) co_return changed.error();
      proxied = std::move(*changed);
    }
    const net::HttpRequest& request = proxied ? *proxied : *hop.request;
    auto response = co_await net::exchange(stream, request, limits_, &times, &sight.response);
    if (response) {
      sight.response = std::move(*response);
    } else {
      failure = std::move(response).error();
      drop_headless(sight.response, limits_.body_bytes);
    }
  }
  if (times.first_byte) {
    sight.phases.processing += *times.first_byte - began;
    if (times.done) sight.phases.transfer += *times.done - *times.first_byte;
  }
  if (failure) co_return in_phase(std::move(*failure), times.sent ? Phase::receive : Phase::send);
  co_return std::nullopt;
}

/// As blackbox_exporter does: where compression is asked for, a body that is not compressed is a failure.
void Journey::unpack(Sight& sight) const {
  if (!options_.compression || sight.response.body.empty()) return;
  auto plain = net::decode(sight.response.body, *options_.compression, options_.max_body);
  if (plain) {
    sight.response.body = std::move(*plain);
  } else {
    sight.body_failure = std::move(plain).error();
    sight.response.body.clear();
  }
}

}  // namespace tocsin::probes::http
