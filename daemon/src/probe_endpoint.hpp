// /probe and /scrape as the exporters answer them: one probe of a target that the caller names, as a page of metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "src/exposition.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::daemon {

/// What a request asks for, or the answer that refuses it.
struct AskedProbe {
  TargetConfig target;
  core::Duration timeout{0};
};
/// Pure. `target` is what could stand under `targets`; `job` (or `module`, or `auth_module`, as the exporters call it)
/// names the job whose `allow_targets` has it. 400 for what is missing or unknown, 403 for what is not allowed.
/// `hostname` is for whom to ask there (http and tcp), as in blackbox_exporter.
/// X-Prometheus-Scrape-Timeout-Seconds shortens the time (half a second is kept for the way back).
[[nodiscard]] std::variant<AskedProbe, net::ServerResponse> read_asked_probe(const net::ServerRequest& request,
                                                                             const Config& config);
/// An observation as a page, without `job` and `instance`: the scraper has its own.
[[nodiscard]] std::string expose_observation(const core::Observation& observation, const Metadata& metadata);

/// Runs what is asked for, on one loop; at most 32 at a time, the next ones are refused with 503.
class ProbeEndpoint {
 public:
  ProbeEndpoint(net::Loop& loop, net::Connector& connector) : loop_(loop), connector_(connector) {}
  [[nodiscard]] net::Task<net::ServerResponse> answer(net::ServerRequest request, const Config& config,
                                                      const Metadata& metadata);
  /// How often somebody asked for a module that there is not. Any thread.
  [[nodiscard]] std::uint64_t unknown_modules() const { return unknown_modules_; }

 private:
  net::Loop& loop_;
  net::Connector& connector_;
  std::size_t running_ = 0;
  std::atomic<std::uint64_t> unknown_modules_ = 0;
};

}  // namespace tocsin::daemon
