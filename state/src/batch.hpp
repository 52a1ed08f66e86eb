// What waits to be written. Pure: no thread and no database.
//
// Writes for which nobody waits, and those that the disk did not take, lie in `Lazy`: of each key only the newest
// value, so that a disk that comes back after an hour is given the truth and not its history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/history.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/memory.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::state {

using Receipt = std::function<void(std::optional<std::string>)>;

/// A row, or a value to keep.
struct JournalWrite {
  std::optional<core::ActionRecord> record;
  std::vector<std::pair<std::string, core::TimePoint>> not_before;
  std::optional<std::pair<std::string, std::string>> kept;
  Receipt receipt;
};

/// A newer order is a newer truth, of a key that several writes speak of.
using Order = std::uint64_t;

struct PromiseWrite {
  Promise promise;
  Receipt receipt;
  Order order = 0;
};
[[nodiscard]] std::size_t weight(const Promise& promise);

class Lazy {
 public:
  struct Value {
    Order order = 0;
    std::optional<std::string> value;
  };
  struct Debt {
    std::uint64_t settled = 0;                        // rows with this number or a lower one go
    std::shared_ptr<const core::AlertChange> change;  // null, or what is owed; its number is greater than `settled`
  };
  using Memories = std::unordered_map<std::string, Value>;
  using Debts = std::unordered_map<std::string, Debt>;  // by the labels' bytes
  struct Limits {
    std::size_t memories = 200'000;
    std::size_t debts = 400'000;
    std::size_t history = 50'000;
  };

  Lazy() = default;
  explicit Lazy(Limits limits) : limits_(limits) {}

  void remember(core::Memory memory, Order order);
  void settle(const std::string& receiver, const std::string& alert, std::uint64_t through);
  void keep_receivers(std::vector<std::string> receivers);
  void note(core::HistoryRecord record);
  /// A promise that the disk did not take.
  void take_in(const PromiseWrite& failed);
  /// A promise that the disk took: what was remembered before it is of no use any more.
  void supersede(const PromiseWrite& written);
  /// What was taken out and could not be written.
  void take_back(Lazy other);
  /// The next part, of about `most` writes.
  [[nodiscard]] Lazy take_out(std::size_t most);

  [[nodiscard]] bool empty() const { return size() == 0 && !receivers_; }
  [[nodiscard]] std::size_t size() const { return memories_.size() + debt_count_ + history_.size(); }
  /// Writes that were lost because there was no room for them.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  [[nodiscard]] const Memories& memories() const { return memories_; }
  [[nodiscard]] const std::unordered_map<std::string, Debts>& debts() const { return debts_; }
  [[nodiscard]] const std::deque<core::HistoryRecord>& history() const { return history_; }
  [[nodiscard]] const std::optional<std::vector<std::string>>& receivers() const { return receivers_; }

 private:
  void remember(std::string key, Value value);
  void owe(const std::string& receiver, const std::string& alert, std::uint64_t settled,
           std::shared_ptr<const core::AlertChange> change);
  [[nodiscard]] bool is_kept(const std::string& receiver) const;

  Limits limits_;
  Memories memories_;
  std::unordered_map<std::string, Debts> debts_;  // by receiver
  std::size_t debt_count_ = 0;
  std::deque<core::HistoryRecord> history_;
  std::optional<std::vector<std::string>> receivers_;
  std::uint64_t dropped_ = 0;
};

/// One transaction.
struct Batch {
  std::vector<JournalWrite> journal;
  std::vector<PromiseWrite> promises;
  Lazy lazy;
  std::optional<core::Duration> keep_history;
  [[nodiscard]] bool is_waited_for() const { return !journal.empty() || !promises.empty(); }
};

}  // namespace tocsin::state
