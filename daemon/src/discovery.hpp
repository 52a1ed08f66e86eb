// Targets that are not in the configuration but found: in files that others write, by the name service, and the nodes
// of a Redis Cluster by its seeds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/log.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon {

struct DiscoveryStatus {
  std::string job;
  std::string mechanism;  // "file", "dns", "cluster"
  std::size_t targets = 0;
  std::uint64_t failures = 0;
  std::size_t refused = 0;  // found, but no target could be made of it
};

/// Looks for the targets of all jobs, each at its own pace, on one loop. What was found stands until something else is
/// found: a file that cannot be read, a name service that is silent, takes no target away.
class Discovery {
 public:
  /// `changed` is called on the loop when `targets` would say something new.
  Discovery(net::Loop& loop, net::BlockingPool& pool, net::Connector& connector, Log log,
            std::function<void()> changed);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  /// On the loop: what to look for from now on. What a job had found stays, as long as the job is written as it was.
  void configure(const Config& config);
  /// The configured targets and the found ones. A seed of a cluster stands for the nodes that were found by it; of two
  /// targets with one job and instance the first one counts.
  [[nodiscard]] std::vector<TargetConfig> targets() const;
  [[nodiscard]] std::vector<DiscoveryStatus> status() const;
  /// Ends every search.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::daemon
