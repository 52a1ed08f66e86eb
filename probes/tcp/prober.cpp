// The driver: connects, speaks TLS, and walks through the dialog.
#include <utility>

#include "src/dialog.hpp"
#include "src/observe.hpp"
#include "src/reach.hpp"
#include "tcp/lines.hpp"
#include "tcp/series.hpp"
#include "tocsin/probes/tcp.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using tcp::Lines;
using tcp::Sight;
using MaybeFailure = std::optional<Failure>;

constexpr std::size_t max_heard =
    1024 * 1024;                        // bytes in one dialog: a peer that never ends must not keep the loop busy
constexpr std::size_t max_series = 64;  // of one target; the fixed ones are half of that

/// The peer opens its mouth first.
bool listens_first(const TcpOptions& options) {
  if (options.tls || options.dialog.empty()) return false;
  return !options.dialog.front().expect.empty() || !options.dialog.front().expect_bytes.empty();
}

class TcpProber final : public Prober {
 public:
  TcpProber(net::Connector& connector, Identity identity, TcpOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        dialog_(options_.dialog),
        rows_{tcp::Series(identity_.base, options_.address.unix_socket), CommonMetrics(identity_.base),
              core::SeriesTable(max_series)} {
    connect_options_.source = options_.source;
    connect_options_.peer_speaks_first = listens_first(options_);
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
    const auto began = steady_now();
    std::unique_ptr<net::Stream> stream;
    if (options_.address.unix_socket) {
      auto connected = co_await connector_.connect_unix(options_.address.host, deadline);
      if (!connected) co_return in_phase(connected.error(), Phase::connect);
      stream = std::move(*connected);
      stream->expires_at(deadline);
      sight.phases[tcp::phase_connect] = steady_now() - began;
    } else {
      auto addresses = co_await find_addresses(connector_, options_.address.host, options_.address.port,
                                               options_.ip_protocol, deadline, &sight.lookup);
      sight.phases[tcp::phase_resolve] = sight.lookup;
      if (!addresses) co_return addresses.error();
      sight.address = addresses->front();
      auto connected = co_await connect_one(connector_, std::move(*addresses), deadline, connect_options_);
      if (!connected) co_return connected.error();
      sight.address = connected->address;
      sight.phases[tcp::phase_connect] = connected->took;
      stream = std::move(connected->stream);
    }
    if (options_.tls) {
      auto failure = co_await start_tls(*stream, sight);
      if (failure) co_return failure;
    }
    const auto talk_began = steady_now();
    const auto tls_before = sight.phases[tcp::phase_tls];
    auto failure = co_await talk(*stream, sight);
    const auto in_tls = sight.phases[tcp::phase_tls] - tls_before;
    if (!dialog_.steps().empty()) sight.phases[tcp::phase_dialog] = steady_now() - talk_began - in_tls;
    stream->close();
    co_return failure;
  }

  net::Task<MaybeFailure> start_tls(net::Stream& stream, Sight& sight) {
    const auto began = steady_now();
    const auto done = co_await stream.start_tls(options_.tls_options, host());
    if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
    if (!done) co_return in_phase(done.error(), Phase::tls);
    sight.phases[tcp::phase_tls] += steady_now() - began;
    co_return std::nullopt;
  }

  [[nodiscard]] std::string host() const {
    return options_.address.unix_socket ? std::string("localhost") : options_.address.host;
  }

  net::Task<MaybeFailure> talk(net::Stream& stream, Sight& sight) {
    Lines lines;
    std::size_t heard = 0;
    for (std::size_t at = 0; at < dialog_.steps().size(); ++at) {
      const DialogStep& step = dialog_.steps()[at];
      std::string send = step.send;
      if (!step.expect_bytes.empty()) {
        auto failure = co_await expect_bytes(stream, lines, heard, step.expect_bytes, sight);
        if (failure) co_return failure;
      }
      if (!step.expect.empty()) {
        auto failure = co_await expect_line(stream, lines, heard, at, send, sight);
        if (failure) co_return failure;
      }
      if (!send.empty()) {
        send += '\n';
        const auto sent = co_await stream.write(send);
        if (!sent) co_return in_phase(sent.error(), Phase::send);
      }
      if (!step.start_tls) continue;
      if (!lines.empty()) {
        co_return Failure{Outcome::protocol, Phase::tls, "the peer went on in the clear after it agreed to TLS"};
      }
      auto failure = co_await start_tls(stream, sight);
      if (failure) co_return failure;
    }
    co_return std::nullopt;
  }

  /// Reads lines until one matches; `send` becomes what is to be said then.
  net::Task<MaybeFailure> expect_line(net::Stream& stream, Lines& lines, std::size_t& heard, std::size_t step,
                                      std::string& send, Sight& sight) {
    const std::string& wanted = dialog_.steps()[step].expect;
    std::string last;  // of what was said, for the message; no more than is shown
    bool ended = false;
    while (true) {
      const auto line = ended ? lines.last_line() : lines.line();
      if (line) {
        if (auto reply = dialog_.match(step, *line)) {
          sight.failed_by_regex = false;
          send = std::move(reply->send);
          if (!dialog_.steps()[step].labels.empty()) note(std::move(reply->labels), sight);
          co_return std::nullopt;
        }
        last.assign(line->substr(0, most_shown + 1));
        continue;
      }
      if (ended) {
        sight.failed_by_regex = true;
        const Outcome outcome = last.empty() ? Outcome::closed : Outcome::unexpected;
        co_return Failure{outcome, Phase::expect, not_said(wanted, last, " before the peer closed the connection")};
      }
      if (lines.full()) {
        co_return Failure{Outcome::limit, Phase::expect, "the peer sent a line of more than 64 KiB"};
      }
      auto failure = co_await hear(stream, lines, heard);
      if (!failure) continue;
      if (failure->outcome == Outcome::closed && stream.ended()) {
        ended = true;
        continue;
      }
      failure->detail = not_said(wanted, last, ": " + failure->detail);
      co_return failure;
    }
  }

  net::Task<MaybeFailure> expect_bytes(net::Stream& stream, Lines& lines, std::size_t& heard, const std::string& wanted,
                                       Sight& sight) {
    while (true) {
      if (const auto got = lines.bytes(wanted.size())) {
        sight.failed_by_bytes = *got != wanted;
        if (!sight.failed_by_bytes) co_return std::nullopt;
        co_return Failure{Outcome::unexpected, Phase::expect, "expected " + shown(wanted) + ", got " + shown(*got)};
      }
      auto failure = co_await hear(stream, lines, heard);
      if (failure) co_return failure;
    }
  }

  static net::Task<MaybeFailure> hear(net::Stream& stream, Lines& lines, std::size_t& heard) {
    if (heard >= max_heard) co_return Failure{Outcome::limit, Phase::expect, "the peer said more than 1 MiB"};
    const auto size = co_await stream.read_some(lines.space());
    if (!size) {
      Failure failure = size.error();
      failure.phase = Phase::expect;
      co_return failure;
    }
    lines.filled(*size);
    heard += *size;
    co_return std::nullopt;
  }

  static std::string not_said(const std::string& wanted, const std::string& last, const std::string& why) {
    return "no line matched '" + wanted + "'" + why + (last.empty() ? "" : "; the last line was " + shown(last));
  }

  /// Of several steps with labels the later ones add to what the earlier ones gave.
  static void note(std::vector<core::Label> labels, Sight& sight) {
    sight.matched_info = true;
    for (core::Label& label : labels) sight.expect_info.push_back(std::move(label));
  }

  net::Connector& connector_;
  Identity identity_;
  TcpOptions options_;
  net::ConnectOptions connect_options_;
  Dialog dialog_;
  Rows<tcp::Series> rows_;
};

}  // namespace

std::unique_ptr<Prober> make_tcp_prober(net::Connector& connector, net::Executor /*executor*/, Identity identity,
                                        TcpOptions options) {
  return std::make_unique<TcpProber>(connector, std::move(identity), std::move(options));
}

}  // namespace tocsin::probes
