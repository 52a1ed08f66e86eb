// The driver: finds the host, sends one echo request and waits for its reply.
#include <algorithm>
#include <array>
#include <utility>

#include "icmp/echo.hpp"
#include "icmp/series.hpp"
#include "src/observe.hpp"
#include "src/reach.hpp"
#include "tocsin/net/ping_socket.hpp"
#include "tocsin/net/random.hpp"
#include "tocsin/probes/icmp.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using icmp::Sight;
using MaybeFailure = std::optional<Failure>;

constexpr std::size_t max_series = 64;        // of one target; the fixed ones are half of that
constexpr int max_strangers = 10'000;         // messages that are no reply to us: a raw socket hears those of all
constexpr std::size_t more_than_asked = 128;  // room for a header, and to see that a reply is too long

class IcmpProber final : public Prober {
 public:
  IcmpProber(net::Connector& connector, net::Executor executor, Identity identity, const IcmpOptions& options)
      : connector_(connector),
        executor_(std::move(executor)),
        identity_(std::move(identity)),
        options_(options),
        rows_{icmp::Series(identity_.base), CommonMetrics(identity_.base), core::SeriesTable(max_series)} {
    ping_options_.ttl = options_.ttl;
    ping_options_.dont_fragment = options_.dont_fragment;
    ping_options_.source = options_.source;
    payload_.resize(std::min(options_.payload_size, IcmpOptions::max_payload));
    constexpr std::string_view text = "tocsin ";
    for (std::size_t i = 0; i < payload_.size(); ++i) payload_[i] = text[i % text.size()];
    net::fill_random(numbers_);
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    Sight sight;
    auto failure = co_await ping(start.deadline, sight);
    sight.failure = std::move(failure);
    co_return observe(identity_, start, began, sight, rows_);
  }

 private:
  net::Task<MaybeFailure> ping(core::Deadline deadline, Sight& sight) {
    auto addresses =
        co_await find_addresses(connector_, options_.host, 0, options_.ip_protocol, deadline, &sight.lookup);
    if (!addresses) co_return addresses.error();
    sight.phases[icmp::phase_resolve] = sight.lookup;
    sight.address = addresses->front();
    const auto began = steady_now();
    auto socket = net::PingSocket::open(executor_, *sight.address, ping_options_);
    if (!socket) co_return socket.error();
    const std::string request = next_request(sight.address->v6);
    const auto sent_at = steady_now();
    sight.phases[icmp::phase_setup] = sent_at - began;
    const auto sent = co_await socket->send(request, deadline);
    if (!sent) co_return sent.error();
    std::string buffer(request.size() + more_than_asked, '\0');
    for (int strangers = 0; strangers <= max_strangers; ++strangers) {
      const auto received = co_await socket->receive(buffer, deadline);
      if (!received) co_return received.error();
      const auto message = std::string_view(buffer).substr(0, received->size);
      if (received->cut || received->from.bytes != sight.address->bytes) continue;
      if (!icmp::is_reply(message, request, sight.address->v6, socket->raw())) continue;
      sight.phases[icmp::phase_rtt] = steady_now() - sent_at;
      sight.hop_limit = received->hop_limit;
      co_return std::nullopt;
    }
    co_return Failure{Outcome::protocol, Phase::receive, "more than 10000 messages came that are no reply to us"};
  }

  /// Sequence numbers count up; identifier and the first bytes of the payload are chance, so that no reply to another
  /// ping, of ours or of another process, is taken for the one to this.
  std::string next_request(bool v6) {
    const auto number = [this](std::size_t at) {
      return static_cast<std::uint16_t>(static_cast<unsigned char>(numbers_[at]) << 8U |
                                        static_cast<unsigned char>(numbers_[at + 1]));
    };
    icmp::Echo echo;
    echo.v6 = v6;
    echo.id = number(0);
    echo.sequence = static_cast<std::uint16_t>(number(2) + count_++);
    net::fill_random(std::span(payload_).first(std::min<std::size_t>(8, payload_.size())));
    return icmp::echo_request(echo, payload_);
  }

  net::Connector& connector_;
  net::Executor executor_;
  Identity identity_;
  IcmpOptions options_;
  net::PingOptions ping_options_;
  std::string payload_;
  std::array<char, 4> numbers_{};  // identifier, and where sequence numbers begin
  unsigned count_ = 0;
  Rows<icmp::Series> rows_;
};

}  // namespace

std::unique_ptr<Prober> make_icmp_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                         IcmpOptions options) {
  return std::make_unique<IcmpProber>(connector, std::move(executor), std::move(identity), options);
}

}  // namespace tocsin::probes
