// Relabelling rules as Prometheus's configuration writes them.
#pragma once

#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/core/relabel.hpp"

namespace tocsin::daemon {

[[nodiscard]] core::Section<core::RelabelRule> relabel_table();
/// The list that a key such as `metric_relabel_configs` has.
[[nodiscard]] core::Type<std::vector<core::RelabelRule>> relabel_rules();

}  // namespace tocsin::daemon
