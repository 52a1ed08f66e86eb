// The rows of the ledger: memories, what is owed, the history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/sqlite.hpp"
#include "tocsin/core/history.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::state {

inline constexpr std::size_t max_history_read = 10'000;
inline constexpr std::int64_t max_history_rows = 1'000'000;

/// Reads what a start needs. Rows that are not what we write are passed over and counted.
[[nodiscard]] SqlResult<Recalled> load_ledger(Database& database, std::size_t& unreadable);
[[nodiscard]] SqlResult<std::vector<core::HistoryRecord>> read_history(Database& database, const HistoryQuery& query);

/// Prepared statements for the writer.
class LedgerWriter {
 public:
  [[nodiscard]] static SqlResult<LedgerWriter> make(Database& database);
  [[nodiscard]] SqlResult<void> remember(std::string_view key, std::string_view value);
  [[nodiscard]] SqlResult<void> forget(std::string_view key);
  /// Unless a greater number is owed already.
  [[nodiscard]] SqlResult<void> owe(std::string_view receiver, std::string_view alert, std::uint64_t number,
                                    std::string_view change);
  [[nodiscard]] SqlResult<void> settle(std::string_view receiver, std::string_view alert, std::uint64_t through);
  [[nodiscard]] SqlResult<void> keep_receivers(Database& database, const std::vector<std::string>& receivers);
  [[nodiscard]] SqlResult<void> note(const core::HistoryRecord& record);
  [[nodiscard]] SqlResult<void> set_last_number(std::uint64_t number);
  [[nodiscard]] SqlResult<void> set_last_alive(core::TimePoint at);
  /// Removes at most `most` rows from before `time`, and as many past the bound of rows.
  [[nodiscard]] SqlResult<void> prune(core::TimePoint time, std::int64_t newest_row, std::int64_t most);

 private:
  Statement remember_, forget_, owe_, settle_, note_, meta_, prune_old_, prune_many_;
};

}  // namespace tocsin::state
