// The driver: resolves, connects, asks, follows redirects. What the answers mean is decided in judge.cpp and
// request.cpp.
#include <algorithm>
#include <array>
#include <utility>

#include "http/judge.hpp"
#include "http/request.hpp"
#include "http/series.hpp"
#include "src/reach.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using http::Sight;

constexpr unsigned max_redirects = 10;
constexpr std::size_t max_series = 64;  // of one target; the fixed ones are half of that

class HttpProber final : public Prober {
 public:
  HttpProber(net::Connector& connector, Identity identity, HttpOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        home_tls_(options_.tls),
        away_tls_(options_.tls),
        judge_(options_.expect),
        series_(identity_.base),
        common_(identity_.base),
        table_(max_series) {
    home_tls_.server_name = http::server_name(options_);
    // What proves who we are is for the target alone.
    away_tls_.server_name.clear();
    away_tls_.cert_file.clear();
    away_tls_.key_file.clear();
    limits_.body_bytes = options_.max_body;
    if (!http::reads_files(options_)) request_ = http::build_request(options_);
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    Sight sight;
    auto failure = co_await travel(start.deadline, sight);
    sight.failure = std::move(failure);
    sight.took = steady_now() - began;
    co_return observe(start, sight, start.deadline - began);
  }

 private:
  /// Where one request goes to.
  struct Hop {
    const net::Url* url = nullptr;
    const net::HttpRequest* request = nullptr;
    bool home = true;
  };

  net::Task<std::optional<Failure>> travel(core::Deadline deadline, Sight& sight) {
    if (!request_ || http::reads_files(options_)) request_ = http::build_request(options_);
    if (!*request_) co_return request_->error();
    net::Url redirected;
    net::HttpRequest changed;
    Hop hop;
    hop.url = &options_.url;
    hop.request = &request_->value();
    while (true) {
      auto failure = co_await ask(hop, deadline, sight);
      if (failure) co_return failure;
      auto to = http::redirect_of(*hop.url, sight.response);
      if (!to) co_return std::nullopt;
      if (!*to) co_return to->error();
      ++sight.redirects;
      sight.redirect_refused = !options_.follow_redirects || sight.redirects > max_redirects;
      if (!options_.follow_redirects) co_return std::nullopt;
      if (sight.redirect_refused) co_return Failure{Outcome::limit, Phase::receive, "more than 10 redirects"};
      // Once away, the credentials stay behind, even if the way leads home again.
      hop.home = hop.home && http::same_trust(options_.url, **to);
      changed = http::follow(*hop.request, sight.response.status, **to, hop.home);
      redirected = std::move(**to);
      hop.url = &redirected;
      hop.request = &changed;
    }
  }

  net::Task<std::optional<Failure>> ask(Hop hop, core::Deadline deadline, Sight& sight) {
    const bool first = sight.redirects == 0;
    sight.response = {};
    sight.tls_used = false;
    sight.tls.reset();
    std::chrono::nanoseconds took{0};
    auto addresses = co_await find_addresses(connector_, hop.url->host, http::port_of(*hop.url), options_.ip_protocol,
                                             deadline, &took);
    sight.phases.resolve += took;
    if (first) sight.lookup = took;
    if (!addresses) co_return addresses.error();

    if (first) sight.address = addresses->front();
    auto connected = co_await connect_one(connector_, std::move(*addresses), deadline);
    if (!connected) co_return connected.error();
    if (first) sight.address = connected->address;
    sight.phases.connect += connected->took;
    net::Stream& stream = *connected->stream;
    const bool tls = hop.url->scheme == "https";
    if (tls) {
      const auto began = steady_now();
      const net::TlsOptions& options = hop.home ? home_tls_ : away_tls_;
      const auto done = co_await stream.start_tls(options, hop.url->host);
      if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
      if (!done) co_return in_phase(done.error(), Phase::tls);
      sight.phases.tls += steady_now() - began;
    }
    auto failure = co_await exchange(stream, *hop.request, sight);
    sight.tls_used = tls && sight.response.status != 0;
    stream.close();
    co_return failure;
  }

  net::Task<std::optional<Failure>> exchange(net::Stream& stream, const net::HttpRequest& request, Sight& sight) {
    net::ExchangeTimes times;
    const auto began = steady_now();
    auto response = co_await net::exchange(stream, request, limits_, &times, &sight.response);
    if (times.first_byte) {
      sight.phases.processing += *times.first_byte - began;
      if (times.done) sight.phases.transfer += *times.done - *times.first_byte;
    }
    if (!response) {
      http::drop_headless(sight.response, limits_.body_bytes);
      co_return in_phase(response.error(), times.sent ? Phase::receive : Phase::send);
    }
    sight.response = std::move(*response);
    co_return std::nullopt;
  }

  core::Observation observe(const ProbeStart& start, const Sight& sight, std::chrono::nanoseconds timeout) {
    auto verdict = judge_.judge(sight);
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = sight.took;
    observation.outcome = verdict.outcome;
    observation.phase = verdict.phase;
    table_.begin();
    series_.append(table_, sight, verdict, timeout);
    common_.append(table_, verdict.outcome, sight.took);
    observation.detail = std::move(verdict.detail);
    observation.batch = table_.take();
    return observation;
  }

  net::Connector& connector_;
  Identity identity_;
  HttpOptions options_;
  net::TlsOptions home_tls_;
  net::TlsOptions away_tls_;
  net::HttpLimits limits_;
  std::optional<core::Result<net::HttpRequest>> request_;  // built once, unless part of it stands in files
  http::Judge judge_;
  http::HttpSeries series_;
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_http_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                         HttpOptions options) {
  return std::make_unique<HttpProber>(connector, std::move(identity), std::move(options));
}

}  // namespace tocsin::probes
