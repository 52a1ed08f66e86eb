#include "src/keeper.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "src/owed_codec.hpp"
#include "src/schema.hpp"

namespace tocsin::state {
namespace {

constexpr std::size_t max_queued = 1'000;      // writes of the journal
constexpr std::size_t max_promised = 400'000;  // memories, changes and rows of history in promises that wait
constexpr std::size_t lazy_at_once = 20'000;   // in one transaction
constexpr std::chrono::seconds lazy_pause{1};  // what nobody waits for is collected for so long
constexpr int lowest_priority = 19;
constexpr std::chrono::seconds alive_pause{5};  // and the time when we were alive is written that often

}  // namespace

Keeper::~Keeper() {
  {
    const std::lock_guard guard(mutex_);
    closing_ = true;
    checked_.interrupt();
  }
  wake_.notify_one();
  if (checker_.joinable()) checker_.join();
  if (thread_.joinable()) thread_.join();
}

void Keeper::start() {
  thread_ = std::thread([this] { serve(); });
  checker_ = std::thread([this] { check_all(); });
}

void Keeper::tell(const std::string& text) const {
  if (options_.tell) options_.tell(text);
}

void Keeper::write(JournalWrite write) {
  {
    const std::lock_guard guard(mutex_);
    if (journal_.size() < max_queued) {
      journal_.push_back(std::move(write));
      wake_.notify_one();
      return;
    }
    ++status_.refused;
  }
  if (write.receipt)
    write.receipt("the journal's queue is full (" + std::to_string(max_queued) +
                  " writes wait; is the disk too slow?)");
}

void Keeper::promise(Promise promise, Receipt receipt) {
  PromiseWrite write{std::move(promise), std::move(receipt), 0};
  const std::size_t its_weight = weight(write.promise);
  {
    const std::lock_guard guard(mutex_);
    write.order = ++order_;
    if (promised_ + its_weight <= max_promised) {
      promised_ += its_weight;
      promises_.push_back(std::move(write));
      wake_.notify_one();
      return;
    }
    ++status_.refused;
    // It is not promised, but it is the truth: it goes with what is written when there is time.
    lazy_.take_in(write);
  }
  if (write.receipt)
    write.receipt("the queue of promises is full (" + std::to_string(max_promised) +
                  " changes wait; is the disk too slow?)");
}

void Keeper::remember(std::vector<core::Memory> memories) {
  const std::lock_guard guard(mutex_);
  const Order order = ++order_;
  for (core::Memory& memory : memories) lazy_.remember(std::move(memory), order);
  wake_.notify_one();
}

void Keeper::settle(const std::string& receiver, const std::vector<std::pair<core::Labels, std::uint64_t>>& alerts) {
  std::vector<std::pair<std::string, std::uint64_t>> keys;
  keys.reserve(alerts.size());
  for (const auto& [labels, number] : alerts) keys.emplace_back(encode(labels), number);
  const std::lock_guard guard(mutex_);
  for (const auto& [key, number] : keys) lazy_.settle(receiver, key, number);
  wake_.notify_one();
}

void Keeper::keep_receivers(std::vector<std::string> receivers) {
  const std::lock_guard guard(mutex_);
  lazy_.keep_receivers(std::move(receivers));
  wake_.notify_one();
}

void Keeper::note(core::HistoryRecord record) {
  const std::lock_guard guard(mutex_);
  lazy_.note(std::move(record));
  wake_.notify_one();
}

void Keeper::keep_history_for(core::Duration time) {
  const std::lock_guard guard(mutex_);
  keep_history_ = time;
}

LedgerStatus Keeper::status() const {
  const std::lock_guard guard(mutex_);
  LedgerStatus out = status_;
  out.usable = !failing_;
  out.queued = journal_.size() + promises_.size();
  out.unsaved = lazy_.size() + taken_;
  out.dropped = lazy_.dropped();
  return out;
}

core::Result<std::vector<core::ActionRecord>> Keeper::recent(std::size_t count) {
  const std::lock_guard guard(reader_mutex_);
  auto rows = newest(reader_, count);
  if (!rows) return failure("cannot read the journal: " + rows.error().text);
  return std::move(*rows);
}

core::Result<std::vector<core::HistoryRecord>> Keeper::history(const HistoryQuery& query) {
  const std::lock_guard guard(reader_mutex_);
  auto rows = read_history(reader_, query);
  if (!rows) return failure("cannot read the history: " + rows.error().text);
  return std::move(*rows);
}

bool Keeper::is_urgent() const {
  if (closing_ || !journal_.empty() || !promises_.empty() || !found_damage_.empty()) return true;
  return !failing_ && lazy_.size() >= lazy_at_once;
}

void Keeper::wait(std::unique_lock<std::mutex>& lock) {
  retry_now_ = false;
  const auto urgent = [this] { return is_urgent(); };
  const auto something = [this] { return is_urgent() || !lazy_.empty(); };
  if (lazy_.empty()) {
    // Without a clock there is nothing to say when nothing happens.
    if (!options_.clock) {
      wake_.wait(lock, something);
    } else if (!wake_.wait_for(lock, alive_pause, something)) {
      return;
    }
  }
  if (!urgent()) wake_.wait_for(lock, lazy_pause, urgent);
  retry_now_ = !urgent();
}

Batch Keeper::take_batch() {
  Batch batch;
  batch.journal.swap(journal_);
  batch.promises.swap(promises_);
  promised_ = 0;
  batch.keep_history = std::exchange(keep_history_, std::nullopt);
  // While writes fail, those who wait are not held up by all that could not be written before.
  if (!failing_ || retry_now_ || closing_) batch.lazy = lazy_.take_out(lazy_at_once);
  taken_ = batch.lazy.size();
  return batch;
}

void Keeper::serve() {
  for (;;) {
    Batch batch;
    std::string damage;
    bool closing = false;
    {
      std::unique_lock lock(mutex_);
      wait(lock);
      const bool nothing = journal_.empty() && promises_.empty() && lazy_.empty();
      if (closing_ && nothing) return;
      closing = closing_;
      damage = std::exchange(found_damage_, {});
      batch = take_batch();
    }
    if (!damage.empty()) mend(damage);
    handle(std::move(batch));
    const std::lock_guard guard(mutex_);
    // A disk that takes nothing is not waited for at the end.
    if (closing && failing_ && journal_.empty() && promises_.empty()) return;
  }
}

void Keeper::handle(Batch batch) {
  const auto done = write_or_mend(batch);
  std::optional<std::string> problem;
  if (!done) problem = done.error().text;
  done_with(batch, problem);
  for (JournalWrite& write : batch.journal) {
    if (!write.receipt) continue;
    write.receipt(problem ? std::optional("cannot write the journal: " + *problem) : std::nullopt);
  }
  for (PromiseWrite& write : batch.promises) {
    if (!write.receipt) continue;
    write.receipt(problem ? std::optional("cannot write what is owed: " + *problem) : std::nullopt);
  }
  if (problem) return;
  if (const auto tidied = books_->tidy(); !tidied) {
    const std::lock_guard guard(mutex_);
    ++status_.errors;
    status_.last_error = "cannot take over the log: " + tidied.error().text;
  }
}

SqlResult<void> Keeper::write_or_mend(const Batch& batch) {
  std::optional<core::TimePoint> now;
  if (options_.clock) now = options_.clock();
  if (batch.keep_history) history_time_ = batch.keep_history;
  if (!books_) {
    const auto begun = open_new();
    if (!begun) return SqlError{SQLITE_CANTOPEN, begun.error().detail};
    tell(*begun);
  }
  auto done = books_->write(batch, now, batch.is_waited_for());
  if (done || !done.error().damaged()) return done;
  mend(done.error().text);
  return books_ ? books_->write(batch, now, batch.is_waited_for()) : done;
}

void Keeper::done_with(Batch& batch, const std::optional<std::string>& problem) {
  const std::lock_guard guard(mutex_);
  taken_ = 0;
  const bool was_failing = std::exchange(failing_, problem.has_value());
  if (problem) {
    ++status_.errors;
    status_.last_error = *problem;
    for (const PromiseWrite& write : batch.promises) lazy_.take_in(write);
    lazy_.take_back(std::move(batch.lazy));
    if (batch.keep_history && !keep_history_) keep_history_ = batch.keep_history;
    return;
  }
  ++status_.commits;
  if (was_failing) status_.last_error.clear();
  for (const PromiseWrite& write : batch.promises) lazy_.supersede(write);
}

void Keeper::mend(const std::string& why) {
  const auto begun = begin_anew(why);
  tell(begun ? *begun : begun.error().detail);
}

void Keeper::check_all() {
  // There is no hurry: what a start needs has been checked.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, lowest_priority));
  const auto sound = check(checked_);
  const std::lock_guard guard(mutex_);
  checked_ = Database();
  const bool damaged = !sound && is_damage(sound.error());
  if (!damaged || closing_) return;
  found_damage_ = sound.error().text;
  wake_.notify_one();
}

}  // namespace tocsin::state
