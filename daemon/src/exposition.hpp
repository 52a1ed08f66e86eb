// The targets' latest values in Prometheus's text format (version 0.0.4).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tocsin/core/observation.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

/// TYPE and HELP by metric name, of all kinds that are built in.
using Metadata = std::map<std::string, core::MetricMeta, std::less<>>;
[[nodiscard]] Metadata all_metadata();

/// Every live series that a probe gave, as of `now`, with its job and instance; what rules record, ALERTS and tocsin's own are left out.
[[nodiscard]] std::string expose_targets(const store::View& view, const Metadata& metadata, core::TimePoint now);

}  // namespace tocsin::daemon
