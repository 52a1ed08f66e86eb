#include "src/books.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "src/owed_codec.hpp"
#include "src/schema.hpp"

namespace tocsin::state {
namespace {

constexpr core::Duration alive_step = std::chrono::seconds{5};
constexpr int log_pages_kept = 1'000;
constexpr std::size_t pruned_at_least = 1'000;

core::Duration distance(core::TimePoint a, core::TimePoint b) { return a < b ? b - a : a - b; }

}  // namespace

SqlResult<std::unique_ptr<Books>> Books::open(const std::string& path) {
  auto database = open_database(path);
  if (!database) return database.error();
  std::unique_ptr<Books> books(new Books);  // not make_unique: the constructor is private
  books->database_ = std::move(*database);
  if (const auto done = books->prepare(); !done) return done.error();
  return books;
}

SqlResult<void> Books::prepare() {
  auto journal = JournalWriter::make(database_);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  auto ledger = LedgerWriter::make(database_);
  if (!ledger) return ledger.error();
  ledger_ = std::move(*ledger);
  const auto number = database_.number("SELECT value FROM meta WHERE key = 'last_number'");
  if (!number) return number.error();
  last_number_ = static_cast<std::uint64_t>(*number);
  database_.count_log_pages(log_pages_);
  return {};
}

SqlResult<void> Books::set_synced(bool synced) {
  if (synced == synced_) return {};
  auto done = database_.execute(synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (done) synced_ = synced;
  return done;
}

SqlResult<void> Books::write(const Batch& batch, std::optional<core::TimePoint> now, bool synced) {
  if (batch.keep_history) keep_history_ = *batch.keep_history;
  if (auto done = set_synced(synced); !done) return done;
  Progress progress;
  progress.last_number = last_number_;
  auto done = transaction(batch, now, progress);
  if (!done) {
    if (database_.in_transaction()) {
      if (const auto undone = database_.execute("ROLLBACK"); !undone)
        return SqlError{done.error().code, done.error().text + "; " + undone.error().text};
    }
    return done;
  }
  last_number_ = progress.last_number;
  const core::TimePoint alive = now.value_or(progress.latest);
  if (alive != core::TimePoint{} && (!alive_ || distance(*alive_, alive) >= alive_step)) alive_ = alive;
  return {};
}

SqlResult<void> Books::transaction(const Batch& batch, std::optional<core::TimePoint> now, Progress& progress) {
  if (auto done = database_.execute("BEGIN IMMEDIATE"); !done) return done;
  if (auto done = write_journal(batch, progress); !done) return done;
  if (auto done = write_memories(batch); !done) return done;
  if (auto done = write_promises(batch, progress); !done) return done;
  if (auto done = write_lazy(batch.lazy, progress); !done) return done;
  if (auto done = write_notes(batch, progress); !done) return done;
  if (progress.last_number != last_number_) {
    if (auto done = ledger_.set_last_number(progress.last_number); !done) return done;
  }
  const core::TimePoint alive = now.value_or(progress.latest);
  if (alive != core::TimePoint{} && (!alive_ || distance(*alive_, alive) >= alive_step)) {
    if (auto done = ledger_.set_last_alive(alive); !done) return done;
  }
  if (auto done = prune(progress, alive); !done) return done;
  return database_.execute("COMMIT");
}

SqlResult<void> Books::write_journal(const Batch& batch, Progress& progress) {
  for (const JournalWrite& write : batch.journal) {
    if (write.kept) {
      if (auto done = journal_.keep(write.kept->first, write.kept->second); !done) return done;
    }
    if (!write.record) continue;
    if (auto done = journal_.add(*write.record); !done) return done;
    progress.latest = std::max(progress.latest, write.record->at);
    progress.rows = true;
    for (const auto& [key, at] : write.not_before) {
      if (auto done = journal_.set_not_before(key, at); !done) return done;
    }
  }
  return {};
}

SqlResult<void> Books::write_memories(const Batch& batch) {
  struct Row {
    std::string_view key;
    Order order;
    const std::optional<std::string>* value;
  };
  std::vector<Row> rows;
  for (const PromiseWrite& write : batch.promises) {
    for (const core::Memory& memory : write.promise.memories) rows.push_back({memory.key, write.order, &memory.value});
  }
  for (const auto& [key, value] : batch.lazy.memories()) rows.push_back({key, value.order, &value.value});
  // Of each key the newest, in the order in which the table has them.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.key != b.key ? a.key < b.key : a.order < b.order; });
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    const auto next = std::next(row);
    if (next != rows.end() && next->key == row->key) continue;
    auto done = *row->value ? ledger_.remember(row->key, **row->value) : ledger_.forget(row->key);
    if (!done) return done;
  }
  return {};
}

SqlResult<void> Books::write_promises(const Batch& batch, Progress& progress) {
  for (const PromiseWrite& write : batch.promises) {
    for (const core::AlertChange& change : write.promise.owed) {
      progress.latest = std::max(progress.latest, change.at);
      progress.last_number = std::max(progress.last_number, change.number);
      const std::string alert = encode(change.alert.labels);
      const std::string bytes = encode(change);
      for (const std::string& receiver : write.promise.receivers) {
        if (auto done = ledger_.owe(receiver, alert, change.number, bytes); !done) return done;
      }
    }
  }
  return {};
}

SqlResult<void> Books::write_lazy(const Lazy& lazy, Progress& progress) {
  for (const auto& [receiver, debts] : lazy.debts()) {
    for (const auto& [alert, debt] : debts) {
      if (debt.settled > 0) {
        if (auto done = ledger_.settle(receiver, alert, debt.settled); !done) return done;
      }
      if (!debt.change) continue;
      progress.last_number = std::max(progress.last_number, debt.change->number);
      auto done = ledger_.owe(receiver, alert, debt.change->number, encode(*debt.change));
      if (!done) return done;
    }
  }
  if (lazy.receivers()) return ledger_.keep_receivers(database_, *lazy.receivers());
  return {};
}

SqlResult<void> Books::write_notes(const Batch& batch, Progress& progress) {
  const auto note = [this, &progress](const core::HistoryRecord& record) {
    progress.latest = std::max(progress.latest, record.at);
    ++progress.notes;
    return ledger_.note(record);
  };
  for (const core::HistoryRecord& record : batch.lazy.history()) {
    if (auto done = note(record); !done) return done;
  }
  for (const PromiseWrite& write : batch.promises) {
    for (const core::HistoryRecord& record : write.promise.history) {
      if (auto done = note(record); !done) return done;
    }
  }
  return {};
}

SqlResult<void> Books::prune(const Progress& progress, core::TimePoint alive) {
  if (progress.rows) {
    if (auto done = journal_.prune(progress.latest); !done) return done;
  }
  if (alive == core::TimePoint{}) return {};
  // Whatever a commit adds, it can take away more.
  const std::size_t most = std::max(pruned_at_least, 2 * progress.notes);
  const std::int64_t newest = progress.notes > 0 ? database_.last_row() : 0;
  return ledger_.prune(alive - keep_history_, newest, static_cast<std::int64_t>(most));
}

SqlResult<void> Books::tidy() {
  if (log_pages_ < log_pages_kept) return {};
  log_pages_ = 0;
  return database_.checkpoint();
}

}  // namespace tocsin::state
