// The nodes of a cluster, out of what one of them says. No I/O here.
#pragma once

#include <string_view>
#include <vector>

#include "redis/resp.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/redis_cluster.hpp"

namespace tocsin::probes::redis {

using Nodes = std::vector<redis_cluster::Node>;

/// How the nodes are to be reached: a node without a host of its own is at `asked`; TLS has ports of its own.
struct Reached {
  net::Address asked;
  bool tls = false;
};

/// CLUSTER SHARDS (since 7.0).
[[nodiscard]] Nodes nodes_of_shards(const Reply& reply, const Reached& reached);
/// CLUSTER NODES: a line a node.
[[nodiscard]] Nodes nodes_of_text(std::string_view text, const Reached& reached);
/// CLUSTER SLOTS: what proxies and look-alikes have, too.
[[nodiscard]] Nodes nodes_of_slots(const Reply& reply, const Reached& reached);

/// Sorted by address, each address once, at most 1,000.
void tidy(Nodes& nodes);

}  // namespace tocsin::probes::redis
