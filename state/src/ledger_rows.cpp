#include "src/ledger_rows.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "src/journal_rows.hpp"
#include "src/owed_codec.hpp"

namespace tocsin::state {
namespace {

// SQLite's integers have a sign; numbers of changes do not come near it.
std::int64_t stored(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

std::string_view cut(const std::string& text) { return std::string_view(text).substr(0, max_text); }

SqlResult<void> load_memories(Database& database, Recalled& into) {
  auto rows = database.prepare("SELECT key, value FROM memories ORDER BY key");
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return {};
    into.memories.push_back({rows->text(0), rows->text(1)});
  }
}

SqlResult<void> load_owed(Database& database, Recalled& into, std::size_t& unreadable) {
  auto rows = database.prepare("SELECT receiver, number, change FROM owed ORDER BY number");
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return {};
    auto change = decode_change(rows->text(2));
    if (!change) {
      ++unreadable;
      continue;
    }
    change->number = static_cast<std::uint64_t>(rows->number(1));
    into.last_number = std::max(into.last_number, change->number);
    into.owed.push_back({rows->text(0), std::move(*change)});
  }
}

}  // namespace

SqlResult<Recalled> load_ledger(Database& database, std::size_t& unreadable) {
  Recalled recalled;
  if (const auto done = load_memories(database, recalled); !done) return done.error();
  if (const auto done = load_owed(database, recalled, unreadable); !done) return done.error();
  auto meta = database.prepare("SELECT key, value FROM meta");
  if (!meta) return meta.error();
  for (;;) {
    const auto more = meta->step();
    if (!more) return more.error();
    if (!*more) return recalled;
    const std::string key = meta->text(0);
    if (key == "last_alive") recalled.last_alive = core::from_millis(meta->number(1));
    if (key == "last_number")
      recalled.last_number = std::max(recalled.last_number, static_cast<std::uint64_t>(meta->number(1)));
  }
}

SqlResult<std::vector<core::HistoryRecord>> read_history(Database& database, const HistoryQuery& query) {
  std::string sql = "SELECT at, kind, event, subject, labels, detail FROM history WHERE at >= ?1 AND at <= ?2";
  if (query.kind) sql += " AND kind = ?3";
  if (!query.subject.empty()) sql += " AND subject = ?4";
  auto rows = database.prepare(sql + " ORDER BY at DESC, number DESC LIMIT ?5");
  if (!rows) return rows.error();
  const auto last = std::numeric_limits<std::int64_t>::max();
  rows->bind(1, query.since ? core::to_millis(*query.since) : std::numeric_limits<std::int64_t>::min());
  rows->bind(2, query.until ? core::to_millis(*query.until) : last);
  if (query.kind) rows->bind(3, core::to_string(*query.kind));
  if (!query.subject.empty()) rows->bind(4, query.subject);
  rows->bind(5, static_cast<std::int64_t>(std::min(query.limit, max_history_read)));
  std::vector<core::HistoryRecord> found;
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return found;
    const auto kind = core::history_kind(rows->text(1));
    auto labels = decode_labels(rows->text(4));
    if (!kind || !labels) continue;
    core::HistoryRecord record;
    record.at = core::from_millis(rows->number(0));
    record.kind = *kind;
    record.event = rows->text(2);
    record.subject = rows->text(3);
    record.labels = std::move(*labels);
    record.detail = rows->text(5);
    found.push_back(std::move(record));
  }
}

SqlResult<LedgerWriter> LedgerWriter::make(Database& database) {
  LedgerWriter writer;
  struct Wanted {
    Statement* into;
    const char* sql;
  };
  const Wanted all[] = {
      {&writer.remember_,
       "INSERT INTO memories(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value"},
      {&writer.forget_, "DELETE FROM memories WHERE key = ?1"},
      {&writer.owe_,
       "INSERT INTO owed(receiver, alert, number, change) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(receiver, alert)"
       " DO UPDATE SET number = excluded.number, change = excluded.change WHERE excluded.number >= number"},
      {&writer.settle_, "DELETE FROM owed WHERE receiver = ?1 AND alert = ?2 AND number <= ?3"},
      {&writer.note_, "INSERT INTO history(at, kind, event, subject, labels, detail) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
      {&writer.meta_,
       "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value"},
      {&writer.prune_old_,
       "DELETE FROM history WHERE number IN (SELECT number FROM history WHERE at < ?1 ORDER BY at LIMIT ?2)"},
      {&writer.prune_many_,
       "DELETE FROM history WHERE number IN (SELECT number FROM history WHERE number <= ?1 ORDER BY number LIMIT ?2)"},
  };
  for (const Wanted& wanted : all) {
    if (const auto done = database.prepare(wanted.sql, *wanted.into); !done) return done.error();
  }
  return writer;
}

SqlResult<void> LedgerWriter::remember(std::string_view key, std::string_view value) {
  return remember_.bind(1, key).bind_bytes(2, value).run();
}

SqlResult<void> LedgerWriter::forget(std::string_view key) { return forget_.bind(1, key).run(); }

SqlResult<void> LedgerWriter::owe(std::string_view receiver, std::string_view alert, std::uint64_t number,
                                  std::string_view change) {
  return owe_.bind(1, receiver).bind_bytes(2, alert).bind(3, stored(number)).bind_bytes(4, change).run();
}

SqlResult<void> LedgerWriter::settle(std::string_view receiver, std::string_view alert, std::uint64_t through) {
  return settle_.bind(1, receiver).bind_bytes(2, alert).bind(3, stored(through)).run();
}

SqlResult<void> LedgerWriter::keep_receivers(Database& database, const std::vector<std::string>& receivers) {
  std::string sql = "DELETE FROM owed WHERE receiver NOT IN (";
  for (std::size_t i = 1; i <= receivers.size(); ++i) sql += (i > 1 ? ", ?" : "?") + std::to_string(i);
  auto statement = database.prepare(sql + ")");
  if (!statement) return statement.error();
  for (std::size_t i = 0; i < receivers.size(); ++i) statement->bind(static_cast<int>(i + 1), receivers[i]);
  return statement->run();
}

SqlResult<void> LedgerWriter::note(const core::HistoryRecord& record) {
  const std::string labels = encode(record.labels);
  return note_.bind(1, core::to_millis(record.at))
      .bind(2, core::to_string(record.kind))
      .bind(3, cut(record.event))
      .bind(4, cut(record.subject))
      .bind_bytes(5, labels)
      .bind(6, cut(record.detail))
      .run();
}

SqlResult<void> LedgerWriter::set_last_number(std::uint64_t number) {
  return meta_.bind(1, "last_number").bind(2, stored(number)).run();
}

SqlResult<void> LedgerWriter::set_last_alive(core::TimePoint at) {
  return meta_.bind(1, "last_alive").bind(2, core::to_millis(at)).run();
}

SqlResult<void> LedgerWriter::prune(core::TimePoint time, std::int64_t newest_row, std::int64_t most) {
  if (auto done = prune_old_.bind(1, core::to_millis(time)).bind(2, most).run(); !done) return done;
  if (newest_row <= max_history_rows) return {};
  return prune_many_.bind(1, newest_row - max_history_rows).bind(2, most).run();
}

}  // namespace tocsin::state
