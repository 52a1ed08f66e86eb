// A collector: one question to the server and what its answer means. Pure: the driver (postgres_prober.cpp) asks.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/rows.hpp"
#include "postgres/samples.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/probes/postgres.hpp"

namespace tocsin::probes::postgres {

inline constexpr auto gauge = core::MetricType::gauge;
inline constexpr auto counter = core::MetricType::counter;

enum class Scope {
  server,    // asked once, on the main connection
  database,  // asked in each database that is probed
};

/// How it is asked. All statements of a probe go out in one message, within one transaction block:
///   BEGIN READ ONLY; SELECT set_config('statement_timeout', ..., true), set_config('lock_timeout', ..., true), ...;
///   <first collector>; <second collector>; ...; COMMIT
/// so a query must not depend on (nor show) what is set there: the values of statement_timeout, lock_timeout,
/// client_connection_check_interval and transaction_read_only are ours (pg_settings.reset_val has the session's own),
/// and one transaction's now() is the same for all. Names should be written with their schema (pg_catalog.) where a
/// search_path could hide them.
class Collector {
 public:
  virtual ~Collector() = default;

  /// As in postgres_exporter's label `collector` ("stat_database"). Unique.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Scope scope() const { return Scope::server; }
  /// One statement without a semicolon at its end; nothing if this server has no such thing (the collector then counts
  /// as well, and gives nothing). `attempt` is 0 at first; when the server said that a column, function, table or right
  /// is missing (SQLSTATE 42703, 42883, 42P01, 42501, 0A000, 55000, ...), the next attempt is asked in the same probe
  /// and remembered for the following ones; nothing at an attempt > 0 means that there is no other way.
  [[nodiscard]] virtual std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const = 0;
  /// Called for each answer, in the section that bears this collector's name. False if the answer is not what was asked
  /// for: the collector then counts as failed.
  [[nodiscard]] virtual bool read(const Rows& rows, const ServerInfo& server, Samples& samples) const = 0;

  /// How often at most; between, the last samples are given again. 0: each probe.
  [[nodiscard]] virtual std::chrono::seconds every() const { return std::chrono::seconds(0); }
  /// True for statements that others wrote: sent in a message (and transaction) of its own, since one syntax error
  /// spoils a whole message.
  [[nodiscard]] virtual bool alone() const { return false; }
  /// A limit of its own on the statement, if shorter than what the probe has left; 0: none.
  [[nodiscard]] virtual std::chrono::milliseconds timeout() const { return std::chrono::milliseconds(0); }
};

/// All collectors that these options switch on, custom queries at the end; in the order in which they are asked.
[[nodiscard]] std::vector<std::unique_ptr<Collector>> make_collectors(const PostgresOptions& options);

/// TYPE and HELP of what the built-in collectors give.
[[nodiscard]] std::span<const core::MetricMeta> collector_metadata();

}  // namespace tocsin::probes::postgres
