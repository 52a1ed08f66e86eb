#include "src/schema.hpp"

#include <array>
#include <string_view>

namespace tocsin::state {
namespace {

struct Table {
  const char* name;
  const char* sql;
  bool at_start;   // read, and therefore checked, before the daemon is ready
  bool piecemeal;  // a part of it is worth something
};

// AUTOINCREMENT: a number is never given twice, also after pruning, so order of number is order of writing.
constexpr std::array tables{
    Table{"actions",
          "CREATE TABLE IF NOT EXISTS actions("
          " number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,"
          " step TEXT NOT NULL, at INTEGER NOT NULL, from_value TEXT NOT NULL, to_value TEXT NOT NULL,"
          " alert TEXT NOT NULL, reason TEXT NOT NULL, direction TEXT NOT NULL DEFAULT 'up',"
          " inputs TEXT NOT NULL DEFAULT '', by_whom TEXT NOT NULL DEFAULT '');"
          "CREATE INDEX IF NOT EXISTS actions_by_id ON actions(id, number);"
          "CREATE INDEX IF NOT EXISTS actions_by_time ON actions(at);",
          true, false},
    Table{"not_before",
          "CREATE TABLE IF NOT EXISTS not_before(key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;", true,
          false},
    Table{"kept", "CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value BLOB NOT NULL);", true, false},
    // Since version 3.
    Table{"memories", "CREATE TABLE IF NOT EXISTS memories(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
          true, true},
    // `alert` is the labels, which tell alerts apart.
    Table{"owed",
          "CREATE TABLE IF NOT EXISTS owed(receiver TEXT NOT NULL, alert BLOB NOT NULL, number INTEGER NOT NULL,"
          " change BLOB NOT NULL, PRIMARY KEY(receiver, alert)) WITHOUT ROWID;",
          true, true},
    Table{"meta", "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;", true,
          true},
    Table{"history",
          "CREATE TABLE IF NOT EXISTS history("
          " number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,"
          " subject TEXT NOT NULL, labels BLOB NOT NULL, detail TEXT NOT NULL);"
          "CREATE INDEX IF NOT EXISTS history_by_time ON history(at);"
          "CREATE INDEX IF NOT EXISTS history_by_subject ON history(subject, at);",
          false, true},
};

constexpr std::int64_t columns_of_actions_before_4 = 10;
constexpr std::string_view new_columns_of_actions =
    "ALTER TABLE actions ADD COLUMN direction TEXT NOT NULL DEFAULT 'up';"
    "ALTER TABLE actions ADD COLUMN inputs TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE actions ADD COLUMN by_whom TEXT NOT NULL DEFAULT '';";

SqlResult<void> check_with(Database& database, const std::string& pragma) {
  auto statement = database.prepare(pragma);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  const std::string found = *row ? statement->text(0) : "no answer";
  if (found != "ok") return SqlError{SQLITE_CORRUPT, found};
  return {};
}

SqlResult<void> make_tables(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > schema_version) {
    return SqlError{SQLITE_MISMATCH, "it was written by a newer tocsin (format " + std::to_string(*version) +
                                         ", this one knows " + std::to_string(schema_version) +
                                         "); install that version, or use another data folder"};
  }
  if (*version == schema_version) return {};
  // Every version so far has only added tables, and version 4 columns.
  const auto old_columns = database.number("SELECT count(*) FROM pragma_table_info('actions')");
  if (!old_columns) return old_columns.error();
  std::string sql = "BEGIN IMMEDIATE;";
  for (const Table& table : tables) sql += table.sql;
  if (*old_columns == columns_of_actions_before_4) sql += new_columns_of_actions;
  sql += "PRAGMA user_version = " + std::to_string(schema_version) + ";COMMIT;";
  return database.execute(sql);
}

/// The rows of one table, as far as they can be read; false if that is not to the end.
bool copy_rows(Database& from, Database& to, const std::string& table) {
  auto rows = from.prepare("SELECT * FROM " + table);
  if (!rows) return false;
  const int columns = rows->columns();
  // By name: a table of an older version has fewer.
  std::string names = rows->column_name(0);
  std::string places = "?1";
  for (int i = 1; i < columns; ++i) {
    names += ", " + rows->column_name(i);
    places += ", ?" + std::to_string(i + 1);
  }
  auto insert = to.prepare("INSERT OR IGNORE INTO " + table + "(" + names + ") VALUES(" + places + ")");
  if (!insert) return false;
  for (;;) {
    const auto more = rows->step();
    if (!more) return false;
    if (!*more) return true;
    for (int i = 0; i < columns; ++i) insert->bind_column(i + 1, *rows, i);
    if (!insert->run()) return false;
  }
}

bool copy_table(Database& from, Database& to, const Table& table) {
  const std::string name = table.name;
  const bool sound = check_with(from, "PRAGMA quick_check(" + name + ")").has_value();
  if (!sound && !table.piecemeal) return false;
  if (!to.execute("SAVEPOINT one_table")) return false;
  const bool whole = copy_rows(from, to, name);
  if (!whole && !table.piecemeal) static_cast<void>(to.execute("ROLLBACK TO one_table"));
  return to.execute("RELEASE one_table") && whole && sound;
}

}  // namespace

bool is_damage(const SqlError& error) {
  // SQLITE_ERROR: our own statements do not fit, so a table or a column is missing.
  return error.damaged() || (error.code & 0xff) == SQLITE_ERROR;
}

SqlResult<Database> open_database(const std::string& path) {
  auto database = Database::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX);
  if (!database) return database.error();
  const auto settings = database->execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
      "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -8192;");
  if (!settings) return settings.error();
  database->keep_log_files();
  if (const auto made = make_tables(*database); !made) return made.error();
  for (const Table& table : tables) {
    if (!table.at_start) continue;
    const auto sound = check_with(*database, "PRAGMA quick_check(" + std::string(table.name) + ")");
    if (!sound) return sound.error();
  }
  return database;
}

SqlResult<Database> open_reader(const std::string& path) {
  return Database::open(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX);
}

SqlResult<void> check(Database& database) { return check_with(database, "PRAGMA quick_check(1)"); }

std::string salvage(const std::string& path, Database& sound) {
  auto damaged = open_reader(path);
  if (!damaged) return "all of it";
  std::string lost;
  if (!sound.execute("BEGIN IMMEDIATE")) return "all of it";
  for (const Table& table : tables) {
    if (copy_table(*damaged, sound, table)) continue;
    if (!lost.empty()) lost += ", ";
    lost += table.piecemeal ? std::string("a part of ") + table.name : std::string(table.name);
  }
  if (!sound.execute("COMMIT")) {
    if (sound.in_transaction()) static_cast<void>(sound.execute("ROLLBACK"));
    return "all of it";
  }
  return lost;
}

}  // namespace tocsin::state
