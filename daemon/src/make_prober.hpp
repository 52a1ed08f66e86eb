// From a target's configuration to the prober of its kind: the one place that knows the kinds.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tocsin/daemon/config/config.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::daemon {

[[nodiscard]] std::unique_ptr<probes::Prober> make_prober(net::Connector& connector, const net::Executor& executor,
                                                          std::uint32_t id, const TargetConfig& config);

/// TYPE and HELP of what a kind gives; of all kinds for an empty name (a metric may come more than once).
[[nodiscard]] std::vector<core::MetricMeta> metadata_of(std::string_view kind);

}  // namespace tocsin::daemon
