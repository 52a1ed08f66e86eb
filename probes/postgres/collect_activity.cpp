// What the sessions of the server do. Our own session is in none of these numbers. Ages are taken from
// clock_timestamp(): now() is when our transaction began, which may be before others did.
#include "postgres/table_collector.hpp"

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;

// -- stat_activity: each database has a row for each of the six states, also where nobody is in it; so a rule on "less
// than" has something to compare.
std::optional<std::string> activity_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT d.datname, s.state, a.usename, a.application_name, a.backend_type, a.wait_event_type, a.wait_event,
  COALESCE(a.sessions, 0) AS sessions, COALESCE(GREATEST(a.longest, 0), 0) AS longest
FROM pg_catalog.pg_database d
CROSS JOIN (VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)'),
  ('fastpath function call'), ('disabled')) AS s (state)
LEFT JOIN (SELECT datname, state, usename, application_name, backend_type, wait_event_type, wait_event,
             count(*) AS sessions, max(EXTRACT(epoch FROM clock_timestamp() - xact_start)) AS longest
           FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()
           GROUP BY 1, 2, 3, 4, 5, 6, 7) AS a
  ON a.datname = d.datname AND a.state = s.state
ORDER BY d.oid, 2, 3, 4, 5, 6, 7)";
}
constexpr LabelColumn activity_labels[] = {
    {"datname", "datname"},           {"state", "state"},
    {"usename", "usename"},           {"application_name", "application_name"},
    {"backend_type", "backend_type"}, {"wait_event_type", "wait_event_type"},
    {"wait_event", "wait_event"},
};
constexpr ValueColumn activity_values[] = {
    {"sessions", {"pg_stat_activity_count", gauge, "Sessions in this state."}},
    {"longest",
     {"pg_stat_activity_max_tx_duration", gauge, "Seconds that the oldest transaction among these sessions has run."}},
};

// -- long_running_transactions
std::optional<std::string> long_running_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT count(*) AS transactions,
  COALESCE(GREATEST(max(EXTRACT(epoch FROM clock_timestamp() - xact_start)), 0), 0) AS oldest
FROM pg_catalog.pg_stat_activity
WHERE xact_start IS NOT NULL AND state IS DISTINCT FROM 'idle' AND query NOT LIKE 'autovacuum:%'
  AND pid <> pg_catalog.pg_backend_pid())";
}
constexpr ValueColumn long_running_values[] = {
    {"transactions", {"pg_long_running_transactions", gauge, "Transactions that are open, without autovacuum's."}},
    {"oldest",
     {"pg_long_running_transactions_oldest_timestamp_seconds", gauge, "Age of the oldest of them in seconds."}},
};

// -- stat_activity_autovacuum
std::optional<std::string> autovacuum_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return R"(
SELECT split_part(split_part(query, '.', 2), ' ', 1) AS relname, min(EXTRACT(epoch FROM xact_start)) AS started
FROM pg_catalog.pg_stat_activity WHERE query LIKE 'autovacuum:%' AND xact_start IS NOT NULL GROUP BY 1 ORDER BY 1)";
}
constexpr LabelColumn by_relname[] = {{"relname", "relname"}};
constexpr ValueColumn autovacuum_values[] = {
    {"started",
     {"pg_stat_activity_autovacuum_timestamp_seconds", gauge, "When the autovacuum of the table began, as Unix time."}},
};

// -- txid: the next transaction id, epoch and all. Asking for the current one would use one up with each probe.
std::optional<std::string> txid_query(const Asked& asked) {
  if (asked.attempt > 0) return std::nullopt;
  return "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) AS txid";
}
constexpr ValueColumn txid_values[] = {
    {"txid", {"pg_txid_current", counter, "The transaction id that is given next, wraparounds counted in."}}};

// -- stat_ssl: until 13; since then there is no compression.
std::optional<std::string> ssl_query(const Asked& asked) {
  if (asked.attempt > 0 || asked.server.version_num >= 140000) return std::nullopt;
  return "SELECT pid, compression FROM pg_catalog.pg_stat_ssl WHERE ssl AND pid <> pg_catalog.pg_backend_pid() ORDER "
         "BY pid";
}
constexpr LabelColumn by_pid[] = {{"pid", "pid"}};
constexpr ValueColumn ssl_values[] = {
    {"compression", {"pg_stat_ssl_compression", gauge, "Whether the encrypted connection is compressed (until 13)."}}};

constexpr TableSpec all_of_activity[] = {
    {"stat_activity", true, Scope::server, 0s, activity_query, activity_labels, activity_values},
    {"long_running_transactions", true, Scope::server, 0s, long_running_query, {}, long_running_values},
    {"txid", true, Scope::server, 0s, txid_query, {}, txid_values},
    {"stat_ssl", true, Scope::server, 0s, ssl_query, by_pid, ssl_values},
    {"stat_activity_autovacuum", false, Scope::server, 0s, autovacuum_query, by_relname, autovacuum_values},
};

}  // namespace

std::span<const TableSpec> activity_specs() { return all_of_activity; }

}  // namespace tocsin::probes::postgres
