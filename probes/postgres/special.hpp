// Collectors whose answers need more than a table of columns.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "postgres/collector.hpp"

namespace tocsin::probes::postgres {

struct SpecialCollector {
  std::string_view name;
  bool default_on = true;
  std::unique_ptr<Collector> (*make)(const std::shared_ptr<const PostgresOptions>& options);
  std::span<const core::MetricMeta> metrics;
};

/// replication_slots, settings, stat_database_conflicts, stat_progress_vacuum, process_idle.
[[nodiscard]] std::span<const SpecialCollector> special_collectors();
/// A question of the operator's.
[[nodiscard]] std::unique_ptr<Collector> make_custom_collector(PostgresQuery query);

/// Whether a name that a server made up (a column, a setting) can be that of a metric: also not too long, since each
/// series carries it.
[[nodiscard]] bool can_be_metric(std::string_view name);

/// A row of pg_settings as a metric.
struct Setting {
  std::string metric;
  double value = 0;
};
/// Names and units as postgres_exporter has them: `.` and `-` become `_`, times are seconds, sizes are bytes, -1 stays.
/// Nothing for what is neither a truth value nor a number.
[[nodiscard]] std::optional<Setting> read_setting(std::string_view name, std::string_view value, std::string_view unit,
                                                  std::string_view vartype);
[[nodiscard]] std::unique_ptr<Collector> make_settings_collector(const std::shared_ptr<const PostgresOptions>& options);
/// The settings of PostgreSQL 12 to 18, by their metrics.
[[nodiscard]] std::span<const core::MetricMeta> setting_metrics();

}  // namespace tocsin::probes::postgres
