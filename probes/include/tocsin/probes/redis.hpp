// Probing Redis and what speaks like it: INFO (and CONFIG GET where it is allowed) over a kept connection.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

struct RedisOptions {
  net::Address address;
  std::optional<net::TlsOptions> tls;
  std::string user;  // ACL user; empty: password alone (or none)
  core::SecretSource password;
  std::optional<unsigned> database;          // SELECT, where the URL has a path
  std::size_t max_reply = 16 * 1024 * 1024;  // bytes of one reply; more is Outcome::limit
  bool keep_connection = true;               // false: a new connection each probe
};

/// A probe is INFO ALL on a kept connection, with CLUSTER INFO where the server is part of a cluster. CONFIG GET goes
/// with it on a new connection and once a minute, and its values are given in between too; what changes at run time and
/// matters (maxmemory, maxclients) is taken from INFO each time. A server that refuses CONFIG is asked again only by a
/// fresh probe.
[[nodiscard]] std::unique_ptr<Prober> make_redis_prober(net::Connector& connector, net::Executor executor,
                                                        Identity identity, RedisOptions options);
[[nodiscard]] std::span<const core::MetricMeta> redis_metadata();

}  // namespace tocsin::probes
