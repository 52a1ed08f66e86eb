// What must outlive the process, in SQLite on a thread of its own. Writers get a receipt when the row is on disk;
// nobody else waits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/journal.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::state {

/// Key and time.
using Deadlines = std::vector<std::pair<std::string, core::TimePoint>>;

/// What a start finds: rows of the 30 days before the newest row, newest first and bounded, and the persisted
/// deadlines.
struct Remembered {
  std::vector<core::ActionRecord> last_steps;  // the last step of each run that was begun; decisions alone are not here
  std::vector<core::ActionRecord>
      changes;  // every `started`, `succeeded` and `adopted` row: limits, and what a target was set to last
  Deadlines not_before;
  std::vector<std::pair<std::string, std::string>> kept;  // what `keep` was given last, by key
  std::string note;  // empty, or what a person should know: a damaged file was set aside, so nothing is remembered
};

class Journal {
 public:
  /// Called on the state thread when the write is on disk (empty) or failed (why); for a write that is refused because
  /// the queue is full, at once and on the thread that asked. Must not throw, and must not wait.
  using Receipt = std::function<void(std::optional<std::string>)>;

  /// Opens or makes `folder`/tocsin.db. Fails, in words that say what to do, where the folder cannot be written or
  /// another process has it.
  [[nodiscard]] static core::Result<std::unique_ptr<Journal>> open(const std::string& folder);
  /// Writes what waits, hands out the receipts, then closes.
  virtual ~Journal() = default;

  /// Appends a row and moves the deadlines that are given, in one transaction. Several writes that wait are committed
  /// together. A full queue (1,000) refuses at once through the receipt. The receipt may be empty. Any thread.
  virtual void append(core::ActionRecord record, Deadlines not_before, Receipt receipt) = 0;
  /// Keeps a value (4 MiB at most) under a key, in place of the one before; for what is no row of a history. The
  /// receipt is as with `append`. Any thread. A journal that has no room for such values refuses.
  virtual void keep(std::string key, std::string value, Receipt receipt);
  /// What was written before, read at open.
  [[nodiscard]] virtual const Remembered& remembered() const = 0;
  /// The newest rows (10,000 at most), newest first, for the page and the API. Any thread.
  [[nodiscard]] virtual core::Result<std::vector<core::ActionRecord>> recent(std::size_t count) = 0;
};

}  // namespace tocsin::state
