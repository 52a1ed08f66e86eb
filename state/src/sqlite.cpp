#include "src/sqlite.hpp"

namespace tocsin::state {
namespace {

SqlError error_of(sqlite3* handle, int code) {
  const int extended = handle != nullptr ? sqlite3_extended_errcode(handle) : code;
  return SqlError{extended, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
}

}  // namespace

Statement& Statement::bind(int place, std::string_view text) {
  // A null pointer would bind NULL, and the columns are NOT NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(handle_.get(), place, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int place, std::int64_t number) {
  sqlite3_bind_int64(handle_.get(), place, number);
  return *this;
}

Statement& Statement::bind_bytes(int place, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_bind_blob64(handle_.get(), place, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_column(int place, const Statement& row, int column) {
  sqlite3_bind_value(handle_.get(), place, sqlite3_column_value(row.handle_.get(), column));
  return *this;
}

SqlResult<bool> Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(sqlite3_db_handle(handle_.get()), code);
}

SqlResult<void> Statement::run() {
  const SqlResult<bool> done = step();
  reset();
  if (!done) return done.error();
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);  // the bytes as they are: no conversion, NUL included
  const int length = sqlite3_column_bytes(handle_.get(), column);
  if (data == nullptr || length <= 0) return {};
  return std::string(static_cast<const char*>(data), static_cast<std::size_t>(length));
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

int Statement::columns() const { return sqlite3_column_count(handle_.get()); }

std::string Statement::column_name(int column) const {
  const char* const name = sqlite3_column_name(handle_.get(), column);
  return name != nullptr ? name : "";
}

SqlResult<Database> Database::open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return error_of(handle, code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5'000);
  return database;
}

SqlResult<void> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get(), code);
  return {};
}

SqlResult<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get(), code);
  return Statement(handle);
}

SqlResult<void> Database::prepare(std::string_view sql, Statement& into) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  into = std::move(*statement);
  return {};
}

SqlResult<std::int64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : 0;
}

void Database::keep_log_files() {
  int on = 1;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

void Database::count_log_pages(int& pages) {
  const auto hook = [](void* into, sqlite3*, const char*, int count) {
    *static_cast<int*>(into) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_.get(), hook, &pages);
}

SqlResult<void> Database::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) return error_of(handle_.get(), code);
  return {};
}

}  // namespace tocsin::state
