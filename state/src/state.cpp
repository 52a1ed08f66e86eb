#include "tocsin/state/state.hpp"

#include <utility>

#include "src/journal_rows.hpp"
#include "src/keeper.hpp"

namespace tocsin::state {
namespace {

class KeptJournal final : public Journal {
 public:
  explicit KeptJournal(Keeper& keeper) : keeper_(keeper) {}

  void append(core::ActionRecord record, Deadlines not_before, Receipt receipt) override {
    keeper_.write(JournalWrite{std::move(record), std::move(not_before), std::nullopt, std::move(receipt)});
  }
  void keep(std::string key, std::string value, Receipt receipt) override {
    if (value.size() > max_kept) {
      if (receipt) receipt("the value is larger than " + std::to_string(max_kept) + " bytes");
      return;
    }
    keeper_.write(JournalWrite{std::nullopt, {}, std::pair(std::move(key), std::move(value)), std::move(receipt)});
  }
  [[nodiscard]] const Remembered& remembered() const override { return keeper_.remembered(); }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t count) override {
    return keeper_.recent(count);
  }

 private:
  Keeper& keeper_;
};

class KeptLedger final : public Ledger {
 public:
  explicit KeptLedger(Keeper& keeper) : keeper_(keeper) {}

  void promise(Promise promise, Receipt receipt) override { keeper_.promise(std::move(promise), std::move(receipt)); }
  void remember(std::vector<core::Memory> memories) override { keeper_.remember(std::move(memories)); }
  void settled(std::string receiver, std::vector<std::pair<core::Labels, std::uint64_t>> alerts) override {
    keeper_.settle(receiver, alerts);
  }
  void keep_receivers(std::vector<std::string> receivers) override { keeper_.keep_receivers(std::move(receivers)); }
  void note(core::HistoryRecord record) override { keeper_.note(std::move(record)); }
  void keep_history_for(core::Duration time) override { keeper_.keep_history_for(time); }
  [[nodiscard]] Recalled take_recalled() override { return keeper_.take_recalled(); }
  [[nodiscard]] core::Result<std::vector<core::HistoryRecord>> history(const HistoryQuery& query) override {
    return keeper_.history(query);
  }
  [[nodiscard]] LedgerStatus status() const override { return keeper_.status(); }

 private:
  Keeper& keeper_;
};

/// A journal that has the state to itself.
class OwnJournal final : public Journal {
 public:
  explicit OwnJournal(std::unique_ptr<State> state) : state_(std::move(state)) {}
  void append(core::ActionRecord record, Deadlines not_before, Receipt receipt) override {
    state_->journal().append(std::move(record), std::move(not_before), std::move(receipt));
  }
  void keep(std::string key, std::string value, Receipt receipt) override {
    state_->journal().keep(std::move(key), std::move(value), std::move(receipt));
  }
  [[nodiscard]] const Remembered& remembered() const override { return state_->journal().remembered(); }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t count) override {
    return state_->journal().recent(count);
  }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace

class State::Impl {
 public:
  explicit Impl(std::unique_ptr<Keeper> its_keeper)
      : keeper(std::move(its_keeper)), journal(*keeper), ledger(*keeper) {}
  std::unique_ptr<Keeper> keeper;
  KeptJournal journal;
  KeptLedger ledger;
};

State::State(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
State::~State() = default;

boost::system::result<std::unique_ptr<State>, Refusal> State::open(const std::string& folder, StateOptions options) {
  auto keeper = Keeper::open(folder, std::move(options));
  if (!keeper) return keeper.error();
  return std::unique_ptr<State>(new State(std::make_unique<Impl>(std::move(*keeper))));
}

Journal& State::journal() { return impl_->journal; }
Ledger& State::ledger() { return impl_->ledger; }
const std::string& State::note() const { return impl_->keeper->remembered().note; }
std::uint64_t State::damaged() const { return impl_->keeper->damaged(); }

void Journal::keep(std::string /*key*/, std::string /*value*/, Receipt receipt) {
  if (receipt) receipt("this journal keeps no values");
}

core::Result<std::unique_ptr<Journal>> Journal::open(const std::string& folder) {
  auto state = State::open(folder);
  if (!state) return core::Failure{core::Outcome::internal, core::Phase::none, state.error().detail};
  return std::unique_ptr<Journal>(std::make_unique<OwnJournal>(std::move(*state)));
}

}  // namespace tocsin::state
