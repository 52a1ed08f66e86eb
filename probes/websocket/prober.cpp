// The driver: connects, upgrades, talks and pings.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "http/request.hpp"
#include "src/dialog.hpp"
#include "src/observe.hpp"
#include "src/reach.hpp"
#include "tocsin/net/random.hpp"
#include "tocsin/net/websocket_key.hpp"
#include "tocsin/probes/websocket.hpp"
#include "websocket/frame.hpp"
#include "websocket/series.hpp"
#include "websocket/upgrade.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using websocket::Message;
using websocket::Opcode;
using websocket::Sight;
using MaybeFailure = std::optional<Failure>;

constexpr std::size_t max_series = 64;  // of one target; the fixed ones are half of that
// Of one probe, so that a service that never ends does not keep the loop busy.
constexpr int max_frames = 10'000;
constexpr std::size_t max_beyond_message = 1024 * 1024;
constexpr std::size_t max_error_page = 64 * 1024;  // of an answer that is no upgrade

/// A connection that was upgraded, and what was read of it.
struct Talk {
  Talk(net::Stream& used, std::size_t max_message)
      : stream(used), reader(max_message), may_hear(max_message + max_beyond_message) {}
  net::Stream& stream;
  websocket::Reader reader;
  std::string chunk = std::string(4096, '\0');
  std::size_t may_hear;  // bytes
  int frames = 0;
};

net::Task<MaybeFailure> say(net::Stream& stream, Opcode opcode, std::string_view payload) {
  std::array<char, 4> mask{};
  net::fill_random(mask);
  const std::string frame = websocket::write_frame(opcode, payload, mask);
  const auto sent = co_await stream.write(frame);
  if (!sent) co_return in_phase(sent.error(), Phase::send);
  co_return std::nullopt;
}

/// The next message that is no ping (pings are answered); a close is a failure.
net::Task<core::Result<Message>> hear(Talk& talk) {
  while (true) {
    auto next = talk.reader.next();
    if (!next) co_return next.error();
    if (!*next) {
      if (talk.may_hear == 0) {
        co_return Failure{Outcome::limit, Phase::receive, "the service said more than 1 MiB beside what was asked"};
      }
      const auto room = std::span(talk.chunk).first(std::min(talk.chunk.size(), talk.may_hear));
      const auto size = co_await talk.stream.read_some(room);
      if (!size) co_return in_phase(size.error(), Phase::receive);
      talk.may_hear -= *size;
      talk.reader.add(std::string_view(talk.chunk).substr(0, *size));
      continue;
    }
    if (++talk.frames > max_frames) {
      co_return Failure{Outcome::limit, Phase::receive, "the service sent more than 10000 messages"};
    }
    Message message = std::move(**next);
    if (message.opcode == Opcode::close) {
      const std::string detail = "the service closed the WebSocket " + websocket::close_reason(message.payload);
      co_return Failure{Outcome::closed, Phase::receive, detail};
    }
    if (message.opcode != Opcode::ping) co_return core::Result<Message>(std::move(message));
    auto unanswered = co_await say(talk.stream, Opcode::pong, message.payload);
    if (unanswered) co_return std::move(*unanswered);
  }
}

class WebsocketProber final : public Prober {
 public:
  WebsocketProber(net::Connector& connector, Identity identity, WebsocketOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        secure_(options_.url.scheme == "wss"),
        port_(options_.url.port != 0 ? options_.url.port
              : secure_              ? 443
                                     : 80),
        dialog_(options_.dialog),
        rows_{websocket::Series(identity_.base, secure_), CommonMetrics(identity_.base),
              core::SeriesTable(max_series)} {
    limits_.body_bytes = max_error_page;
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    Sight sight;
    auto failure = co_await ask(start.deadline, sight);
    sight.failure = std::move(failure);
    co_return observe(identity_, start, began, sight, rows_);
  }

 private:
  net::Task<MaybeFailure> ask(core::Deadline deadline, Sight& sight) {
    const std::string key = net::websocket_key();
    const auto request = websocket::upgrade_request(options_, key);
    if (!request) co_return request.error();
    auto addresses =
        co_await find_addresses(connector_, options_.url.host, port_, options_.ip_protocol, deadline, &sight.lookup);
    sight.phases[websocket::phase_resolve] = sight.lookup;
    if (!addresses) co_return addresses.error();
    sight.address = addresses->front();
    auto connected = co_await connect_one(connector_, std::move(*addresses), deadline);
    if (!connected) co_return connected.error();
    sight.address = connected->address;
    sight.phases[websocket::phase_connect] = connected->took;
    net::Stream& stream = *connected->stream;
    if (secure_) {
      const auto began = steady_now();
      const auto done = co_await stream.start_tls(options_.tls, options_.url.host);
      if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
      if (!done) co_return in_phase(done.error(), Phase::tls);
      sight.phases[websocket::phase_tls] = steady_now() - began;
    }
    auto failure = co_await upgrade(stream, *request, key, sight);
    stream.close();
    co_return failure;
  }

  net::Task<MaybeFailure> upgrade(net::Stream& stream, const net::HttpRequest& request, const std::string& key,
                                  Sight& sight) {
    const auto began = steady_now();
    net::ExchangeTimes times;
    net::HttpResponse partial;
    const auto response = co_await net::exchange(stream, request, limits_, &times, &partial);
    if (times.first_byte) sight.phases[websocket::phase_processing] = *times.first_byte - began;
    sight.status = response ? response->status : partial.status;
    const bool unsaid = sight.status == 0 || sight.status == 101;
    if (!response && unsaid) co_return in_phase(response.error(), times.sent ? Phase::receive : Phase::send);
    // Who answers something else than 101 need not have sent all of it.
    auto failure = websocket::check_upgrade(response ? *response : partial, key, options_.subprotocols);
    if (failure) co_return failure;
    sight.upgraded = true;
    Talk talk(stream, options_.max_message);
    talk.reader.add(response->rest);
    failure = co_await converse(talk, sight);
    sight.phases[websocket::phase_transfer] = steady_now() - *times.first_byte;
    if (!failure) {
      constexpr std::string_view normal("\x03\xe8", 2);
      static_cast<void>(co_await say(stream, Opcode::close, normal));
    }
    co_return failure;
  }

  net::Task<MaybeFailure> converse(Talk& talk, Sight& sight) {
    for (std::size_t at = 0; at < dialog_.steps().size(); ++at) {
      const DialogStep& step = dialog_.steps()[at];
      std::string send = step.send;
      if (!step.expect.empty()) {
        auto message = co_await hear_message(talk);
        if (!message) co_return message.error();
        auto reply = dialog_.match(at, message->payload);
        if (!reply) {
          sight.failed_by_regex = true;
          co_return Failure{Outcome::unexpected, Phase::expect,
                            "the message " + shown(message->payload) + " does not match '" + step.expect + "'"};
        }
        send = std::move(reply->send);
      }
      if (send.empty()) continue;
      auto unsent = co_await say(talk.stream, Opcode::text, send);
      if (unsent) co_return unsent;
    }
    if (!options_.ping) co_return std::nullopt;
    std::array<char, 8> chance{};
    net::fill_random(chance);
    const std::string_view payload(chance.data(), chance.size());
    auto unsent = co_await say(talk.stream, Opcode::ping, payload);
    if (unsent) co_return unsent;
    while (true) {
      const auto message = co_await hear(talk);
      if (!message) co_return message.error();
      if (message->opcode == Opcode::pong && message->payload == payload) co_return std::nullopt;
    }
  }

  /// Pongs that nobody asked for are allowed, and mean nothing.
  static net::Task<core::Result<Message>> hear_message(Talk& talk) {
    while (true) {
      auto message = co_await hear(talk);
      if (!message || message->opcode != Opcode::pong) co_return message;
    }
  }

  net::Connector& connector_;
  Identity identity_;
  WebsocketOptions options_;
  bool secure_;
  std::uint16_t port_;
  net::HttpLimits limits_;
  Dialog dialog_;
  Rows<websocket::Series> rows_;
};

}  // namespace

std::unique_ptr<Prober> make_websocket_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                              WebsocketOptions options) {
  return std::make_unique<WebsocketProber>(connector, std::move(identity), std::move(options));
}

}  // namespace tocsin::probes
