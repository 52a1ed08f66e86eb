#include "tocsin/probes/srv.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "dns/ask.hpp"
#include "dns/judge.hpp"
#include "dns/message.hpp"
#include "src/reach.hpp"
#include "tocsin/net/random.hpp"

namespace tocsin::probes {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;
using Records = std::vector<ServiceRecord>;

namespace {

constexpr std::size_t max_servers = 3;
constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t srv_type = 33;

std::optional<net::Endpoint> server_of(std::string text) {
  net::Endpoint endpoint;
  endpoint.port = dns_port;
  if (::inet_pton(AF_INET, text.c_str(), endpoint.bytes.data()) == 1) return endpoint;
  const std::size_t percent = text.find('%');
  if (percent != std::string::npos) {
    endpoint.scope = ::if_nametoindex(text.c_str() + percent + 1);
    text.resize(percent);
  }
  endpoint.v6 = true;
  if (::inet_pton(AF_INET6, text.c_str(), endpoint.bytes.data()) != 1) return std::nullopt;
  return endpoint;
}

/// What a server said, over UDP or else TCP.
net::Task<Result<dns::Reply>> ask(net::Connector& connector, net::Executor executor, net::Endpoint server,
                                  const std::string& query, core::Deadline deadline) {
  core::Deadline connected;
  auto bytes = co_await dns::ask_udp(executor, server, std::nullopt, query, deadline, &connected);
  const bool cut = !bytes && bytes.error().outcome == Outcome::limit;
  if (!bytes && !cut) co_return bytes.error();
  auto reply = cut ? Result<dns::Reply>(bytes.error()) : dns::read_reply(*bytes, {});
  // A reply that was cut may end in the middle of a record.
  const bool truncated = cut || (bytes->size() > 2 && (static_cast<unsigned char>((*bytes)[2]) & 2U) != 0);
  if (!truncated) co_return reply;
  auto stream = co_await connector.connect(server, deadline);
  if (!stream) co_return stream.error();
  (*stream)->expires_at(deadline);
  bytes = co_await dns::ask_stream(**stream, query);
  if (!bytes) co_return bytes.error();
  co_return dns::read_reply(*bytes, {});
}

Result<Records> records_of(const dns::Reply& reply, const std::string& name) {
  if (reply.rcode != 0) {
    return Failure{Outcome::resolve, Phase::resolve,
                   "the name server's answer for " + name + " is " + dns::rcode_name(reply.rcode)};
  }
  if (reply.services.empty()) {
    return Failure{Outcome::resolve, Phase::resolve, name + " has no SRV records"};
  }
  Records records;
  for (const dns::Service& service : reply.services) {
    if (service.host == ".") continue;  // "decidedly not available here"
    records.push_back({service.host, service.port, service.priority, service.weight, service.ttl});
  }
  return records;
}

}  // namespace

std::vector<net::Endpoint> name_servers(std::string_view resolv_conf) {
  std::vector<net::Endpoint> servers;
  constexpr std::string_view blanks = " \t\r";
  while (!resolv_conf.empty() && servers.size() < max_servers) {
    std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
    resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
    constexpr std::string_view word = "nameserver";
    if (!line.starts_with(word)) continue;
    line.remove_prefix(word.size());
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    if (const auto server = server_of(std::string(line.substr(0, line.find_first_of(blanks))))) {
      servers.push_back(*server);
    }
  }
  if (servers.empty()) servers.push_back(*server_of("127.0.0.1"));
  return servers;
}

net::Task<Result<Records>> resolve_srv(net::Connector& connector, net::Executor executor, std::string name,
                                       std::vector<net::Endpoint> servers, core::Deadline deadline) {
  std::array<char, 2> id{};
  net::fill_random(id);
  dns::Question question;
  question.name = name;
  question.type = srv_type;
  const unsigned number = static_cast<unsigned char>(id[0]) * 256U + static_cast<unsigned char>(id[1]);
  const auto query = dns::write_query(question, static_cast<std::uint16_t>(number));
  if (!query) co_return Failure{Outcome::resolve, Phase::resolve, query.error().detail};
  Failure last{Outcome::resolve, Phase::resolve, "there is no name server to ask for " + name};
  std::size_t left = servers.size();
  for (const net::Endpoint& server : servers) {
    const auto here = steady_now();
    const auto part = here + (deadline - here) / static_cast<int>(left--);
    const auto reply = co_await ask(connector, executor, server, *query, part);
    if (!reply) {
      last = reply.error();
      if (last.outcome == Outcome::cancelled) co_return last;
      last.detail = "looking for " + name + ": " + last.detail;
      continue;
    }
    // A server that cannot tell leaves it to the next one.
    constexpr unsigned nxdomain = 3;
    auto records = records_of(*reply, name);
    if (records || reply->rcode == 0 || reply->rcode == nxdomain) co_return records;
    last = records.error();
  }
  if (last.outcome != Outcome::timeout) last.outcome = Outcome::resolve;
  last.phase = Phase::resolve;
  co_return last;
}

net::Task<Result<Records>> resolve_srv(net::Connector& connector, net::Executor executor, std::string name,
                                       core::Deadline deadline) {
  std::ifstream file("/etc/resolv.conf");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto servers = name_servers(text);
  co_return co_await resolve_srv(connector, std::move(executor), std::move(name), std::move(servers), deadline);
}

}  // namespace tocsin::probes
