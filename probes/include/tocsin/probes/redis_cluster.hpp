// Finding the nodes of a Redis Cluster by asking any one of them, so that each becomes a target of its own.
#pragma once

#include <string>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/redis.hpp"

namespace tocsin::probes::redis_cluster {

/// One node as the cluster describes it.
struct Node {
  /// Where it is asked: the endpoint that the cluster announces (a host name where it prefers one), at the port that
  /// fits the way of asking (TLS or not). A node that announces no host is at the host that was asked.
  net::Address address;
  std::string id;          // 40 hex digits; empty where only slots were told (CLUSTER SLOTS before 4.0)
  bool primary = false;    // role
  bool failed = false;     // the cluster takes it for dead; it is still listed, so that it can be seen to be down
  std::string primary_id;  // of a replica: whose
};

/// Asks the node at options.address, with its credentials and TLS, for the others: CLUSTER SHARDS, then NODES, then
/// SLOTS, whatever it knows first. Sorted by address, no address twice, at most 1,000. Nodes without an address (yet)
/// are left out. A server that is no cluster is Outcome::unexpected.
[[nodiscard]] net::Task<core::Result<std::vector<Node>>> discover(net::Connector& connector, RedisOptions options,
                                                                  core::Deadline deadline);

}  // namespace tocsin::probes::redis_cluster
