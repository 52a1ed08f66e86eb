// Space that tables and indexes take and do not need, estimated from what ANALYZE has found out; and the sizes of
// indexes. They read much of the catalogue: off by default, and asked every ten minutes.
//
// The estimate: a row takes its columns' average widths, a header, and a pointer in its page; so many rows fit into a
// page as the fill factor allows. Pages beyond those that all rows would take are bloat. It takes no lock and reads no
// table. Where ANALYZE has not run, or the statistics of a column may not be seen, there is no estimate.
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

// The header of a row is 23 bytes, and a bit a column where there are NULLs, rounded up to 8; its pointer has 4.
std::optional<std::string> table_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
WITH width AS (
  SELECT schemaname, tablename, count(*) AS known, sum((1 - null_frac) * avg_width) AS data, bool_or(null_frac > 0) AS nulls
  FROM pg_catalog.pg_stats WHERE NOT inherited AND schemaname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1, 2),
relation AS (
  SELECT n.nspname, c.relname, c.reltuples::float8 AS tuples, c.relpages::float8 AS pages,
    current_setting('block_size')::float8 AS page,
    COALESCE((SELECT option_value::float8 FROM pg_catalog.pg_options_to_table(c.reloptions)
              WHERE option_name = 'fillfactor'), 100) AS fill,
    (SELECT count(*) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relpages > 0 AND c.reltuples >= 0),
estimate AS (
  SELECT r.*, ceil(r.tuples / GREATEST(floor((r.page - 24) * r.fill / 100
      / (4 + 8 * ceil((23 + CASE WHEN w.nulls THEN ceil(r.columns / 8.0) ELSE 0 END) / 8.0) + 8 * ceil(w.data / 8.0))), 1))
    AS needed
  FROM relation r JOIN width w ON w.schemaname = r.nspname AND w.tablename = r.relname AND w.known = r.columns)
SELECT current_database() AS datname, nspname AS schemaname, relname, pages * page AS real_size,
  GREATEST(pages - needed, 0) * page AS bloat_size, GREATEST(pages - needed, 0) * 100 / pages AS bloat_pct
FROM estimate ORDER BY nspname, relname)";
}
constexpr LabelColumn bloat_table_labels[] = {
    {"datname", "datname"}, {"schemaname", "schemaname"}, {"relname", "relname"}};
constexpr ValueColumn table_values[] = {
    {"real_size",
     {"pg_bloat_table_real_size", gauge, "Bytes that the table took when it was last analyzed or vacuumed."}},
    {"bloat_size", {"pg_bloat_table_bloat_size", gauge, "Bytes of it that its rows would not need, estimated."}},
    {"bloat_pct", {"pg_bloat_table_bloat_pct", gauge, "The same as a percentage of its size."}},
};

// An entry of a B-tree has a header of 8 bytes (16 where there are NULLs), its columns, and a pointer of 4 bytes; a
// page has a header of 24 bytes and 16 at its end, and is filled to 90 percent by default. One page is the index's own,
// and about one of each three hundred is an inner page, which is left out of account. Duplicates are stored once with a
// list of rows from 13 on; they can make a healthy index look better than new.
std::optional<std::string> btree_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
WITH part AS (
  SELECT i.indexrelid, i.indrelid, k.attnum, k.place
  FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
  WHERE i.indisvalid),
width AS (
  SELECT p.indexrelid, count(s.avg_width) AS known, count(*) AS columns,
    sum((1 - s.null_frac) * s.avg_width) AS data, bool_or(s.null_frac > 0) AS nulls
  FROM part p
  JOIN pg_catalog.pg_class x ON x.oid = p.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = p.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = CASE WHEN p.attnum = 0 THEN p.indexrelid ELSE p.indrelid END
    AND a.attnum = CASE WHEN p.attnum = 0 THEN p.place ELSE p.attnum END
  LEFT JOIN pg_catalog.pg_stats s ON NOT s.inherited AND s.schemaname = n.nspname AND s.attname = a.attname
    AND s.tablename = CASE WHEN p.attnum = 0 THEN x.relname ELSE t.relname END
  GROUP BY 1),
relation AS (
  SELECT x.oid, n.nspname, t.relname, x.relname AS idxname, x.reltuples::float8 AS tuples, x.relpages::float8 AS pages,
    current_setting('block_size')::float8 AS page,
    COALESCE((SELECT option_value::float8 FROM pg_catalog.pg_options_to_table(x.reloptions)
              WHERE option_name = 'fillfactor'), 90) AS fill
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i' AND x.relpages > 0 AND x.reltuples >= 0
  JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace),
estimate AS (
  SELECT r.*, 1 + ceil(r.tuples / GREATEST(floor((r.page - 40) * r.fill / 100
      / (4 + CASE WHEN w.nulls THEN 16 ELSE 8 END + 8 * ceil(w.data / 8.0))), 1)) AS needed
  FROM relation r JOIN width w ON w.indexrelid = r.oid AND w.known = w.columns)
SELECT current_database() AS datname, nspname AS schemaname, relname, idxname, pages * page AS real_size,
  GREATEST(pages - needed, 0) * page AS bloat_size, GREATEST(pages - needed, 0) * 100 / pages AS bloat_pct
FROM estimate ORDER BY nspname, idxname)";
}
constexpr LabelColumn btree_labels[] = {
    {"datname", "datname"}, {"schemaname", "schemaname"}, {"relname", "relname"}, {"idxname", "idxname"}};
constexpr ValueColumn btree_values[] = {
    {"real_size",
     {"pg_bloat_btree_real_size", gauge, "Bytes that the index took when it was last analyzed or vacuumed."}},
    {"bloat_size", {"pg_bloat_btree_bloat_size", gauge, "Bytes of it that its entries would not need, estimated."}},
    {"bloat_pct", {"pg_bloat_btree_bloat_pct", gauge, "The same as a percentage of its size."}},
};

// What REINDEX CONCURRENTLY leaves behind when it fails bears a name with "ccnew". The size is of the last VACUUM or
// ANALYZE, so that no lock is waited for; the first page counts where there was none yet.
std::optional<std::string> index_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT current_database() AS datname, n.nspname AS schemaname, t.relname, x.relname AS indexrelname,
  GREATEST(x.relpages, 1) * current_setting('block_size')::float8 AS size, i.indisvalid
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%' AND x.relkind = 'i'
ORDER BY i.indexrelid)";
}
constexpr LabelColumn bloat_index_labels[] = {
    {"datname", "datname"}, {"schemaname", "schemaname"}, {"relname", "relname"}, {"indexrelname", "indexrelname"}};
constexpr ValueColumn index_values[] = {
    {"size",
     {"pg_general_index_info_pg_relation_size", gauge, "Bytes of the index when it was last analyzed or vacuumed."}},
    {"indisvalid", {"pg_general_index_info_valid", gauge, "Whether the index can be used for queries."}},
};

constexpr TableSpec all_of_bloat[] = {
    {"bloat_table", false, Scope::database, 600s, table_query, bloat_table_labels, table_values},
    {"bloat_btree", false, Scope::database, 600s, btree_query, btree_labels, btree_values},
    {"general_index_info", false, Scope::database, 600s, index_query, bloat_index_labels, index_values},
};

}  // namespace

std::span<const TableSpec> bloat_specs() { return all_of_bloat; }

}  // namespace tocsin::probes::postgres
