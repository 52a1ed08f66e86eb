#include "src/reach.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::probes {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

namespace {

constexpr std::size_t max_addresses = 4;  // of one name that are tried

}  // namespace

Failure in_phase(Failure failure, Phase phase) {
  if (failure.phase == Phase::none) failure.phase = phase;
  return failure;
}

void keep_wanted(std::vector<net::Endpoint>& addresses, IpProtocol wanted) {
  if (wanted == IpProtocol::any) return;
  const bool v6 = wanted == IpProtocol::v6 || wanted == IpProtocol::prefer_v6;
  const auto fits = [v6](const net::Endpoint& address) { return address.v6 == v6; };
  const auto rest = std::stable_partition(addresses.begin(), addresses.end(), fits);
  const bool strict = wanted == IpProtocol::v4 || wanted == IpProtocol::v6;
  if (strict || rest != addresses.begin()) addresses.erase(rest, addresses.end());
}

std::optional<net::Endpoint> known_address(const std::string& host, std::uint16_t port, IpProtocol wanted) {
  const auto address = net::numeric_endpoint(host, port);
  const bool strict = wanted == IpProtocol::v4 || wanted == IpProtocol::v6;
  if (!address || (strict && address->v6 != (wanted == IpProtocol::v6))) return std::nullopt;
  return address;
}

net::Task<Result<std::vector<net::Endpoint>>> find_addresses(net::Connector& connector, std::string host,
                                                             std::uint16_t port, IpProtocol wanted,
                                                             core::Deadline deadline, std::chrono::nanoseconds* took) {
  const auto began = steady_now();
  auto addresses = co_await connector.resolve(std::move(host), port, deadline);
  *took = steady_now() - began;
  if (!addresses) co_return in_phase(addresses.error(), Phase::resolve);
  keep_wanted(*addresses, wanted);
  if (addresses->empty()) {
    co_return Failure{Outcome::resolve, Phase::resolve, "the name has no address of the wanted IP version"};
  }
  co_return addresses;
}

net::Task<Result<Connected>> connect_one(net::Connector& connector, std::vector<net::Endpoint> addresses,
                                         core::Deadline deadline, net::ConnectOptions options) {
  const std::size_t count = std::min(addresses.size(), max_addresses);
  const auto began = steady_now();
  for (std::size_t at = 0;; ++at) {
    const auto here = steady_now();
    const auto part = (deadline - here) / static_cast<int>(count - at);
    net::Attempt attempt = connector.begin(addresses[at], std::min(deadline, here + part), options);
    if (!attempt.settled) {
      auto waited = co_await connector.finish(std::move(attempt));
      attempt.settled = std::move(waited);
    }
    auto& stream = *attempt.settled;
    if (stream) {
      Connected connected;
      connected.stream = std::move(*stream);
      connected.stream->expires_at(deadline);
      connected.address = addresses[at];
      connected.took = steady_now() - began;
      co_return Result<Connected>(std::move(connected));
    }
    if (at + 1 == count || steady_now() >= deadline) co_return in_phase(stream.error(), Phase::connect);
  }
}

}  // namespace tocsin::probes
