// What the server says of itself as a whole: its databases and roles, the processes in the background, its WAL.
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

constexpr LabelColumn by_datname[] = {{"datname", "datname"}};
constexpr LabelColumn by_rolname[] = {{"rolname", "rolname"}};

// -- database: the size needs CONNECT on the database, or pg_read_all_stats; without, the others still have theirs.
std::optional<std::string> database_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT d.datname, d.datconnlimit,
  CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
         OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
       THEN pg_catalog.pg_database_size(d.oid) END AS size
FROM pg_catalog.pg_database d ORDER BY d.oid)";
}
constexpr ValueColumn database_values[] = {
    {"size", {"pg_database_size_bytes", gauge, "Disk space that the database takes."}},
    {"datconnlimit", {"pg_database_connection_limit", gauge, "Connections that the database allows; -1: no limit."}},
};

// -- database_wraparound
std::optional<std::string> wraparound_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT d.datname, pg_catalog.age(d.datfrozenxid) AS xid_age, pg_catalog.mxid_age(d.datminmxid) AS mxid_age
FROM pg_catalog.pg_database d WHERE d.datallowconn ORDER BY d.oid)";
}
constexpr ValueColumn wraparound_values[] = {
    {"xid_age",
     {"pg_database_wraparound_age_datfrozenxid_seconds", gauge,
      "Age of the oldest transaction id that is not frozen: transactions, not seconds (the name is "
      "postgres_exporter's)."}},
    {"mxid_age",
     {"pg_database_wraparound_age_datminmxid_seconds", gauge,
      "Age of the oldest multixact id that is not replaced: multixacts, not seconds."}},
};

// -- roles
std::optional<std::string> roles_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return "SELECT rolname, rolconnlimit FROM pg_catalog.pg_roles ORDER BY oid";
}
constexpr ValueColumn roles_values[] = {
    {"rolconnlimit", {"pg_roles_connection_limit", gauge, "Connections that the role is allowed; -1: no limit."}},
};

// -- locks. Those of our own transaction are left out: it touches dozens of tables of the catalogue.
std::optional<std::string> locks_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT d.datname, m.mode, COALESCE(held.locks, 0) AS locks
FROM pg_catalog.pg_database d
CROSS JOIN (VALUES ('accesssharelock'), ('rowsharelock'), ('rowexclusivelock'), ('shareupdateexclusivelock'),
  ('sharelock'), ('sharerowexclusivelock'), ('exclusivelock'), ('accessexclusivelock'), ('sireadlock')) AS m (mode)
LEFT JOIN (SELECT l.database, lower(l.mode) AS mode, count(*) AS locks FROM pg_catalog.pg_locks l
           WHERE l.database IS NOT NULL AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() GROUP BY 1, 2) AS held
  ON held.database = d.oid AND held.mode = m.mode
ORDER BY d.oid, m.mode)";
}
constexpr LabelColumn locks_labels[] = {{"datname", "datname"}, {"mode", "mode"}};
constexpr ValueColumn locks_values[] = {
    {"locks", {"pg_locks_count", gauge, "Locks held or waited for in the database."}}};

// -- postmaster
std::optional<std::string> postmaster_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return "SELECT EXTRACT(epoch FROM pg_catalog.pg_postmaster_start_time()) AS start";
}
constexpr ValueColumn postmaster_values[] = {
    {"start", {"pg_postmaster_start_time_seconds", gauge, "When the server started, as Unix time."}}};

// -- stat_archiver
std::optional<std::string> archiver_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT archived_count, failed_count, EXTRACT(epoch FROM now() - last_archived_time) AS last_archive_age
FROM pg_catalog.pg_stat_archiver)";
}
constexpr ValueColumn archiver_values[] = {
    {"archived_count", {"pg_stat_archiver_archived_count", counter, "WAL files that have been archived."}},
    {"failed_count", {"pg_stat_archiver_failed_count", counter, "Attempts to archive a WAL file that failed."}},
    {"last_archive_age",
     {"pg_stat_archiver_last_archive_age", gauge,
      "Seconds since a WAL file was last archived; none if none ever was."}},
};

// -- stat_bgwriter. PostgreSQL 17 moved most of it to pg_stat_checkpointer, and what backends write themselves to
// pg_stat_io; the metrics keep their names, so that dashboards do not go blank with an upgrade.
constexpr std::string_view bgwriter_until_16 = R"(
SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
  buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc,
  COALESCE(floor(EXTRACT(epoch FROM stats_reset)), 0) AS stats_reset
FROM pg_catalog.pg_stat_bgwriter)";
// In 17 pg_stat_io counts blocks, from 18 on operations and their bytes.
constexpr std::string_view bgwriter_from_17 = R"(
SELECT c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_req, c.write_time AS checkpoint_write_time,
  c.sync_time AS checkpoint_sync_time, c.buffers_written AS buffers_checkpoint, b.buffers_clean, b.maxwritten_clean,
  io.buffers AS buffers_backend, io.fsyncs AS buffers_backend_fsync, b.buffers_alloc,
  COALESCE(floor(EXTRACT(epoch FROM b.stats_reset)), 0) AS stats_reset
FROM pg_catalog.pg_stat_bgwriter b CROSS JOIN pg_catalog.pg_stat_checkpointer c
CROSS JOIN (SELECT {} AS buffers, sum(fsyncs) AS fsyncs FROM pg_catalog.pg_stat_io
            WHERE object = 'relation' AND backend_type NOT IN ('checkpointer', 'background writer')) AS io)";
std::optional<std::string> bgwriter_query(const Asked& asked) {
  const bool from_17 = asked.server.version_num >= 170000;
  if (!from_17) return asked.attempt == 0 ? std::optional(std::string(bgwriter_until_16)) : std::nullopt;
  switch (asked.attempt) {
    case 0: {
      std::string text(bgwriter_from_17);
      const auto at = text.find("{}");
      text.replace(at, 2,
                   asked.server.version_num >= 180000
                       ? "(sum(write_bytes) + sum(extend_bytes)) / current_setting('block_size')::numeric"
                       : "sum(writes) + sum(extends)");
      return text;
    }
    case 1:
      return R"(
SELECT buffers_clean, maxwritten_clean, buffers_alloc, COALESCE(floor(EXTRACT(epoch FROM stats_reset)), 0) AS stats_reset
FROM pg_catalog.pg_stat_bgwriter)";
    default:
      return std::nullopt;
  }
}
constexpr ValueColumn bgwriter_values[] = {
    {"checkpoints_timed",
     {"pg_stat_bgwriter_checkpoints_timed_total", counter,
      "Checkpoints that were due (from 17 on: of pg_stat_checkpointer)."}},
    {"checkpoints_req", {"pg_stat_bgwriter_checkpoints_req_total", counter, "Checkpoints that were asked for."}},
    {"checkpoint_write_time",
     {"pg_stat_bgwriter_checkpoint_write_time_total", counter, "Milliseconds in which checkpoints wrote files."}},
    {"checkpoint_sync_time",
     {"pg_stat_bgwriter_checkpoint_sync_time_total", counter,
      "Milliseconds in which checkpoints synced files to disk."}},
    {"buffers_checkpoint", {"pg_stat_bgwriter_buffers_checkpoint_total", counter, "Buffers written at checkpoints."}},
    {"buffers_clean", {"pg_stat_bgwriter_buffers_clean_total", counter, "Buffers written by the background writer."}},
    {"maxwritten_clean",
     {"pg_stat_bgwriter_maxwritten_clean_total", counter,
      "How often the background writer stopped because it had written too many buffers."}},
    {"buffers_backend",
     {"pg_stat_bgwriter_buffers_backend_total", counter,
      "Buffers that backends wrote themselves (from 17 on: of pg_stat_io)."}},
    {"buffers_backend_fsync",
     {"pg_stat_bgwriter_buffers_backend_fsync_total", counter, "How often a backend had to call fsync itself."}},
    {"buffers_alloc", {"pg_stat_bgwriter_buffers_alloc_total", counter, "Buffers allocated."}},
    {"stats_reset",
     {"pg_stat_bgwriter_stats_reset_total", counter, "When these statistics were last reset, as Unix time; 0: never."}},
};

// -- stat_checkpointer
std::optional<std::string> checkpointer_query(const Asked& asked) {
  if (asked.attempt > 0 || asked.server.version_num < 170000) return std::nullopt;
  return R"(
SELECT num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done, write_time, sync_time,
  buffers_written, COALESCE(floor(EXTRACT(epoch FROM stats_reset)), 0) AS stats_reset
FROM pg_catalog.pg_stat_checkpointer)";
}
constexpr ValueColumn checkpointer_values[] = {
    {"num_timed", {"pg_stat_checkpointer_num_timed_total", counter, "Checkpoints that were due."}},
    {"num_requested", {"pg_stat_checkpointer_num_requested_total", counter, "Checkpoints that were asked for."}},
    {"restartpoints_timed",
     {"pg_stat_checkpointer_restartpoints_timed_total", counter, "Restartpoints that were due."}},
    {"restartpoints_req",
     {"pg_stat_checkpointer_restartpoints_req_total", counter, "Restartpoints that were asked for."}},
    {"restartpoints_done", {"pg_stat_checkpointer_restartpoints_done_total", counter, "Restartpoints performed."}},
    {"write_time", {"pg_stat_checkpointer_write_time_total", counter, "Milliseconds in which files were written."}},
    {"sync_time",
     {"pg_stat_checkpointer_sync_time_total", counter, "Milliseconds in which files were synced to disk."}},
    {"buffers_written", {"pg_stat_checkpointer_buffers_written_total", counter, "Buffers written."}},
    {"stats_reset",
     {"pg_stat_checkpointer_stats_reset_total", counter,
      "When these statistics were last reset, as Unix time; 0: never."}},
};

// -- wal: needs pg_monitor, or EXECUTE on pg_ls_waldir.
std::optional<std::string> wal_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT count(*) AS segments, COALESCE(sum(size), 0) AS size FROM pg_catalog.pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')";
}
constexpr ValueColumn wal_values[] = {
    {"segments", {"pg_wal_segments", gauge, "WAL files."}},
    {"size", {"pg_wal_size_bytes", gauge, "Disk space that the WAL files take."}},
};

// -- buffercache_summary: a function of the extension pg_buffercache, 16 and later.
std::optional<std::string> buffercache_query(const Asked& asked) {
  if (asked.attempt > 0 || asked.server.version_num < 160000) return std::nullopt;
  return "SELECT buffers_used, buffers_unused, buffers_dirty, buffers_pinned, usagecount_avg FROM "
         "pg_buffercache_summary()";
}
constexpr ValueColumn buffercache_values[] = {
    {"buffers_used", {"pg_buffercache_summary_buffers_used", gauge, "Shared buffers in use."}},
    {"buffers_unused", {"pg_buffercache_summary_buffers_unused", gauge, "Shared buffers not in use."}},
    {"buffers_dirty", {"pg_buffercache_summary_buffers_dirty", gauge, "Shared buffers that are dirty."}},
    {"buffers_pinned", {"pg_buffercache_summary_buffers_pinned", gauge, "Shared buffers that are pinned."}},
    {"usagecount_avg", {"pg_buffercache_summary_usagecount_avg", gauge, "Average usage count of buffers in use."}},
};

constexpr TableSpec all_of_server[] = {
    {"database", true, Scope::server, 60s, database_query, by_datname, database_values},
    {"database_wraparound", true, Scope::server, 0s, wraparound_query, by_datname, wraparound_values},
    {"locks", true, Scope::server, 0s, locks_query, locks_labels, locks_values},
    {"postmaster", true, Scope::server, 0s, postmaster_query, {}, postmaster_values},
    {"roles", true, Scope::server, 60s, roles_query, by_rolname, roles_values},
    {"stat_archiver", true, Scope::server, 0s, archiver_query, {}, archiver_values},
    {"stat_bgwriter", true, Scope::server, 0s, bgwriter_query, {}, bgwriter_values},
    {"stat_checkpointer", true, Scope::server, 0s, checkpointer_query, {}, checkpointer_values},
    {"wal", true, Scope::server, 0s, wal_query, {}, wal_values},
    {"buffercache_summary", false, Scope::server, 0s, buffercache_query, {}, buffercache_values},
};

}  // namespace

std::span<const TableSpec> server_specs() { return all_of_server; }

}  // namespace tocsin::probes::postgres
