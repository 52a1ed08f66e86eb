// The database, opened for writing, and what one transaction writes into it. Of the state thread alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "src/batch.hpp"
#include "src/journal_rows.hpp"
#include "src/ledger_rows.hpp"
#include "src/sqlite.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::state {

class Books {
 public:
  /// Opens or makes the database at `path`; its error may say that the file is damaged.
  [[nodiscard]] static SqlResult<std::unique_ptr<Books>> open(const std::string& path);

  /// All of it in one transaction, or none of it. With `synced` it is on disk when this returns. `now` is written as
  /// the time when we were alive, at most every 5 s.
  [[nodiscard]] SqlResult<void> write(const Batch& batch, std::optional<core::TimePoint> now, bool synced);
  /// Takes the log over into the database when it has grown; not while somebody waits.
  [[nodiscard]] SqlResult<void> tidy();
  [[nodiscard]] Database& database() { return database_; }
  void keep_history_for(core::Duration time) { keep_history_ = time; }

 private:
  /// What becomes true when the transaction is committed.
  struct Progress {
    core::TimePoint latest{};  // of all times that were written
    std::uint64_t last_number = 0;
    std::size_t notes = 0;
    bool rows = false;  // of the journal
  };

  Books() = default;
  [[nodiscard]] SqlResult<void> prepare();
  [[nodiscard]] SqlResult<void> set_synced(bool synced);
  [[nodiscard]] SqlResult<void> transaction(const Batch& batch, std::optional<core::TimePoint> now, Progress& progress);
  [[nodiscard]] SqlResult<void> write_journal(const Batch& batch, Progress& progress);
  [[nodiscard]] SqlResult<void> write_memories(const Batch& batch);
  [[nodiscard]] SqlResult<void> write_promises(const Batch& batch, Progress& progress);
  [[nodiscard]] SqlResult<void> write_lazy(const Lazy& lazy, Progress& progress);
  [[nodiscard]] SqlResult<void> write_notes(const Batch& batch, Progress& progress);
  [[nodiscard]] SqlResult<void> prune(const Progress& progress, core::TimePoint alive);

  int log_pages_ = 0;  // before the database, whose hook writes it
  Database database_;
  JournalWriter journal_;
  LedgerWriter ledger_;
  core::Duration keep_history_ = kept_for;
  std::uint64_t last_number_ = 0;
  std::optional<core::TimePoint> alive_;  // as it was written last
  bool synced_ = true;
};

}  // namespace tocsin::state
