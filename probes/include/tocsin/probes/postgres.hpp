// Probing PostgreSQL 12 to 18 (and what speaks like it) with postgres_exporter's metric names and values, over libpq's
// asynchronous interface. What differs from postgres_exporter:
// - One kept connection a target, to its main database; other databases of the server are asked one after another, each
//   on a connection that is closed again. Everything goes out in few messages of the simple query protocol, so poolers
//   (PgBouncer in transaction mode) need not know anything of it.
// - Every statement runs in a read-only transaction with a statement timeout and a lock timeout: what is abandoned ends
//   on the server too, and a probe never waits behind an ALTER TABLE.
// - A collector that fails degrades alone.
// - libpq's files in the home folder (.pgpass, .pg_service.conf, .postgresql/) are not read.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// A question of the operator's own. Each row is a sample a numeric column: the column `value` is the metric `name`,
/// another column C is `name_C`; columns in `labels` are labels.
struct PostgresQuery {
  std::string name;
  std::string sql;
  std::vector<std::string> labels;
  std::vector<std::string> counters;     // columns that are counters; the others are gauges
  std::chrono::seconds every{0};         // 0: each probe
  std::chrono::milliseconds timeout{0};  // 0: what the probe has
  bool each_database = false;            // ask it in every database that is probed, not only in the main one
  std::size_t max_rows = 1000;           // more are left out
};

struct PostgresOptions {
  /// host:port; or a folder that holds a socket, as libpq has it (`unix_socket`, host "/run/postgresql", port 5432).
  net::Address address;
  std::string user = "postgres";
  std::string database;  // empty: as the user
  core::SecretSource password;

  enum class SslMode { disable, allow, prefer, require, verify_ca, verify_full };
  SslMode sslmode = SslMode::prefer;
  std::string sslrootcert;  // empty: the system's authorities, where sslmode verifies
  std::string sslcert;      // of ours
  std::string sslkey;
  std::string channel_binding;  // disable, prefer, require; empty: prefer
  std::string application_name = "tocsin";

  /// Which databases the collectors of scope `database` are asked in: the connected one; all that can be connected to;
  /// or those that match one of the patterns (`*` and `?`; the connected one always).
  enum class Databases { connected, all, patterns };
  Databases databases = Databases::connected;
  std::vector<std::string> database_patterns;
  std::chrono::seconds databases_every{60};  // how often databases other than the main one are asked; the last values
                                             // are given meanwhile
  std::size_t max_databases = 100;

  std::vector<std::string> collectors_on;   // besides those that are on by default
  std::vector<std::string> collectors_off;  // of those
  std::vector<PostgresQuery> queries;
  std::size_t max_statements = 100;  // that stat_statements gives: those that took most time

  std::size_t max_series = 25'000;
  std::size_t max_reply = 64 * 1024 * 1024;  // bytes from the server in one probe; more is Outcome::limit
  bool keep_connection = true;               // false: a new connection each probe
  bool legacy_names = false;                 // give the names that older dashboards use as well
};

[[nodiscard]] std::unique_ptr<Prober> make_postgres_prober(net::Connector& connector, net::Executor executor,
                                                           Identity identity, PostgresOptions options);
[[nodiscard]] std::span<const core::MetricMeta> postgres_metadata();
/// Every collector that can be switched, and whether it is on by default.
struct PostgresCollectorName {
  std::string_view name;
  bool default_on = false;
};
inline constexpr PostgresCollectorName postgres_collectors[] = {
    {"bloat_btree", false},
    {"bloat_table", false},
    {"buffercache_summary", false},
    {"database", true},
    {"database_wraparound", true},
    {"general_index_info", false},
    {"locks", true},
    {"long_running_transactions", true},
    {"postmaster", true},
    {"process_idle", false},
    {"replication", true},
    {"replication_slots", true},
    {"roles", true},
    {"settings", true},
    {"stat_activity", true},
    {"stat_activity_autovacuum", false},
    {"stat_archiver", true},
    {"stat_bgwriter", true},
    {"stat_checkpointer", true},
    {"stat_database", true},
    {"stat_database_conflicts", true},
    {"stat_progress_vacuum", true},
    {"stat_replication", true},
    {"stat_ssl", true},
    {"stat_statements", false},
    {"stat_statements_query", false},
    {"stat_user_tables", true},
    {"stat_wal_receiver", false},
    {"statio_user_indexes", false},
    {"statio_user_tables", true},
    {"txid", true},
    {"wal", true},
    {"xlog_location", false},
};
/// The same, as the collectors themselves say.
[[nodiscard]] std::span<const PostgresCollectorName> postgres_collector_names();

}  // namespace tocsin::probes
