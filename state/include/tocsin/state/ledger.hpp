// What tocsin owes and must not forget: states of alerts, what each receiver is yet to be told, and the history. In the
// same database and on the same thread as the journal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/history.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::state {

/// One transaction: what an evaluation changed, and what is owed because of it.
struct Promise {
  std::vector<core::Memory> memories;
  std::vector<core::AlertChange> owed;  // firing and resolved; a number each
  std::vector<std::string> receivers;   // to each of them
  std::vector<core::HistoryRecord> history;
};

/// A change that a receiver has not taken yet; of each alert only the newest.
struct Owed {
  std::string receiver;
  core::AlertChange change;
};

/// What a start finds.
struct Recalled {
  std::vector<core::Memory> memories;  // sorted by key; each has a value
  std::vector<Owed> owed;              // in the order of their numbers
  std::uint64_t last_number = 0;       // the greatest that was ever given
  std::optional<core::TimePoint> last_alive;
};

struct HistoryQuery {
  std::optional<core::TimePoint> since, until;
  std::optional<core::HistoryKind> kind;
  std::string subject;  // empty: any
  std::size_t limit = 1000;
};

struct LedgerStatus {
  bool usable = true;  // the last write went to disk
  std::uint64_t errors = 0;
  std::uint64_t refused = 0;  // writes for which the queue had no room
  std::uint64_t dropped = 0;  // of those for which nobody waits, and of those that failed before: lost for want of room
  std::size_t unsaved = 0;    // newest values that are not on disk yet
  std::uint64_t commits = 0;
  std::size_t queued = 0;
  std::string last_error;
};

class Ledger {
 public:
  /// As with the journal: called on the state thread when it is on disk (nothing), or failed (why); at once and on the
  /// thread that asked if the queue is full. Must not throw, and must not wait.
  using Receipt = std::function<void(std::optional<std::string>)>;

  virtual ~Ledger() = default;

  /// One transaction, synced before the receipt. What the disk does not take is kept in memory, as the newest state of
  /// each key, and written as soon as it does. Any thread.
  virtual void promise(Promise promise, Receipt receipt) = 0;
  /// Newer values of what is known, for which nobody waits (when an alert was last sent): written with the next commit,
  /// within a second, not synced. Several for one key that wait become one. Any thread.
  virtual void remember(std::vector<core::Memory> memories) = 0;
  /// A receiver took these (or they were given up): rows of that alert with this number or a lower one go. Written as
  /// with `remember`. Any thread.
  virtual void settled(std::string receiver, std::vector<std::pair<core::Labels, std::uint64_t>> alerts) = 0;
  /// What is owed to receivers that are not among these is forgotten. Any thread.
  virtual void keep_receivers(std::vector<std::string> receivers) = 0;
  /// A row of the history; written as with `remember`. Any thread.
  virtual void note(core::HistoryRecord record) = 0;
  /// How long rows of the history stay. Any thread.
  virtual void keep_history_for(core::Duration time) = 0;

  /// What was written before; read at open, given away once.
  [[nodiscard]] virtual Recalled take_recalled() = 0;
  /// Newest first, 10,000 at most; what was noted in the last second may be missing. Any thread; blocks for the time of
  /// a query.
  [[nodiscard]] virtual core::Result<std::vector<core::HistoryRecord>> history(const HistoryQuery& query) = 0;
  /// Any thread.
  [[nodiscard]] virtual LedgerStatus status() const = 0;
};

}  // namespace tocsin::state
