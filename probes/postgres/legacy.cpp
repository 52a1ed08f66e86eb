// Names that postgres_exporter gave in former versions, and that public dashboards still ask for.
#include <algorithm>
#include <array>

#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

struct Alias {
  std::string_view now;
  core::MetricMeta before;
};

constexpr std::string_view no_total = "The same as the metric of this name with _total.";
constexpr std::string_view slots = "The same as pg_replication_slots_...";

constexpr Alias aliases[] = {
    {"pg_replication_lag_seconds", {"pg_replication_lag", gauge, "The same as pg_replication_lag_seconds."}},
    {"pg_replication_slots_safe_wal_size_bytes", {"pg_replication_slot_safe_wal_size_bytes", gauge, slots}},
    {"pg_replication_slots_slot_confirmed_flush_lsn", {"pg_replication_slot_slot_confirmed_flush_lsn", gauge, slots}},
    {"pg_replication_slots_slot_current_wal_lsn", {"pg_replication_slot_slot_current_wal_lsn", gauge, slots}},
    {"pg_replication_slots_slot_is_active", {"pg_replication_slot_slot_is_active", gauge, slots}},
    {"pg_replication_slots_wal_status", {"pg_replication_slot_wal_status", gauge, slots}},
    {"pg_stat_bgwriter_buffers_alloc_total", {"pg_stat_bgwriter_buffers_alloc", counter, no_total}},
    {"pg_stat_bgwriter_buffers_backend_fsync_total", {"pg_stat_bgwriter_buffers_backend_fsync", counter, no_total}},
    {"pg_stat_bgwriter_buffers_backend_total", {"pg_stat_bgwriter_buffers_backend", counter, no_total}},
    {"pg_stat_bgwriter_buffers_checkpoint_total", {"pg_stat_bgwriter_buffers_checkpoint", counter, no_total}},
    {"pg_stat_bgwriter_buffers_clean_total", {"pg_stat_bgwriter_buffers_clean", counter, no_total}},
    {"pg_stat_bgwriter_checkpoint_sync_time_total", {"pg_stat_bgwriter_checkpoint_sync_time", counter, no_total}},
    {"pg_stat_bgwriter_checkpoint_write_time_total", {"pg_stat_bgwriter_checkpoint_write_time", counter, no_total}},
    {"pg_stat_bgwriter_checkpoints_req_total", {"pg_stat_bgwriter_checkpoints_req", counter, no_total}},
    {"pg_stat_bgwriter_checkpoints_timed_total", {"pg_stat_bgwriter_checkpoints_timed", counter, no_total}},
    {"pg_stat_bgwriter_maxwritten_clean_total", {"pg_stat_bgwriter_maxwritten_clean", counter, no_total}},
    {"pg_stat_bgwriter_stats_reset_total", {"pg_stat_bgwriter_stats_reset", counter, no_total}},
};

constexpr auto metas() {
  std::array<core::MetricMeta, std::size(aliases)> found;
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = aliases[i].before;
  return found;
}

constexpr auto all = metas();

}  // namespace

std::string_view legacy_name(std::string_view metric) {
  const auto* found = std::lower_bound(std::begin(aliases), std::end(aliases), metric,
                                       [](const Alias& alias, std::string_view name) { return alias.now < name; });
  return found != std::end(aliases) && found->now == metric ? found->before.name : std::string_view();
}

std::span<const core::MetricMeta> legacy_metrics() { return all; }

void add_with_legacy(Samples& samples, bool legacy, std::string_view metric, std::span<const Samples::Label> labels,
                     double value) {
  samples.add(metric, labels, value);
  if (!legacy) return;
  if (const auto before = legacy_name(metric); !before.empty()) samples.add(before, labels, value);
}

}  // namespace tocsin::probes::postgres
