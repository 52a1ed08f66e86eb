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

void note(const net::ExchangeTimes& times, core::Deadline began, Sight& sight) {
  if (!times.first_byte) return;
  sight.phases.processing += *times.first_byte - began;
  if (times.done) sight.phases.transfer += *times.done - *times.first_byte;
}

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
  proxied_ = options_.proxies.http || options_.proxies.https;
  if (!reads_files(options_)) question_ = build();
}

core::Result<Journey::Question> Journey::build() const {
  auto request = build_request(options_);
  if (!request) return request.error();
  auto message = net::serialize(*request);
  if (!message) return message.error();
  Question question;
  question.request = std::move(*request);
  question.message = std::move(*message);
  return question;
}

net::Task<void> Journey::travel(ProbeStart start, std::optional<net::Endpoint> to, Sight& sight) const {
  const auto began = steady_now();
  sight.at = start.at;
  std::optional<core::Result<Question>> fresh;
  if (!question_) fresh = build();
  const core::Result<Question>& question = fresh ? *fresh : *question_;
  if (question) {
    Hop hop;
    hop.url = &options_.url;
    hop.question = &question.value();
    hop.to = to;
    hop.deadline = start.deadline;
    std::optional<Redirected> redirected;
    do {
      Failed failure = co_await ask(hop, sight);
      sight.failure = std::move(failure);
    } while (!sight.failure && goes_on(hop, redirected, sight));
  } else {
    sight.failure = question.error();
  }
  if (!sight.failure) unpack(sight);
  sight.took = steady_now() - began;
}

/// Whether a redirect is to be followed: then `hop` leads there.
bool Journey::goes_on(Hop& hop, std::optional<Redirected>& redirected, Sight& sight) const {
  auto to = redirect_of(*hop.url, sight.response);
  if (!to) return false;
  if (!*to) {
    sight.failure = to->error();
    return false;
  }
  ++sight.redirects;
  sight.redirect_refused = !options_.follow_redirects || sight.redirects > max_redirects;
  if (!options_.follow_redirects) return false;
  if (sight.redirect_refused) {
    sight.failure = Failure{Outcome::limit, Phase::receive, "more than 10 redirects"};
    return false;
  }
  // Once away, the credentials stay behind, even if the way leads home again.
  hop.home = hop.home && same_trust(options_.url, **to);
  Redirected next;
  next.question.request = follow(hop.question->request, sight.response.status, **to, hop.home);
  next.url = std::move(**to);
  auto message = net::serialize(next.question.request);
  if (!message) {
    sight.failure = in_phase(message.error(), Phase::send);
    return false;
  }
  next.question.message = std::move(*message);
  redirected = std::move(next);
  hop.url = &redirected->url;
  hop.question = &redirected->question;
  hop.to.reset();
  return true;
}

net::Task<Failed> Journey::ask(Hop hop, Sight& sight) const {
  sight.response = {};
  sight.tls_used = false;
  sight.tls.reset();
  hop.proxy = proxied_ ? proxy_for(options_.proxies, *hop.url) : nullptr;
  core::Result<std::vector<net::Endpoint>> found = std::vector<net::Endpoint>();
  if (const auto known = known_address(hop, sight)) {
    found->push_back(*known);
  } else {
    found = co_await addresses(hop, sight);
    if (!found) co_return found.error();
  }
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
  net::ExchangeTimes times;
  const auto began = steady_now();
  Failed failure;
  if (sight.tls && sight.tls->alpn == "h2") {
    failure = co_await exchange_http2(stream, hop, times, sight);
  } else {
    auto proxied = message_through_proxy(hop);
    if (!proxied) co_return proxied.error();
    const net::HttpMessage& message = proxied->bytes.empty() ? hop.question->message : *proxied;
    auto response = co_await net::exchange(stream, message, limits_, &times, &sight.response);
    if (response) {
      sight.response = std::move(*response);
    } else {
      failure = std::move(response).error();
      drop_headless(sight.response, limits_.body_bytes);
    }
  }
  note(times, began, sight);
  sight.tls_used = tls && sight.response.status != 0;
  if (!failure && sight.response.over) {
    stream.retire();
  } else {
    stream.close();
  }
  if (failure) co_return in_phase(std::move(*failure), times.sent ? Phase::receive : Phase::send);
  co_return std::nullopt;
}

/// The address where none is to be looked up.
std::optional<net::Endpoint> Journey::known_address(const Hop& hop, Sight& sight) const {
  if (hop.proxy != nullptr) return std::nullopt;
  if (hop.to) return sight.address = hop.to;
  const auto began = steady_now();
  const auto known = probes::known_address(hop.url->host, port_of(*hop.url), options_.ip_protocol);
  if (!known) return std::nullopt;
  const auto took = steady_now() - began;  // blackbox_exporter shows it, too
  sight.phases.resolve += took;
  if (sight.redirects > 0) return known;
  sight.lookup = took;
  return sight.address = known;
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

net::Task<Failed> Journey::exchange_http2(net::Stream& stream, Hop hop, net::ExchangeTimes& times, Sight& sight) const {
  net::Http2Answer answer;
  const auto done = co_await net::http2_exchange(stream, hop.question->request, "https", limits_, &times, answer);
  sight.response = std::move(answer.response);
  if (!done) co_return done.error();
  co_return std::nullopt;
}

/// Empty where the request goes to the target itself.
core::Result<net::HttpMessage> Journey::message_through_proxy(const Hop& hop) const {
  if (hop.proxy == nullptr || hop.url->scheme != "http") return net::HttpMessage();
  const auto changed = through(*hop.proxy, *hop.url, hop.question->request);
  if (!changed) return changed.error();
  return net::serialize(*changed);
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
