// Tables and indexes: what a server shows only to who is connected to their database.
#include <algorithm>

#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

/// No more rows than could be given: the largest count first, and then in an order that stays.
std::string limit(const Asked& asked, std::size_t series_a_row) {
  return std::to_string(std::max<std::size_t>(asked.options.max_series / series_a_row, 1) + 1);
}

// -- stat_user_tables. Sizes are read from the files under a lock, for which one has to wait while somebody alters the
// table: of tables that are locked so, or that somebody waits to lock so, the sizes are left out.
std::optional<std::string> tables_query(const Asked& asked) {
  if (asked.attempt > 1) return std::nullopt;
  const bool sizes = asked.attempt == 0;
  return std::string(sizes ? R"(
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_catalog.pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())),
untouchable AS MATERIALIZED (
  SELECT relation FROM locked
  UNION SELECT i.indrelid FROM pg_catalog.pg_index i JOIN locked l ON l.relation = i.indexrelid
  UNION SELECT c.oid FROM pg_catalog.pg_class c JOIN locked l ON l.relation = c.reltoastrelid
  UNION SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.reltoastrelid
    JOIN locked l ON l.relation = i.indexrelid))"
                           : "") +
         R"(
SELECT current_database() AS datname, schemaname, relname, seq_scan, seq_tup_read, COALESCE(idx_scan, 0) AS idx_scan,
  COALESCE(idx_tup_fetch, 0) AS idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup,
  n_mod_since_analyze, COALESCE(floor(EXTRACT(epoch FROM last_vacuum)), 0) AS last_vacuum,
  COALESCE(floor(EXTRACT(epoch FROM last_autovacuum)), 0) AS last_autovacuum,
  COALESCE(floor(EXTRACT(epoch FROM last_analyze)), 0) AS last_analyze,
  COALESCE(floor(EXTRACT(epoch FROM last_autoanalyze)), 0) AS last_autoanalyze,
  vacuum_count, autovacuum_count, analyze_count, autoanalyze_count)" +
         (sizes ? R"(,
  CASE WHEN u.relation IS NULL THEN pg_catalog.pg_indexes_size(t.relid) END AS index_size,
  CASE WHEN u.relation IS NULL THEN pg_catalog.pg_table_size(t.relid) END AS table_size)"
                : "") +
         R"(
FROM (SELECT * FROM pg_catalog.pg_stat_user_tables ORDER BY n_live_tup DESC, relid LIMIT )" +
         limit(asked, 21) + R"() AS t)" + (sizes ? " LEFT JOIN untouchable u ON u.relation = t.relid" : "") + R"(
ORDER BY t.relid)";
}
constexpr LabelColumn table_labels[] = {{"datname", "datname"}, {"schemaname", "schemaname"}, {"relname", "relname"}};
constexpr ValueColumn tables_values[] = {
    {"seq_scan", {"pg_stat_user_tables_seq_scan", counter, "Sequential scans begun."}},
    {"seq_tup_read", {"pg_stat_user_tables_seq_tup_read", counter, "Live rows fetched by sequential scans."}},
    {"idx_scan", {"pg_stat_user_tables_idx_scan", counter, "Index scans begun."}},
    {"idx_tup_fetch", {"pg_stat_user_tables_idx_tup_fetch", counter, "Live rows fetched by index scans."}},
    {"n_tup_ins", {"pg_stat_user_tables_n_tup_ins", counter, "Rows inserted."}},
    {"n_tup_upd", {"pg_stat_user_tables_n_tup_upd", counter, "Rows updated."}},
    {"n_tup_del", {"pg_stat_user_tables_n_tup_del", counter, "Rows deleted."}},
    {"n_tup_hot_upd", {"pg_stat_user_tables_n_tup_hot_upd", counter, "Rows updated without a new index entry."}},
    {"n_live_tup", {"pg_stat_user_tables_n_live_tup", gauge, "Live rows, estimated."}},
    {"n_dead_tup", {"pg_stat_user_tables_n_dead_tup", gauge, "Dead rows, estimated."}},
    {"n_mod_since_analyze",
     {"pg_stat_user_tables_n_mod_since_analyze", gauge, "Rows changed since the table was last analyzed, estimated."}},
    {"last_vacuum",
     {"pg_stat_user_tables_last_vacuum", gauge, "When somebody last vacuumed it, as Unix time; 0: never."}},
    {"last_autovacuum",
     {"pg_stat_user_tables_last_autovacuum", gauge, "When autovacuum last vacuumed it, as Unix time; 0: never."}},
    {"last_analyze",
     {"pg_stat_user_tables_last_analyze", gauge, "When somebody last analyzed it, as Unix time; 0: never."}},
    {"last_autoanalyze",
     {"pg_stat_user_tables_last_autoanalyze", gauge, "When autovacuum last analyzed it, as Unix time; 0: never."}},
    {"vacuum_count", {"pg_stat_user_tables_vacuum_count", counter, "How often somebody vacuumed it."}},
    {"autovacuum_count", {"pg_stat_user_tables_autovacuum_count", counter, "How often autovacuum vacuumed it."}},
    {"analyze_count", {"pg_stat_user_tables_analyze_count", counter, "How often somebody analyzed it."}},
    {"autoanalyze_count", {"pg_stat_user_tables_autoanalyze_count", counter, "How often autovacuum analyzed it."}},
    {"index_size", {"pg_stat_user_tables_index_size_bytes", gauge, "Disk space of its indexes."}},
    {"table_size", {"pg_stat_user_tables_table_size_bytes", gauge, "Disk space of the table, without its indexes."}},
};

// -- statio_user_tables: a table without an index, or without long values, has 0 of their blocks.
std::optional<std::string> blocks_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT current_database() AS datname, schemaname, relname, heap_blks_read, heap_blks_hit,
  COALESCE(idx_blks_read, 0) AS idx_blks_read, COALESCE(idx_blks_hit, 0) AS idx_blks_hit,
  COALESCE(toast_blks_read, 0) AS toast_blks_read, COALESCE(toast_blks_hit, 0) AS toast_blks_hit,
  COALESCE(tidx_blks_read, 0) AS tidx_blks_read, COALESCE(tidx_blks_hit, 0) AS tidx_blks_hit
FROM (SELECT * FROM pg_catalog.pg_statio_user_tables ORDER BY heap_blks_read + heap_blks_hit DESC, relid LIMIT )" +
         limit(asked, 8) + R"() AS t
ORDER BY relid)";
}
constexpr ValueColumn blocks_values[] = {
    {"heap_blks_read", {"pg_statio_user_tables_heap_blocks_read", counter, "Blocks of the table read from files."}},
    {"heap_blks_hit", {"pg_statio_user_tables_heap_blocks_hit", counter, "Blocks of the table found in buffers."}},
    {"idx_blks_read", {"pg_statio_user_tables_idx_blocks_read", counter, "Blocks of its indexes read from files."}},
    {"idx_blks_hit", {"pg_statio_user_tables_idx_blocks_hit", counter, "Blocks of its indexes found in buffers."}},
    {"toast_blks_read",
     {"pg_statio_user_tables_toast_blocks_read", counter, "Blocks of its long values read from files."}},
    {"toast_blks_hit",
     {"pg_statio_user_tables_toast_blocks_hit", counter, "Blocks of its long values found in buffers."}},
    {"tidx_blks_read",
     {"pg_statio_user_tables_tidx_blocks_read", counter, "Blocks of its long values' index read from files."}},
    {"tidx_blks_hit",
     {"pg_statio_user_tables_tidx_blocks_hit", counter, "Blocks of its long values' index found in buffers."}},
};

// -- statio_user_indexes: postgres_exporter names no database; we do where more than one is asked.
std::optional<std::string> index_blocks_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  const bool one = asked.options.databases == PostgresOptions::Databases::connected;
  return std::string("SELECT ") + (one ? "NULL" : "current_database()") + R"( AS datname,
  schemaname, relname, indexrelname, idx_blks_read, idx_blks_hit
FROM (SELECT * FROM pg_catalog.pg_statio_user_indexes ORDER BY idx_blks_read + idx_blks_hit DESC, indexrelid LIMIT )" +
         limit(asked, 2) + ") AS i ORDER BY indexrelid";
}
constexpr LabelColumn index_labels[] = {
    {"datname", "datname"}, {"schemaname", "schemaname"}, {"relname", "relname"}, {"indexrelname", "indexrelname"}};
constexpr ValueColumn index_blocks_values[] = {
    {"idx_blks_read", {"pg_statio_user_indexes_idx_blks_read_total", counter, "Blocks of the index read from files."}},
    {"idx_blks_hit", {"pg_statio_user_indexes_idx_blks_hit_total", counter, "Blocks of the index found in buffers."}},
};

constexpr TableSpec all_of_relation[] = {
    {"stat_user_tables", true, Scope::database, 0s, tables_query, table_labels, tables_values},
    {"statio_user_tables", true, Scope::database, 0s, blocks_query, table_labels, blocks_values},
    {"statio_user_indexes", false, Scope::database, 0s, index_blocks_query, index_labels, index_blocks_values},
};

}  // namespace

std::span<const TableSpec> relation_specs() { return all_of_relation; }

}  // namespace tocsin::probes::postgres
