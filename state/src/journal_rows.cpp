#include "src/journal_rows.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace tocsin::state {
namespace {

constexpr std::string_view columns =
    "id, action, target, step, at, from_value, to_value, alert, reason, direction, inputs, by_whom";

// A step of a name that this version does not know is a promise of the file that is broken.
SqlResult<core::ActionRecord> read_row(const Statement& row) {
  core::ActionRecord record;
  record.id = row.text(0);
  record.action = row.text(1);
  record.target = row.text(2);
  try {
    record.step = core::action_step(row.text(3));
    record.direction = core::direction(row.text(9));
  } catch (const std::invalid_argument&) {
    return SqlError{SQLITE_CORRUPT,
                    "a row has the unknown step '" + row.text(3) + "' or direction '" + row.text(9) + "'"};
  }
  record.at = core::from_millis(row.number(4));
  record.from = row.text(5);
  record.to = row.text(6);
  record.alert = row.text(7);
  record.reason = row.text(8);
  record.inputs = row.text(10);
  record.by = row.text(11);
  return record;
}

SqlResult<std::vector<core::ActionRecord>> read_rows(Statement& statement) {
  std::vector<core::ActionRecord> rows;
  for (;;) {
    const auto more = statement.step();
    if (!more) return more.error();
    if (!*more) return rows;
    auto record = read_row(statement);
    if (!record) return record.error();
    rows.push_back(std::move(*record));
  }
}

SqlResult<std::vector<core::ActionRecord>> select(Database& database, const std::string& rest, std::int64_t since,
                                                  std::size_t count) {
  const std::string sql =
      "SELECT " + std::string(columns) + " FROM actions WHERE " + rest + " ORDER BY number DESC LIMIT ?2";
  auto statement = database.prepare(sql);
  if (!statement) return statement.error();
  statement->bind(1, since).bind(2, static_cast<std::int64_t>(std::min(count, max_rows)));
  return read_rows(*statement);
}

std::string_view cut(const std::string& text) { return std::string_view(text).substr(0, max_text); }

}  // namespace

SqlResult<Remembered> load_journal(Database& database) {
  const auto latest = database.number("SELECT max(at) FROM actions");
  if (!latest) return latest.error();
  const std::int64_t since = *latest - kept_for.count();

  Remembered remembered;
  auto last = select(database,
                     "at >= ?1 AND number IN (SELECT max(number) FROM actions GROUP BY id)"
                     " AND step NOT IN ('proposed', 'shadow', 'skipped', 'ordered')",
                     since, max_rows);
  if (!last) return last.error();
  remembered.last_steps = std::move(*last);
  auto changes = select(database, "at >= ?1 AND step IN ('started', 'succeeded', 'adopted')", since, max_rows);
  if (!changes) return changes.error();
  remembered.changes = std::move(*changes);

  auto deadlines = database.prepare("SELECT key, at FROM not_before ORDER BY at DESC LIMIT 10000");
  if (!deadlines) return deadlines.error();
  for (;;) {
    const auto more = deadlines->step();
    if (!more) return more.error();
    if (!*more) break;
    remembered.not_before.emplace_back(deadlines->text(0), core::from_millis(deadlines->number(1)));
  }
  auto kept = database.prepare("SELECT key, value FROM kept ORDER BY key LIMIT 10000");
  if (!kept) return kept.error();
  for (;;) {
    const auto more = kept->step();
    if (!more) return more.error();
    if (!*more) return remembered;
    remembered.kept.emplace_back(kept->text(0), kept->text(1));
  }
}

SqlResult<std::vector<core::ActionRecord>> newest(Database& database, std::size_t count) {
  return select(database, "?1 = ?1", 0, count);
}

SqlResult<JournalWriter> JournalWriter::make(Database& database) {
  JournalWriter writer;
  const auto prepare = [&database](Statement& into, const std::string& sql) { return database.prepare(sql, into); };
  const std::string insert =
      "INSERT INTO actions(" + std::string(columns) + ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
  if (const auto done = prepare(writer.insert_, insert); !done) return done.error();
  const std::string deadline =
      "INSERT INTO not_before(key, at) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET at = excluded.at";
  if (const auto done = prepare(writer.deadline_, deadline); !done) return done.error();
  const std::string keep =
      "INSERT INTO kept(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
  if (const auto done = prepare(writer.keep_, keep); !done) return done.error();
  // The newest row stays whatever its age, and the number of rows that one commit removes is bounded.
  const std::string rows =
      "DELETE FROM actions WHERE number IN (SELECT number FROM actions WHERE at < ?1 AND number < (SELECT max(number) "
      "FROM actions)"
      " ORDER BY at LIMIT ?2)";
  if (const auto done = prepare(writer.prune_rows_, rows); !done) return done.error();
  const std::string deadlines = "DELETE FROM not_before WHERE at < ?1";
  if (const auto done = prepare(writer.prune_deadlines_, deadlines); !done) return done.error();
  return writer;
}

SqlResult<void> JournalWriter::add(const core::ActionRecord& record) {
  return insert_.bind(1, cut(record.id))
      .bind(2, cut(record.action))
      .bind(3, cut(record.target))
      .bind(4, core::to_string(record.step))
      .bind(5, core::to_millis(record.at))
      .bind(6, cut(record.from))
      .bind(7, cut(record.to))
      .bind(8, cut(record.alert))
      .bind(9, cut(record.reason))
      .bind(10, core::to_string(record.direction))
      .bind(11, cut(record.inputs))
      .bind(12, cut(record.by))
      .run();
}

SqlResult<void> JournalWriter::set_not_before(const std::string& key, core::TimePoint at) {
  return deadline_.bind(1, key).bind(2, core::to_millis(at)).run();
}

SqlResult<void> JournalWriter::keep(const std::string& key, const std::string& value) {
  return keep_.bind(1, key).bind(2, value).run();
}

SqlResult<void> JournalWriter::prune(core::TimePoint now) {
  const std::int64_t before = core::to_millis(now - kept_for);
  if (auto done = prune_rows_.bind(1, before).bind(2, max_pruned).run(); !done) return done;
  return prune_deadlines_.bind(1, before).run();
}

}  // namespace tocsin::state
