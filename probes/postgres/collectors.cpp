// All collectors there are.
#include <algorithm>

#include "postgres/collector.hpp"
#include "postgres/special.hpp"
#include "postgres/table_collector.hpp"

namespace tocsin::probes {
namespace postgres {
namespace {

using SpecList = std::span<const TableSpec> (*)();
constexpr SpecList all_specs[] = {server_specs,   activity_specs, replication_specs,
                                  database_specs, relation_specs, bloat_specs};

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_on(const PostgresOptions& options, std::string_view name, bool by_default) {
  return contains(options.collectors_on, name) || (by_default && !contains(options.collectors_off, name));
}

std::vector<core::MetricMeta> make_metadata() {
  std::vector<core::MetricMeta> all;
  for (const auto specs : all_specs) {
    for (const TableSpec& spec : specs()) {
      for (const ValueColumn& value : spec.values) all.push_back(value.metric);
    }
  }
  for (const SpecialCollector& special : special_collectors()) {
    all.insert(all.end(), special.metrics.begin(), special.metrics.end());
  }
  const auto legacy = legacy_metrics();
  all.insert(all.end(), legacy.begin(), legacy.end());
  return all;
}

std::vector<PostgresCollectorName> make_names() {
  std::vector<PostgresCollectorName> names;
  for (const auto specs : all_specs) {
    for (const TableSpec& spec : specs()) names.push_back({spec.name, spec.default_on});
  }
  for (const SpecialCollector& special : special_collectors()) names.push_back({special.name, special.default_on});
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return names;
}

}  // namespace

std::vector<std::unique_ptr<Collector>> make_collectors(const PostgresOptions& options) {
  PostgresOptions kept = options;
  kept.password = {};
  kept.queries.clear();
  const auto shared = std::make_shared<const PostgresOptions>(std::move(kept));
  std::vector<std::unique_ptr<Collector>> collectors;
  for (const auto specs : all_specs) {
    for (const TableSpec& spec : specs()) {
      if (is_on(options, spec.name, spec.default_on)) {
        collectors.push_back(std::make_unique<TableCollector>(spec, shared));
      }
    }
  }
  for (const SpecialCollector& special : special_collectors()) {
    if (is_on(options, special.name, special.default_on)) collectors.push_back(special.make(shared));
  }
  for (const PostgresQuery& query : options.queries) collectors.push_back(make_custom_collector(query));
  return collectors;
}

std::span<const core::MetricMeta> collector_metadata() {
  static const std::vector<core::MetricMeta> all = make_metadata();
  return all;
}

}  // namespace postgres

std::span<const PostgresCollectorName> postgres_collector_names() {
  static const std::vector<PostgresCollectorName> names = postgres::make_names();
  return names;
}

}  // namespace tocsin::probes
