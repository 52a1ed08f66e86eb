// From a target's configuration to the prober of its kind: the one place that knows the kinds.
#pragma once

#include <cstdint>
#include <memory>

#include "tocsin/daemon/config/config.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::daemon {

[[nodiscard]] std::unique_ptr<probes::Prober> make_prober(net::Connector& connector, const net::Executor& executor,
                                                          std::uint32_t id, const TargetConfig& config);

}  // namespace tocsin::daemon
