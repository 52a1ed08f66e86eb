// SQLite's handles as values that clean up after themselves. An error is a Failure with SQLite's words and its code.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tocsin/core/result.hpp"

namespace tocsin::state {

/// What SQLite said: its extended result code, and words for people.
struct SqlError {
  // Not an aggregate: one could be made of a number alone, and a result would not know a number from an error.
  SqlError(int its_code, std::string its_text) : code(its_code), text(std::move(its_text)) {}
  SqlError() = default;
  int code = SQLITE_OK;
  std::string text;
  /// True where the file itself is broken, or is no database.
  [[nodiscard]] bool damaged() const {
    const int primary = code & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  }
};

/// Found by argument lookup when a result without a value is asked for one.
[[noreturn]] inline void throw_exception_from_error(const SqlError& error, const boost::source_location& where) {
  throw std::logic_error("unchecked SQLite error: " + error.text + " at " + where.to_string());
}

template <class T>
using SqlResult = boost::system::result<T, SqlError>;

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  /// Text and integers are bound by their place, from 1; the text must live until the statement is reset.
  Statement& bind(int place, std::string_view text);
  Statement& bind(int place, std::int64_t number);
  Statement& bind_bytes(int place, std::string_view bytes);
  /// What another statement's row has in a column, whatever its type.
  Statement& bind_column(int place, const Statement& row, int column);
  /// True if there is a row.
  [[nodiscard]] SqlResult<bool> step();
  /// Runs it to its end and makes it ready for the next time.
  [[nodiscard]] SqlResult<void> run();
  void reset();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string column_name(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Database {
 public:
  /// `flags` are those of sqlite3_open_v2.
  [[nodiscard]] static SqlResult<Database> open(const std::string& path, int flags);
  [[nodiscard]] SqlResult<void> execute(const std::string& sql);
  [[nodiscard]] SqlResult<Statement> prepare(std::string_view sql);
  [[nodiscard]] SqlResult<void> prepare(std::string_view sql, Statement& into);
  /// The first column of the first row, or 0.
  [[nodiscard]] SqlResult<std::int64_t> number(std::string_view sql);
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  /// The number of the row that was inserted last.
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  /// The log and its index stay when the database is closed: they have their place on a disk that is full by then.
  void keep_log_files();
  /// From now on the log grows until `checkpoint` is called; its pages after each commit are written to `pages`, which
  /// must outlive the database.
  void count_log_pages(int& pages);
  /// Takes over into the database what is in the log, without waiting for readers.
  [[nodiscard]] SqlResult<void> checkpoint();
  /// From any thread: what runs ends with SQLITE_INTERRUPT.
  void interrupt() {
    if (handle_) sqlite3_interrupt(handle_.get());
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace tocsin::state
