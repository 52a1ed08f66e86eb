// The rows of the journal. They go in as they come and are never changed; old ones are pruned.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "src/sqlite.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::state {

inline constexpr core::Duration kept_for = std::chrono::hours{30 * 24};
/// A text longer than this is cut when it is written.
inline constexpr std::size_t max_text = 4096;
/// How many rows of a kind are read at a start, and how many `recent` gives.
inline constexpr std::size_t max_rows = 10'000;
/// Bytes of one value that is kept.
inline constexpr std::size_t max_kept = 4 * 1024 * 1024;
/// How many rows one commit removes at most.
inline constexpr std::int64_t max_pruned = 1'000;

/// Reads what a start needs.
[[nodiscard]] SqlResult<Remembered> load_journal(Database& database);
/// The newest rows, newest first.
[[nodiscard]] SqlResult<std::vector<core::ActionRecord>> newest(Database& database, std::size_t count);

/// Prepared statements for the writer.
class JournalWriter {
 public:
  [[nodiscard]] static SqlResult<JournalWriter> make(Database& database);
  [[nodiscard]] SqlResult<void> add(const core::ActionRecord& record);
  [[nodiscard]] SqlResult<void> set_not_before(const std::string& key, core::TimePoint at);
  [[nodiscard]] SqlResult<void> keep(const std::string& key, const std::string& value);
  /// Removes some of what is older than 30 days before `now`.
  [[nodiscard]] SqlResult<void> prune(core::TimePoint now);

 private:
  Statement insert_;
  Statement deadline_;
  Statement keep_;
  Statement prune_rows_;
  Statement prune_deadlines_;
};

}  // namespace tocsin::state
