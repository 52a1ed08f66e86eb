#include <algorithm>
#include <array>

#include "postgres/special.hpp"
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using Options = std::shared_ptr<const PostgresOptions>;
using Label = Samples::Label;

std::string_view or_unknown(const Rows::Cell& cell) { return cell.value_or("unknown"); }

// -- replication_slots: one set of metrics by slot and database, one by slot and type.
class SlotsCollector final : public Collector {
 public:
  explicit SlotsCollector(bool legacy) : legacy_(legacy) {}
  std::string_view name() const override { return "replication_slots"; }

  std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const override {
    if (attempt > 1) return std::nullopt;
    const bool safe_size = server.version_num >= 130000;
    if (attempt == 1) return "SELECT slot_name, slot_type, database, active FROM pg_catalog.pg_replication_slots";
    return std::string(R"(
SELECT s.slot_name, s.slot_type, s.database, s.active,
  pg_catalog.pg_wal_lsn_diff(here.lsn, s.restart_lsn) AS behind, pg_catalog.pg_wal_lsn_diff(here.lsn, '0/0') AS current_lsn,
  CASE WHEN s.active THEN pg_catalog.pg_wal_lsn_diff(COALESCE(s.confirmed_flush_lsn, '0/0'), '0/0') END AS flushed_lsn)") +
           (safe_size ? ", s.safe_wal_size, s.wal_status" : "") + R"(
FROM pg_catalog.pg_replication_slots s
CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()
                        ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) AS here
ORDER BY s.slot_name)";
  }

  bool read(const Rows& rows, const ServerInfo&, Samples& samples) const override {
    if (!rows.column("slot_name") || !rows.column("active")) return false;
    for (std::size_t row = 0; row < rows.size(); ++row) read_slot(rows, row, samples);
    return true;
  }

 private:
  void read_slot(const Rows& rows, std::size_t row, Samples& samples) const {
    const auto slot = rows.at(row, "slot_name");
    const std::array by_database{Label{"slot_name", slot.value_or("")},
                                 Label{"database", rows.at(row, "database").value_or("")}};
    const std::array by_type{Label{"slot_name", or_unknown(slot)},
                             Label{"slot_type", or_unknown(rows.at(row, "slot_type"))}};
    const auto give = [&](std::string_view metric, std::string_view column, std::span<const Label> labels) {
      if (const auto value = rows.number(row, column)) add_with_legacy(samples, legacy_, metric, labels, *value);
    };
    give("pg_replication_slots_active", "active", by_database);
    give("pg_replication_slots_pg_wal_lsn_diff", "behind", by_database);
    give("pg_replication_slots_slot_current_wal_lsn", "current_lsn", by_type);
    give("pg_replication_slots_slot_confirmed_flush_lsn", "flushed_lsn", by_type);
    give("pg_replication_slots_slot_is_active", "active", by_type);
    give("pg_replication_slots_safe_wal_size_bytes", "safe_wal_size", by_type);
    if (const auto status = rows.at(row, "wal_status")) {
      const std::array labels{by_type[0], by_type[1], Label{"wal_status", *status}};
      add_with_legacy(samples, legacy_, "pg_replication_slots_wal_status", labels, 1);
    }
  }

  bool legacy_;
};
constexpr core::MetricMeta slots_metrics[] = {
    {"pg_replication_slots_active", gauge, "Whether somebody streams from the slot."},
    {"pg_replication_slots_pg_wal_lsn_diff", gauge, "Bytes of WAL that the slot keeps."},
    {"pg_replication_slots_slot_current_wal_lsn", gauge, "The position in the WAL of this server."},
    {"pg_replication_slots_slot_confirmed_flush_lsn", gauge, "Up to where the consumer has confirmed; while active."},
    {"pg_replication_slots_slot_is_active", gauge, "Whether somebody streams from the slot."},
    {"pg_replication_slots_safe_wal_size_bytes", gauge,
     "Bytes of WAL that can be written before the slot may be lost."},
    {"pg_replication_slots_wal_status", gauge, "Whether the WAL that the slot needs is there; always 1."},
};

// -- stat_database_conflicts: columns that came with later versions pass through without a type.
class ConflictsCollector final : public Collector {
 public:
  std::string_view name() const override { return "stat_database_conflicts"; }

  std::optional<std::string> query(const ServerInfo&, unsigned attempt) const override {
    if (attempt > 0) return std::nullopt;
    return "SELECT * FROM pg_catalog.pg_stat_database_conflicts ORDER BY datid";
  }

  bool read(const Rows& rows, const ServerInfo& server, Samples& samples) const override {
    const auto datid = rows.column("datid");
    const auto datname = rows.column("datname");
    if (!datid || !datname) return false;
    for (std::size_t column = 0; column < rows.columns.size(); ++column) {
      if (column == *datid || column == *datname) continue;
      const std::string metric = "pg_stat_database_conflicts_" + std::string(rows.columns[column]);
      if (!can_be_metric(metric)) continue;
      for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto value = rows.number(row, column);
        if (!value) continue;
        samples.add(
            metric,
            {{"datid", rows.text(row, *datid)}, {"datname", rows.text(row, *datname)}, {"server", server.server}},
            *value);
      }
    }
    return true;
  }
};
constexpr std::string_view conflicts_help = "Queries cancelled because of this kind of conflict with recovery.";
constexpr core::MetricMeta conflicts_metrics[] = {
    {"pg_stat_database_conflicts_confl_tablespace", counter, conflicts_help},
    {"pg_stat_database_conflicts_confl_lock", counter, conflicts_help},
    {"pg_stat_database_conflicts_confl_snapshot", counter, conflicts_help},
    {"pg_stat_database_conflicts_confl_bufferpin", counter, conflicts_help},
    {"pg_stat_database_conflicts_confl_deadlock", counter, conflicts_help},
    {"pg_stat_database_conflicts_confl_active_logicalslot", core::MetricType::unknown, conflicts_help},
};

// -- stat_progress_vacuum. From 17 on the server counts dead tuples' bytes: postgres_exporter gives those under the old
// names, and so do we; what they are is said under names of their own besides.
class VacuumCollector final : public Collector {
 public:
  std::string_view name() const override { return "stat_progress_vacuum"; }

  std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const override {
    if (attempt > 0) return std::nullopt;
    return std::string(R"(
SELECT v.datname, v.phase, v.heap_blks_total, v.heap_blks_scanned, v.heap_blks_vacuumed, v.index_vacuum_count,
  CASE WHEN v.datname = current_database() THEN v.relid::regclass::text ELSE v.relid::text END AS relname,)") +
           (server.version_num >= 170000
                ? " v.max_dead_tuple_bytes AS max_dead, v.dead_tuple_bytes AS num_dead, v.num_dead_item_ids"
                : " v.max_dead_tuples AS max_dead, v.num_dead_tuples AS num_dead") +
           " FROM pg_catalog.pg_stat_progress_vacuum v ORDER BY v.pid";
  }

  bool read(const Rows& rows, const ServerInfo&, Samples& samples) const override {
    if (!rows.column("relname") || !rows.column("phase")) return false;
    for (std::size_t row = 0; row < rows.size(); ++row) read_one(rows, row, samples);
    return true;
  }

 private:
  static void read_one(const Rows& rows, std::size_t row, Samples& samples) {
    static constexpr std::string_view phases[] = {
        "initializing",        "scanning heap",   "vacuuming indexes",       "vacuuming heap",
        "cleaning up indexes", "truncating heap", "performing final cleanup"};
    const std::array labels{Label{"datname", or_unknown(rows.at(row, "datname"))},
                            Label{"relname", or_unknown(rows.at(row, "relname"))}};
    const auto phase = rows.at(row, "phase");
    for (const std::string_view one : phases) {
      const std::array with_phase{labels[0], labels[1], Label{"phase", one}};
      samples.add("pg_stat_progress_vacuum_phase", with_phase, phase == one ? 1 : 0);
    }
    const auto give = [&](std::string_view metric, std::string_view column) {
      samples.add(metric, labels, rows.number(row, column).value_or(0));
    };
    give("pg_stat_progress_vacuum_heap_blks", "heap_blks_total");
    give("pg_stat_progress_vacuum_heap_blks_scanned", "heap_blks_scanned");
    give("pg_stat_progress_vacuum_heap_blks_vacuumed", "heap_blks_vacuumed");
    give("pg_stat_progress_vacuum_index_vacuums", "index_vacuum_count");
    give("pg_stat_progress_vacuum_max_dead_tuples", "max_dead");
    give("pg_stat_progress_vacuum_num_dead_tuples", "num_dead");
    if (!rows.column("num_dead_item_ids")) return;
    give("pg_stat_progress_vacuum_max_dead_tuple_bytes", "max_dead");
    give("pg_stat_progress_vacuum_dead_tuple_bytes", "num_dead");
    give("pg_stat_progress_vacuum_num_dead_item_ids", "num_dead_item_ids");
  }
};
constexpr core::MetricMeta vacuum_metrics[] = {
    {"pg_stat_progress_vacuum_phase", gauge, "1 for the phase that the vacuum is in, 0 for the others."},
    {"pg_stat_progress_vacuum_heap_blks", gauge, "Blocks of the table."},
    {"pg_stat_progress_vacuum_heap_blks_scanned", gauge, "Blocks scanned so far."},
    {"pg_stat_progress_vacuum_heap_blks_vacuumed", gauge, "Blocks vacuumed so far."},
    {"pg_stat_progress_vacuum_index_vacuums", gauge, "Passes over the indexes completed."},
    {"pg_stat_progress_vacuum_max_dead_tuples", gauge,
     "Dead tuples that can be kept in mind until the indexes must be vacuumed; from 17 on bytes."},
    {"pg_stat_progress_vacuum_num_dead_tuples", gauge, "Dead tuples kept in mind; from 17 on bytes."},
    {"pg_stat_progress_vacuum_max_dead_tuple_bytes", gauge,
     "Bytes of dead tuples that can be kept in mind (17 and later)."},
    {"pg_stat_progress_vacuum_dead_tuple_bytes", gauge, "Bytes of dead tuples kept in mind (17 and later)."},
    {"pg_stat_progress_vacuum_num_dead_item_ids", gauge, "Dead tuples kept in mind (17 and later)."},
};

// -- process_idle: a histogram; a row has all buckets of one state and application.
class IdleCollector final : public Collector {
 public:
  std::string_view name() const override { return "process_idle"; }

  std::optional<std::string> query(const ServerInfo&, unsigned attempt) const override {
    if (attempt > 0) return std::nullopt;
    std::string text = "SELECT state, application_name, count(*) AS sessions, sum(seconds) AS seconds";
    for (const std::string_view le : bounds) {
      text += ", count(*) FILTER (WHERE seconds <= " + std::string(le) + ") AS \"" + std::string(le) + '"';
    }
    text += R"( FROM (
  SELECT state, application_name, GREATEST(EXTRACT(epoch FROM clock_timestamp() - state_change), 0) AS seconds
  FROM pg_catalog.pg_stat_activity
  WHERE state LIKE 'idle%' AND state_change IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()) AS idle
GROUP BY 1, 2 ORDER BY 1, 2)";
    return text;
  }

  bool read(const Rows& rows, const ServerInfo&, Samples& samples) const override {
    if (!rows.column("state") || !rows.column("sessions")) return false;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const Label state{"state", or_unknown(rows.at(row, "state"))};
      const Label application{"application_name", or_unknown(rows.at(row, "application_name"))};
      const auto count = rows.number(row, "sessions").value_or(0);
      for (const std::string_view le : bounds) {
        samples.add("pg_process_idle_seconds_bucket", {state, application, {"le", le}},
                    rows.number(row, le).value_or(0));
      }
      samples.add("pg_process_idle_seconds_bucket", {state, application, {"le", "+Inf"}}, count);
      samples.add("pg_process_idle_seconds_sum", {state, application}, rows.number(row, "seconds").value_or(0));
      samples.add("pg_process_idle_seconds_count", {state, application}, count);
    }
    return true;
  }

 private:
  static constexpr std::string_view bounds[] = {"1", "2", "5", "15", "30", "60", "90", "120", "300"};
};
constexpr core::MetricMeta idle_metrics[] = {
    {"pg_process_idle_seconds", core::MetricType::histogram, "How long sessions have been idle."}};

std::unique_ptr<Collector> make_slots(const Options& options) {
  return std::make_unique<SlotsCollector>(options->legacy_names);
}
template <class T>
std::unique_ptr<Collector> make_plain(const Options&) {
  return std::make_unique<T>();
}

}  // namespace

bool can_be_metric(std::string_view name) { return name.size() <= 200 && core::is_metric_name(name); }

std::span<const SpecialCollector> special_collectors() {
  static const SpecialCollector all[] = {
      {"replication_slots", true, make_slots, slots_metrics},
      {"settings", true, make_settings_collector, setting_metrics()},
      {"stat_database_conflicts", true, make_plain<ConflictsCollector>, conflicts_metrics},
      {"stat_progress_vacuum", true, make_plain<VacuumCollector>, vacuum_metrics},
      {"process_idle", false, make_plain<IdleCollector>, idle_metrics},
  };
  return all;
}

}  // namespace tocsin::probes::postgres
