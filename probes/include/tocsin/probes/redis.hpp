// Probing Redis and what speaks like it (Valkey, KeyDB, Dragonfly, managed ones), Sentinel included.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// What the provider sells and the server may not tell.
struct RedisLimits {
  std::optional<double> memory;   // bytes: redis_memory_max_bytes where the server says 0 or nothing
  std::optional<double> clients;  // connections: redis_config_maxclients where the server says 0 or nothing
  std::optional<double> network;  // bytes a second
  bool operator==(const RedisLimits&) const = default;
};

struct RedisOptions {
  net::Address address;
  std::optional<net::TlsOptions> tls;
  std::string user;  // ACL user; empty: password alone (or none)
  core::SecretSource password;
  std::optional<unsigned> database;          // SELECT, where the URL has a path
  std::size_t max_reply = 16 * 1024 * 1024;  // bytes of one reply; more is Outcome::limit
  std::size_t max_series = 20'000;           // of the target; what is beyond is left out
  bool keep_connection = true;               // false: a new connection each probe
  bool minimal = false;                      // INFO alone (and the keys): as few commands as there can be
  bool latency_histograms = true;            // LATENCY HISTOGRAM: redis_commands_latencies_usec
  /// What commands are called on a server that renamed them: lower-case command (config, info, cluster, latency,
  /// slowlog, commandlog, sentinel, scan, type, ...) to its name there; empty: it is never asked.
  std::map<std::string, std::string> commands;
  /// Keys whose length is asked: `queue:*`, `jobs`, `db3/queue:*` (or, as redis_exporter writes it, `db3=queue:*`). A
  /// name that holds `*`, `?` or `[` is a glob as SCAN's MATCH has it; a backslash in front of one makes it plain.
  std::vector<std::string> keys;
  std::size_t max_keys = 1'000;  // that are measured
  unsigned max_scans = 20;       // SCAN commands a probe, each of COUNT 1000; the next probe goes on
  RedisLimits limits;
  bool cluster = false;  // for whoever makes targets: this one is the seed of a cluster (see redis_cluster.hpp)
};

/// A probe is one write on a kept connection: INFO ALL, and beside it what suits the server: CLUSTER INFO, LATENCY,
/// SLOWLOG, COMMANDLOG, SENTINEL. CONFIG GET goes with it on a new connection and once a minute, and its values are
/// given in between too; what changes at run time and matters (maxmemory, maxclients) is taken from INFO each time. A
/// command that the server refuses is remembered, told as tocsin_redis_command_available, and asked again by fresh
/// probes only, less and less often. Key lengths take further writes.
[[nodiscard]] std::unique_ptr<Prober> make_redis_prober(net::Connector& connector, net::Executor executor,
                                                        Identity identity, RedisOptions options);
[[nodiscard]] std::span<const core::MetricMeta> redis_metadata();

}  // namespace tocsin::probes
