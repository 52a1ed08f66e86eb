// The driver: finds the name server, asks, and has the answer judged.
#include <array>
#include <stdexcept>
#include <utility>

#include "dns/ask.hpp"
#include "dns/judge.hpp"
#include "dns/series.hpp"
#include "src/observe.hpp"
#include "src/reach.hpp"
#include "tocsin/net/random.hpp"
#include "tocsin/probes/dns.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Phase;
using dns::Sight;
using MaybeFailure = std::optional<Failure>;
using Transport = DnsOptions::Transport;

constexpr std::size_t max_series = 64;  // of one target; the fixed ones are half of that
constexpr std::uint16_t soa = 6;

dns::Question question_of(const DnsOptions& options) {
  return {options.query_name, options.query_type, options.query_class, options.recursion_desired};
}

class DnsProber final : public Prober {
 public:
  DnsProber(net::Connector& connector, net::Executor executor, Identity identity, DnsOptions options)
      : connector_(connector),
        executor_(std::move(executor)),
        identity_(std::move(identity)),
        options_(std::move(options)),
        question_(question_of(options_)),
        judge_(options_),
        rows_{dns::Series(identity_.base, options_.query_type == soa), CommonMetrics(identity_.base),
              core::SeriesTable(max_series)} {
    const auto query = dns::write_query(question_, 0);
    if (!query) throw std::invalid_argument(query.error().detail);
    connect_options_.source = options_.source;
    if (options_.port == 0) options_.port = options_.transport == Transport::tls ? 853 : 53;
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    const auto began = steady_now();
    Sight sight;
    auto failure = co_await ask(start.deadline, sight);
    if (!failure) failure = judge_.judge(*sight.reply);
    sight.failure = std::move(failure);
    co_return observe(identity_, start, began, sight, rows_);
  }

 private:
  net::Task<MaybeFailure> ask(core::Deadline deadline, Sight& sight) {
    auto addresses = co_await find_addresses(connector_, options_.host, options_.port, options_.ip_protocol, deadline,
                                             &sight.lookup);
    if (!addresses) co_return addresses.error();
    sight.phases[dns::phase_resolve] = sight.lookup;
    sight.address = addresses->front();

    std::array<char, 2> id{};
    net::fill_random(id);
    const auto query = dns::write_query(question_, static_cast<std::uint16_t>(static_cast<unsigned char>(id[0]) << 8U |
                                                                              static_cast<unsigned char>(id[1])));
    if (!query) co_return query.error();
    const auto began = steady_now();
    auto connected = began;
    core::Result<std::string> bytes = std::string();
    if (options_.transport == Transport::udp) {
      bytes = co_await dns::ask_udp(executor_, *sight.address, options_.source, *query, deadline, &connected);
    } else {
      bytes = co_await over_stream(std::move(*addresses), *query, deadline, sight, connected);
    }
    const bool reached = connected != began;
    sight.phases[dns::phase_connect] = (reached ? connected : steady_now()) - began;
    if (reached) sight.phases[dns::phase_request] = steady_now() - connected;
    if (!bytes) co_return bytes.error();
    auto reply = dns::read_reply(*bytes, judge_.wanted());
    if (!reply) co_return reply.error();
    sight.reply = std::move(*reply);
    co_return std::nullopt;
  }

  net::Task<core::Result<std::string>> over_stream(std::vector<net::Endpoint> addresses, const std::string& query,
                                                   core::Deadline deadline, Sight& sight, core::Deadline& connected) {
    auto opened = co_await connect_one(connector_, std::move(addresses), deadline, connect_options_);
    if (!opened) co_return opened.error();
    sight.address = opened->address;
    net::Stream& stream = *opened->stream;
    if (options_.transport == Transport::tls) {
      const auto secured = co_await stream.start_tls(options_.tls, options_.host);
      if (const net::TlsInfo* info = stream.tls()) sight.tls = *info;
      if (!secured) co_return in_phase(secured.error(), Phase::tls);
    }
    connected = steady_now();
    auto bytes = co_await dns::ask_stream(stream, query);
    stream.close();
    co_return bytes;
  }

  net::Connector& connector_;
  net::Executor executor_;
  Identity identity_;
  DnsOptions options_;
  net::ConnectOptions connect_options_;
  dns::Question question_;
  dns::Judge judge_;
  Rows<dns::Series> rows_;
};

}  // namespace

std::unique_ptr<Prober> make_dns_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                        DnsOptions options) {
  return std::make_unique<DnsProber>(connector, std::move(executor), std::move(identity), std::move(options));
}

core::Result<void> check_dns(const DnsOptions& options) {
  const auto query = dns::write_query(question_of(options), 0);
  if (!query) return query.error();
  try {
    const dns::Judge judge(options);
    return {};
  } catch (const std::invalid_argument& error) {
    return Failure{core::Outcome::unexpected, Phase::parse, error.what()};
  }
}

}  // namespace tocsin::probes
