#include "src/keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <utility>

namespace tocsin::daemon {
namespace {

using Kind = core::AlertChange::Kind;

bool is_owed(const core::AlertChange& change) { return change.kind == Kind::firing || change.kind == Kind::resolved; }

bool is_news(const core::AlertChange& change) { return change.kind != Kind::repeated; }

core::HistoryRecord history_of(const core::AlertChange& change) {
  core::HistoryRecord record;
  record.at = change.at;
  record.kind = core::HistoryKind::alert;
  record.event = to_string(change.kind);
  record.subject = change.alert.rule;
  record.labels = change.alert.labels;
  record.detail = fmt::format("value {}", change.alert.value);
  return record;
}

}  // namespace

struct Keeper::Impl : std::enable_shared_from_this<Impl> {
  struct Waiting {
    std::uint64_t turn = 0;
    std::vector<core::AlertChange> changes;
  };

  Impl(net::Loop& loop_, state::Ledger* ledger_, std::uint64_t last_number, KeeperHooks hooks_)
      : loop(loop_), ledger(ledger_), number(last_number), hooks(std::move(hooks_)) {}

  void keep(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories);
  void promise(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories);
  void receipt(std::uint64_t turn, const std::optional<std::string>& problem);
  void release(std::uint64_t turn, bool kept);
  [[nodiscard]] bool owes(const core::AlertChange& change) const {
    return is_owed(change) && !(hooks.withheld && hooks.withheld(change));
  }

  net::Loop& loop;
  state::Ledger* ledger;
  std::uint64_t number;
  KeeperHooks hooks;
  std::atomic<std::uint64_t> unkept{0};
  std::uint64_t turns = 0;

  std::mutex mutex;  // guards what follows; held while telling, so that the order stays
  std::deque<Waiting> waiting;
  bool disk_good = true;
  bool gone = false;
};

void Keeper::Impl::keep(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories) {
  for (core::AlertChange& change : changes) change.number = ++number;
  if (ledger != nullptr && std::any_of(changes.begin(), changes.end(), is_news)) {
    promise(std::move(changes), std::move(memories));
    return;
  }
  if (ledger != nullptr && !memories.empty()) ledger->remember(std::move(memories));
  if (changes.empty()) return;
  const std::uint64_t turn = ++turns;
  bool first = false;
  {
    const std::lock_guard lock(mutex);
    first = waiting.empty();
    waiting.push_back({turn, std::move(changes)});
  }
  // Behind what waits for the disk it has to wait too: of one alert the newest state must come last.
  if (first) release(turn, true);
}

void Keeper::Impl::promise(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories) {
  state::Promise promise;
  promise.memories = std::move(memories);
  std::copy_if(changes.begin(), changes.end(), std::back_inserter(promise.owed),
               [this](const core::AlertChange& change) { return owes(change); });
  if (!promise.owed.empty()) promise.receivers = hooks.receivers();
  for (const core::AlertChange& change : changes) {
    if (is_news(change)) promise.history.push_back(history_of(change));
  }
  const std::uint64_t turn = ++turns;
  {
    const std::lock_guard lock(mutex);
    waiting.push_back({turn, std::move(changes)});
  }
  ledger->promise(std::move(promise), [self = shared_from_this(), turn](const std::optional<std::string>& problem) {
    self->receipt(turn, problem);
  });
  loop.post_after(patience, [self = shared_from_this(), turn] { self->release(turn, false); });
}

void Keeper::Impl::receipt(std::uint64_t turn, const std::optional<std::string>& problem) {
  bool news = false;
  {
    const std::lock_guard lock(mutex);
    news = std::exchange(disk_good, !problem) == problem.has_value();
    if (gone) return;
  }
  if (news) hooks.disk_changed(problem);
  release(turn, !problem);
}

/// Tells everything up to and with this turn, and what waits behind it without a promise of its own.
void Keeper::Impl::release(std::uint64_t turn, bool kept) {
  const std::lock_guard lock(mutex);
  while (!gone && !waiting.empty() && waiting.front().turn <= turn) {
    auto changes = std::move(waiting.front().changes);
    waiting.pop_front();
    if (!kept) unkept += static_cast<std::uint64_t>(std::count_if(changes.begin(), changes.end(), is_owed));
    hooks.tell(std::move(changes));
  }
  while (!gone && !waiting.empty() &&
         std::none_of(waiting.front().changes.begin(), waiting.front().changes.end(), is_news)) {
    auto changes = std::move(waiting.front().changes);
    waiting.pop_front();
    hooks.tell(std::move(changes));
  }
}

Keeper::Keeper(net::Loop& loop, state::Ledger* ledger, std::uint64_t last_number, KeeperHooks hooks)
    : impl_(std::make_shared<Impl>(loop, ledger, last_number, std::move(hooks))) {}

Keeper::~Keeper() { close(); }

void Keeper::close() {
  const std::lock_guard lock(impl_->mutex);
  impl_->gone = true;
}

void Keeper::keep(std::vector<core::AlertChange> changes, std::vector<core::Memory> memories) {
  impl_->keep(std::move(changes), std::move(memories));
}

std::uint64_t Keeper::told_unkept() const { return impl_->unkept; }

}  // namespace tocsin::daemon
