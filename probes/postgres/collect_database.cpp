// What is counted for each database of the server, and for each statement.
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

// -- stat_database, without the row of what belongs to no database.
std::optional<std::string> database_query(const Asked& asked) {
  if (asked.attempt > 1) return std::nullopt;
  // Attempt 1 is for those who speak as a newer version than they are.
  const bool active_time = asked.server.version_num >= 140000 && asked.attempt == 0;
  return std::string(R"(
SELECT datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
  tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, blk_read_time, blk_write_time,
  checksum_failures, COALESCE(floor(EXTRACT(epoch FROM stats_reset)), 0) AS stats_reset)") +
         (active_time ? R"(, active_time / 1000 AS active_seconds, session_time, idle_in_transaction_time, sessions,
  sessions_abandoned, sessions_fatal, sessions_killed)"
                      : "") +
         R"(
FROM pg_catalog.pg_stat_database WHERE datname IS NOT NULL ORDER BY datid)";
}
constexpr LabelColumn database_labels[] = {{"datid", "datid"}, {"datname", "datname"}};
constexpr ValueColumn database_values[] = {
    {"numbackends", {"pg_stat_database_numbackends", gauge, "Sessions in the database now."}},
    {"xact_commit", {"pg_stat_database_xact_commit", counter, "Transactions committed."}},
    {"xact_rollback", {"pg_stat_database_xact_rollback", counter, "Transactions rolled back."}},
    {"blks_read", {"pg_stat_database_blks_read", counter, "Blocks read from files."}},
    {"blks_hit", {"pg_stat_database_blks_hit", counter, "Blocks found in the shared buffers."}},
    {"tup_returned", {"pg_stat_database_tup_returned", counter, "Rows returned by scans."}},
    {"tup_fetched", {"pg_stat_database_tup_fetched", counter, "Rows fetched by index scans."}},
    {"tup_inserted", {"pg_stat_database_tup_inserted", counter, "Rows inserted."}},
    {"tup_updated", {"pg_stat_database_tup_updated", counter, "Rows updated."}},
    {"tup_deleted", {"pg_stat_database_tup_deleted", counter, "Rows deleted."}},
    {"conflicts", {"pg_stat_database_conflicts", counter, "Queries cancelled because of conflicts with recovery."}},
    {"temp_files", {"pg_stat_database_temp_files", counter, "Temporary files made by queries."}},
    {"temp_bytes", {"pg_stat_database_temp_bytes", counter, "Bytes written to temporary files."}},
    {"deadlocks", {"pg_stat_database_deadlocks", counter, "Deadlocks detected."}},
    {"blk_read_time", {"pg_stat_database_blk_read_time", counter, "Milliseconds spent on reading blocks."}},
    {"blk_write_time", {"pg_stat_database_blk_write_time", counter, "Milliseconds spent on writing blocks."}},
    {"stats_reset",
     {"pg_stat_database_stats_reset", counter, "When these statistics were last reset, as Unix time; 0: never."}},
    {"active_seconds",
     {"pg_stat_database_active_time_seconds_total", counter, "Seconds spent on executing statements (14 and later)."}},
    {"checksum_failures",
     {"pg_stat_database_checksum_failures", counter, "Pages whose checksum was wrong; none where checksums are off."}},
    {"session_time",
     {"pg_stat_database_session_time", counter, "Milliseconds that sessions have lasted (14 and later)."}},
    {"idle_in_transaction_time",
     {"pg_stat_database_idle_in_transaction_time", counter,
      "Milliseconds that sessions idled in a transaction (14 and later)."}},
    {"sessions", {"pg_stat_database_sessions", counter, "Sessions begun (14 and later)."}},
    {"sessions_abandoned",
     {"pg_stat_database_sessions_abandoned", counter, "Sessions whose client was lost (14 and later)."}},
    {"sessions_fatal", {"pg_stat_database_sessions_fatal", counter, "Sessions ended by a fatal error (14 and later)."}},
    {"sessions_killed", {"pg_stat_database_sessions_killed", counter, "Sessions ended by an operator (14 and later)."}},
};

// -- stat_statements. Which columns there are depends on the extension's version, which need not be the server's: an
// upgrade leaves the extension as it was. The statements that took most time are given, summed up over what the labels
// do not tell apart.
struct StatementColumns {
  std::string_view total, read, write;
};
constexpr StatementColumns statement_columns[] = {
    {"total_exec_time", "shared_blk_read_time", "shared_blk_write_time"},  // 17
    {"total_exec_time", "blk_read_time", "blk_write_time"},                // 13
    {"total_time", "blk_read_time", "blk_write_time"},
};
std::optional<std::string> statements_query(const Asked& asked) {
  const int version = asked.server.version_num;
  const std::size_t first = version >= 170000 ? 0 : version >= 130000 ? 1 : 2;
  if (first + asked.attempt >= std::size(statement_columns)) return std::nullopt;
  const auto& columns = statement_columns[first + asked.attempt];
  const auto seconds = [](std::string_view column) { return "sum(s." + std::string(column) + ") / 1000"; };
  return R"(
SELECT * FROM (
  SELECT pg_catalog.pg_get_userbyid(s.userid) AS "user", d.datname, s.queryid, sum(s.calls) AS calls, )" +
         seconds(columns.total) + " AS seconds, sum(s.rows) AS rows, " + seconds(columns.read) + " AS read_seconds, " +
         seconds(columns.write) + R"( AS write_seconds
  FROM pg_stat_statements(false) s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
  WHERE s.queryid IS NOT NULL GROUP BY 1, 2, 3 ORDER BY seconds DESC LIMIT )" +
         std::to_string(asked.options.max_statements) + ") AS top ORDER BY 1, 2, 3";
}
constexpr LabelColumn statements_labels[] = {{"user", "user"}, {"datname", "datname"}, {"queryid", "queryid"}};
constexpr ValueColumn statements_values[] = {
    {"calls", {"pg_stat_statements_calls_total", counter, "How often the statement was executed."}},
    {"seconds", {"pg_stat_statements_seconds_total", counter, "Seconds spent on executing it."}},
    {"rows", {"pg_stat_statements_rows_total", counter, "Rows it retrieved or affected."}},
    {"read_seconds", {"pg_stat_statements_block_read_seconds_total", counter, "Seconds it spent on reading blocks."}},
    {"write_seconds", {"pg_stat_statements_block_write_seconds_total", counter, "Seconds it spent on writing blocks."}},
};

// -- stat_statements_query: the text that belongs to a queryid.
std::optional<std::string> texts_query(const Asked& asked) {
  const std::string total = asked.server.version_num >= 130000 && asked.attempt == 0 ? "total_exec_time" : "total_time";
  if (asked.attempt > 1 || (asked.attempt == 1 && asked.server.version_num < 130000)) return std::nullopt;
  return R"(
SELECT * FROM (
  SELECT s.queryid, left(min(s.query), 120) AS query, 1 AS one
  FROM pg_stat_statements(true) s WHERE s.queryid IS NOT NULL GROUP BY 1 ORDER BY sum(s.)" +
         total + ") DESC LIMIT " + std::to_string(asked.options.max_statements) + ") AS top ORDER BY 1";
}
constexpr LabelColumn texts_labels[] = {{"queryid", "queryid"}, {"query", "query"}};
constexpr ValueColumn texts_values[] = {
    {"one", {"pg_stat_statements_query_id", counter, "Which statement a queryid stands for; always 1."}}};

constexpr TableSpec all_of_database[] = {
    {"stat_database", true, Scope::server, 0s, database_query, database_labels, database_values},
    {"stat_statements", false, Scope::server, 0s, statements_query, statements_labels, statements_values},
    {"stat_statements_query", false, Scope::server, 300s, texts_query, texts_labels, texts_values},
};

}  // namespace

std::span<const TableSpec> database_specs() { return all_of_database; }

}  // namespace tocsin::probes::postgres
