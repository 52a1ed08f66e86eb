#include "redis/cluster.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "redis/series.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::probes::redis {
namespace {

using redis_cluster::Node;

constexpr std::size_t most_nodes = 1'000;
constexpr std::size_t longest_host = 255;

std::optional<std::uint16_t> port_of(std::optional<double> number) {
  if (!number || !(*number >= 1) || *number > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

/// Where a node is that names this host: the empty name, and "?" (it prefers names and has none), stand for the one
/// that was asked.
net::Address address(std::string_view host, std::uint16_t port, const Reached& reached) {
  net::Address found;
  found.port = port;
  if (!host.empty() && host != "?") {
    found.host = host;
  } else {
    found.host = reached.asked.unix_socket ? "127.0.0.1" : reached.asked.host;
  }
  return found;
}

bool is_host(std::string_view host) {
  const auto fits = [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != '@' && c != '"'; };
  return host.size() <= longest_host && std::ranges::all_of(host, fits);
}

std::string_view first_of(std::initializer_list<std::string_view> hosts) {
  for (const auto host : hosts) {
    if (!host.empty() && host != "?") return host;
  }
  return {};
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

std::string_view next(std::string_view& text, char end) {
  const auto at = text.find(end);
  const auto found = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return found;
}

std::optional<Node> node_of_shard(const Reply& node, const Reached& reached) {
  auto port = port_of(node.get("port").number());
  const auto tls_port = port_of(node.get("tls-port").number());
  if (!port || (reached.tls && tls_port)) port = tls_port;
  // An endpoint that is nil says: where it was asked. One that is not there at all: an old server.
  const auto endpoint = node.get("endpoint");
  const auto host = endpoint.is_text() ? first_of({endpoint.text(), node.get("ip").text()}) : std::string_view();
  if (!port || !is_host(host)) return std::nullopt;
  Node found;
  found.address = address(host, *port, reached);
  found.id = label_text(node.get("id").text());
  const auto role = node.get("role").text();
  found.primary = role == "master" || role == "primary";
  found.failed = node.get("health").text() == "fail";
  return found;
}

std::optional<Node> node_of_line(std::string_view line, const Reached& reached) {
  // id ip:port@bus[,hostname[,name=value...]] flags primary ping pong epoch link slots...
  Node found;
  found.id = label_text(next(line, ' '));
  std::string_view where = next(line, ' ');
  const auto flags = next(line, ' ');
  const auto primary = next(line, ' ');
  std::string_view endpoint = next(where, ',');
  const auto name = next(where, ',');
  endpoint = endpoint.substr(0, endpoint.find('@'));
  const auto colon = endpoint.rfind(':');
  if (colon == std::string_view::npos || has_word(flags, "noaddr") || has_word(flags, "handshake")) return std::nullopt;
  auto port = core::parse_number<std::uint16_t>(endpoint.substr(colon + 1)).value_or(0);
  while (!where.empty()) {
    const auto extra = next(where, ',');
    if (!reached.tls || !extra.starts_with("tls-port=")) continue;
    const auto tls_port = core::parse_number<std::uint16_t>(extra.substr(9)).value_or(0);
    if (tls_port != 0) port = tls_port;
  }
  const auto host = first_of({endpoint.substr(0, colon), name});
  if (port == 0 || !is_host(host)) return std::nullopt;
  found.address = address(host, port, reached);
  found.primary = has_word(flags, "master");
  found.failed = has_word(flags, "fail");
  if (primary != "-") found.primary_id = label_text(primary);
  return found;
}

std::optional<Node> node_of_slot(const Reply& node, const Reached& reached) {
  const auto port = port_of(node[1].number());
  const auto host = node[0].text();  // nil: where it was asked
  if (!node.is_list() || !port || !is_host(host)) return std::nullopt;
  Node found;
  found.address = address(host, *port, reached);
  found.id = label_text(node[2].text());
  return found;
}

}  // namespace

Nodes nodes_of_shards(const Reply& reply, const Reached& reached) {
  Nodes nodes;
  for (const Reply shard : reply) {
    const std::size_t first = nodes.size();
    std::string primary;
    for (const Reply one : shard.get("nodes")) {
      auto node = node_of_shard(one, reached);
      if (!node || nodes.size() >= 2 * most_nodes) continue;
      if (node->primary && !node->failed) primary = node->id;
      nodes.push_back(std::move(*node));
    }
    for (std::size_t i = first; i < nodes.size(); ++i) {
      if (!nodes[i].primary) nodes[i].primary_id = primary;
    }
  }
  tidy(nodes);
  return nodes;
}

Nodes nodes_of_text(std::string_view text, const Reached& reached) {
  Nodes nodes;
  while (!text.empty() && nodes.size() < 2 * most_nodes) {
    auto line = next(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto node = node_of_line(line, reached)) nodes.push_back(std::move(*node));
  }
  tidy(nodes);
  return nodes;
}

Nodes nodes_of_slots(const Reply& reply, const Reached& reached) {
  Nodes nodes;
  for (const Reply range : reply) {
    // The first and the last slot, the primary, the replicas.
    std::string primary;
    std::size_t place = 0;
    for (const Reply one : range) {
      if (place++ < 2 || nodes.size() >= 20 * most_nodes) continue;
      auto node = node_of_slot(one, reached);
      if (!node) continue;
      node->primary = place == 3;
      if (node->primary) {
        primary = node->id;
      } else {
        node->primary_id = primary;
      }
      nodes.push_back(std::move(*node));
    }
  }
  tidy(nodes);
  return nodes;
}

void tidy(Nodes& nodes) {
  const auto key = [](const Node& node) { return std::tie(node.address.host, node.address.port); };
  // One that is well before one that failed: an address may have been given to a new node.
  std::ranges::stable_sort(
      nodes, [&](const Node& a, const Node& b) { return std::tuple(key(a), a.failed) < std::tuple(key(b), b.failed); });
  const auto same = [&](const Node& a, const Node& b) { return key(a) == key(b); };
  nodes.erase(std::unique(nodes.begin(), nodes.end(), same), nodes.end());
  if (nodes.size() > most_nodes) nodes.resize(most_nodes);
}

}  // namespace tocsin::probes::redis
