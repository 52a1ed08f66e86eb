// The answer to one statement, as text; and what is known of the server that gave it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::probes::postgres {

/// A table of text. The cells point into memory that someone else holds (the driver: a PGresult; a test: `make_rows`),
/// so that nothing is copied on the way to a sample.
struct Rows {
  using Cell = std::optional<std::string_view>;  // nothing: NULL

  std::vector<std::string_view> columns;
  std::vector<std::uint32_t> types;  // type oids, one a column
  std::vector<Cell> cells;           // row by row

  [[nodiscard]] std::size_t size() const { return columns.empty() ? 0 : cells.size() / columns.size(); }
  [[nodiscard]] bool empty() const { return cells.empty(); }
  /// The number of a column; nothing if there is none of that name.
  [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
  [[nodiscard]] const Cell& at(std::size_t row, std::size_t col) const { return cells[row * columns.size() + col]; }
  /// The cell of a column by name; nothing also where the column is missing. Slower than by number.
  [[nodiscard]] Cell at(std::size_t row, std::string_view name) const;
  /// Its text, or "" for NULL.
  [[nodiscard]] std::string_view text(std::size_t row, std::size_t col) const {
    return at(row, col).value_or(std::string_view());
  }
  /// Its number: decimal text, NaN, Infinity; t and f are 1 and 0. Nothing for NULL and for what is no number.
  [[nodiscard]] std::optional<double> number(std::size_t row, std::size_t col) const;
  [[nodiscard]] std::optional<double> number(std::size_t row, std::string_view name) const;
};

/// What PostgreSQL writes for a number or a truth value.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// Rows that hold their own text, for tests and fuzzers.
struct OwnedRows {
  std::deque<std::string> texts;  // addresses stay
  Rows rows;
};
[[nodiscard]] OwnedRows make_rows(const std::vector<std::string>& columns,
                                  const std::vector<std::vector<std::optional<std::string>>>& cells);

/// What the driver knows before it asks; `in_recovery` may change from probe to probe.
struct ServerInfo {
  int version_num = 0;        // 150004; server_version_num
  std::string version;        // SELECT version(): "PostgreSQL 15.4 on x86_64-pc-linux-gnu, ..."
  std::string short_version;  // "15.4.0"
  std::string server;         // host:port, the label `server` of postgres_exporter's older metrics
  std::string database;       // that this connection is to
  std::string user;           // that we are
  int backend_pid = 0;
  bool in_recovery = false;
  bool pooler = false;  // something like PgBouncer stands in between
};

}  // namespace tocsin::probes::postgres
