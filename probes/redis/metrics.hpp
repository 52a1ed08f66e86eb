// Which metric each field of INFO becomes: redis_exporter's names and types.
#pragma once

#include <span>
#include <string_view>

#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// A field of INFO that is one number (or a word that stands for one) and needs no label.
struct Field {
  std::string_view key;
  core::MetricMeta metric;
  double divisor = 1;  // what the server counts in, divided by this, is what the metric is in
};

/// The field of that key, or null.
[[nodiscard]] const Field* find_field(std::string_view key);
[[nodiscard]] std::span<const Field> all_fields();
/// All that a Redis probe can give, apart from the fields of CLUSTER INFO that pass through under their own names.
[[nodiscard]] std::span<const core::MetricMeta> all_metrics();

}  // namespace tocsin::probes::redis
