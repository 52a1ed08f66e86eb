#include "src/batch.hpp"

#include <algorithm>
#include <iterator>

#include "src/owed_codec.hpp"

namespace tocsin::state {

std::size_t weight(const Promise& promise) {
  return promise.memories.size() + promise.owed.size() + promise.history.size();
}

void Lazy::remember(core::Memory memory, Order order) {
  remember(std::move(memory.key), Value{order, std::move(memory.value)});
}

void Lazy::remember(std::string key, Value value) {
  const auto known = memories_.find(key);
  if (known != memories_.end()) {
    if (known->second.order <= value.order) known->second = std::move(value);
    return;
  }
  if (memories_.size() >= limits_.memories) {
    ++dropped_;
    return;
  }
  memories_.emplace(std::move(key), std::move(value));
}

bool Lazy::is_kept(const std::string& receiver) const {
  return !receivers_ || std::find(receivers_->begin(), receivers_->end(), receiver) != receivers_->end();
}

void Lazy::owe(const std::string& receiver, const std::string& alert, std::uint64_t settled,
               std::shared_ptr<const core::AlertChange> change) {
  if (!is_kept(receiver)) return;
  Debts& debts = debts_[receiver];
  auto known = debts.find(alert);
  if (known == debts.end()) {
    if (debt_count_ >= limits_.debts) {
      ++dropped_;
      return;
    }
    known = debts.emplace(alert, Debt{}).first;
    ++debt_count_;
  }
  Debt& debt = known->second;
  debt.settled = std::max(debt.settled, settled);
  if (change && (!debt.change || debt.change->number <= change->number)) debt.change = std::move(change);
  if (debt.change && debt.change->number <= debt.settled) debt.change.reset();
}

void Lazy::settle(const std::string& receiver, const std::string& alert, std::uint64_t through) {
  owe(receiver, alert, through, nullptr);
}

void Lazy::keep_receivers(std::vector<std::string> receivers) {
  receivers_ = std::move(receivers);
  for (auto debts = debts_.begin(); debts != debts_.end();) {
    if (is_kept(debts->first)) {
      ++debts;
      continue;
    }
    debt_count_ -= debts->second.size();
    debts = debts_.erase(debts);
  }
}

void Lazy::note(core::HistoryRecord record) {
  history_.push_back(std::move(record));
  if (history_.size() <= limits_.history) return;
  history_.pop_front();
  ++dropped_;
}

void Lazy::take_in(const PromiseWrite& failed) {
  const Promise& promise = failed.promise;
  for (const core::Memory& memory : promise.memories) remember(memory, failed.order);
  for (const core::AlertChange& change : promise.owed) {
    const std::string alert = encode(change.alert.labels);
    const auto shared = std::make_shared<const core::AlertChange>(change);
    for (const std::string& receiver : promise.receivers) owe(receiver, alert, 0, shared);
  }
  for (const core::HistoryRecord& record : promise.history) note(record);
}

void Lazy::supersede(const PromiseWrite& written) {
  if (memories_.empty()) return;
  for (const core::Memory& memory : written.promise.memories) {
    const auto known = memories_.find(memory.key);
    if (known != memories_.end() && known->second.order < written.order) memories_.erase(known);
  }
}

void Lazy::take_back(Lazy other) {
  for (auto& [key, value] : other.memories_) remember(key, std::move(value));
  if (!receivers_) receivers_ = std::move(other.receivers_);
  for (auto& [receiver, debts] : other.debts_) {
    for (auto& [alert, debt] : debts) owe(receiver, alert, debt.settled, std::move(debt.change));
  }
  // What was taken out is older than what came since.
  other.history_.insert(other.history_.end(), std::make_move_iterator(history_.begin()),
                        std::make_move_iterator(history_.end()));
  history_.clear();
  for (core::HistoryRecord& record : other.history_) note(std::move(record));
}

Lazy Lazy::take_out(std::size_t most) {
  Lazy part(limits_);
  part.receivers_ = std::exchange(receivers_, std::nullopt);
  if (size() <= most) {
    part.memories_.swap(memories_);
    part.debts_.swap(debts_);
    part.history_.swap(history_);
    part.debt_count_ = std::exchange(debt_count_, 0);
    return part;
  }
  // What is owed before what is remembered: told twice is better than never.
  while (debt_count_ > 0 && part.size() < most) {
    const auto from = debts_.begin();
    if (from->second.empty()) {
      debts_.erase(from);
      continue;
    }
    part.debts_[from->first].insert(from->second.extract(from->second.begin()));
    --debt_count_;
    ++part.debt_count_;
  }
  while (!memories_.empty() && part.size() < most) part.memories_.insert(memories_.extract(memories_.begin()));
  while (!history_.empty() && part.size() < most) {
    part.history_.push_back(std::move(history_.front()));
    history_.pop_front();
  }
  return part;
}

}  // namespace tocsin::state
