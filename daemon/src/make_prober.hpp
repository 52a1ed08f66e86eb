// From a target's configuration to the prober of its kind: the one place that knows the kinds.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tocsin/daemon/config/config.hpp"
#include "tocsin/probes/prober.hpp"
#include "tocsin/probes/push.hpp"

namespace tocsin::daemon {

/// What probers of the process share.
struct ProberTools {
  // NOLINTNEXTLINE(google-explicit-constructor): most kinds need no more
  ProberTools(net::Connector& connector_, net::BlockingPool* files_ = nullptr, probes::PushBox* pushes_ = nullptr)
      : connector(connector_), files(files_), pushes(pushes_) {}
  net::Connector& connector;
  net::BlockingPool* files;  // where file systems are asked; may hang
  probes::PushBox* pushes;
  /// What series of all targets are called; copies share it.
  std::shared_ptr<core::TextPool> texts = std::make_shared<core::TextPool>();
};

/// Throws std::invalid_argument where the kind needs a tool that is not there (`needs_tools`).
[[nodiscard]] std::unique_ptr<probes::Prober> make_prober(ProberTools tools, const net::Executor& executor,
                                                          std::uint32_t id, const TargetConfig& config);
/// Whether this target's kind needs more than a connector.
[[nodiscard]] bool needs_tools(const TargetConfig& config);

/// TYPE and HELP of what a kind gives; of all kinds for an empty name (a metric may come more than once).
[[nodiscard]] std::vector<core::MetricMeta> metadata_of(std::string_view kind);

}  // namespace tocsin::daemon
