#include "src/keeper.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "support/wait_until.hpp"

namespace tocsin::daemon {
namespace {

using namespace std::chrono_literals;
using ChangeKind = core::AlertChange::Kind;
using test::wait_until;

/// A ledger whose disk answers when the test says so.
class Disk final : public state::Ledger {
 public:
  void promise(state::Promise promise, Receipt receipt) override {
    const std::lock_guard lock(mutex);
    promises.push_back(std::move(promise));
    receipts.push_back(std::move(receipt));
  }
  void remember(std::vector<core::Memory> memories) override {
    const std::lock_guard lock(mutex);
    for (auto& memory : memories) remembered.push_back(std::move(memory));
  }
  void settled(std::string /*receiver*/, std::vector<std::pair<core::Labels, std::uint64_t>> /*alerts*/) override {}
  void keep_receivers(std::vector<std::string> /*receivers*/) override {}
  void note(core::HistoryRecord /*record*/) override {}
  void keep_history_for(core::Duration /*time*/) override {}
  state::Recalled take_recalled() override { return {}; }
  core::Result<std::vector<core::HistoryRecord>> history(const state::HistoryQuery& /*query*/) override {
    return std::vector<core::HistoryRecord>{};
  }
  state::LedgerStatus status() const override { return {}; }

  std::mutex mutex;
  std::vector<state::Promise> promises;
  std::vector<Receipt> receipts;
  std::vector<core::Memory> remembered;
};

core::AlertChange change(ChangeKind kind, const std::string& name) {
  core::AlertChange change;
  change.kind = kind;
  change.alert.rule = name;
  change.alert.labels = core::Labels{{"alertname", name}};
  return change;
}

class KeeperTest : public testing::Test {
 protected:
  ~KeeperTest() override {
    loop.stop();
    thread.join();
  }
  KeeperHooks hooks() {
    KeeperHooks all;
    all.receivers = [] { return std::vector<std::string>{"http://am1/", "http://am2/"}; };
    all.tell = [this](std::vector<core::AlertChange> changes) {
      const std::lock_guard lock(mutex);
      for (auto& one : changes) told.push_back(std::move(one));
    };
    all.disk_changed = [this](const std::optional<std::string>& problem) {
      const std::lock_guard lock(mutex);
      disk_news.push_back(problem.value_or("good"));
    };
    return all;
  }
  std::vector<std::string> names() {
    const std::lock_guard lock(mutex);
    std::vector<std::string> all;
    for (const auto& one : told) all.push_back(one.alert.rule);
    return all;
  }
  /// Keeps on the loop, as the judge does.
  void keep(Keeper& keeper, std::vector<core::AlertChange> changes, std::vector<core::Memory> memories = {}) {
    std::atomic<bool> done{false};
    loop.post([&] {
      keeper.keep(std::move(changes), std::move(memories));
      done = true;
    });
    ASSERT_TRUE(wait_until([&] { return done.load(); }));
  }

  net::Loop loop{[](const std::string& name, const std::string& what) { ADD_FAILURE() << name << what; }};
  std::thread thread{[this] { loop.run(); }};
  std::mutex mutex;
  std::vector<core::AlertChange> told;
  std::vector<std::string> disk_news;
  Disk disk;
};

using Names = std::vector<std::string>;

TEST_F(KeeperTest, TellsOnlyWhatIsOnDiskAndOwesItToEveryReceiver) {
  Keeper keeper(loop, &disk, 41, hooks());
  keep(keeper, {change(ChangeKind::firing, "A"), change(ChangeKind::pending, "B")}, {{"key", "value"}});
  EXPECT_TRUE(names().empty());
  ASSERT_EQ(disk.promises.size(), 1U);
  const state::Promise& promise = disk.promises[0];
  EXPECT_EQ(promise.receivers, (Names{"http://am1/", "http://am2/"}));
  ASSERT_EQ(promise.owed.size(), 1U) << "what is pending is not told to an Alertmanager";
  EXPECT_EQ(promise.owed[0].number, 42U) << "numbers go on where the process before stopped";
  EXPECT_EQ(promise.memories.size(), 1U);
  ASSERT_EQ(promise.history.size(), 2U);
  EXPECT_EQ(promise.history[1].event, "pending");
  disk.receipts[0](std::nullopt);
  EXPECT_EQ(names(), (Names{"A", "B"}));
  EXPECT_EQ(keeper.told_unkept(), 0U);
}

TEST_F(KeeperTest, OwesNobodyWhatIsWithheldButWritesItDown) {
  KeeperHooks all = hooks();
  all.withheld = [](const core::AlertChange& change) { return change.alert.rule == "Quiet"; };
  Keeper keeper(loop, &disk, 0, std::move(all));
  keep(keeper, {change(ChangeKind::firing, "Quiet"), change(ChangeKind::firing, "Loud")});
  ASSERT_EQ(disk.promises.size(), 1U);
  ASSERT_EQ(disk.promises[0].owed.size(), 1U);
  EXPECT_EQ(disk.promises[0].owed[0].alert.rule, "Loud");
  EXPECT_EQ(disk.promises[0].history.size(), 2U);
  disk.receipts[0](std::nullopt);
  EXPECT_EQ(names(), (Names{"Quiet", "Loud"})) << "actions and history hear of both";
}

TEST_F(KeeperTest, RepeatsNeedNoPromiseButKeepTheirPlace) {
  Keeper keeper(loop, &disk, 0, hooks());
  keep(keeper, {change(ChangeKind::repeated, "R")}, {{"sent", "now"}});
  EXPECT_EQ(names(), (Names{"R"}));
  EXPECT_TRUE(disk.promises.empty());
  EXPECT_EQ(disk.remembered.size(), 1U);
  keep(keeper, {change(ChangeKind::resolved, "A")});
  keep(keeper, {change(ChangeKind::repeated, "A2")});
  EXPECT_EQ(names(), (Names{"R"})) << "a repeat does not overtake what waits for the disk";
  disk.receipts[0](std::nullopt);
  EXPECT_EQ(names(), (Names{"R", "A", "A2"}));
}

TEST_F(KeeperTest, ADiskThatFailsStopsNothingAndIsSaidOnce) {
  Keeper keeper(loop, &disk, 0, hooks());
  keep(keeper, {change(ChangeKind::firing, "A")});
  disk.receipts[0]("no space left");
  keep(keeper, {change(ChangeKind::firing, "B")});
  disk.receipts[1]("no space left");
  EXPECT_EQ(names(), (Names{"A", "B"}));
  EXPECT_EQ(keeper.told_unkept(), 2U);
  EXPECT_EQ(disk_news, (Names{"no space left"}));
  keep(keeper, {change(ChangeKind::firing, "C")});
  disk.receipts[2](std::nullopt);
  EXPECT_EQ(disk_news, (Names{"no space left", "good"}));
}

TEST_F(KeeperTest, ADiskThatDoesNotAnswerIsWaitedForASecond) {
  Keeper keeper(loop, &disk, 0, hooks());
  const auto begun = std::chrono::steady_clock::now();
  keep(keeper, {change(ChangeKind::firing, "A")});
  ASSERT_TRUE(wait_until([&] { return names() == Names{"A"}; }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, Keeper::patience);
  EXPECT_EQ(keeper.told_unkept(), 1U);
  disk.receipts[0](std::nullopt);
  EXPECT_EQ(names(), (Names{"A"})) << "it is told once";
}

TEST_F(KeeperTest, WithoutALedgerAllIsToldAtOnce) {
  Keeper keeper(loop, nullptr, 0, hooks());
  keep(keeper, {change(ChangeKind::firing, "A")}, {{"key", "value"}});
  EXPECT_EQ(names(), (Names{"A"}));
}

TEST_F(KeeperTest, NothingIsToldAfterTheEnd) {
  {
    Keeper keeper(loop, &disk, 0, hooks());
    keep(keeper, {change(ChangeKind::firing, "A")});
  }
  disk.receipts[0](std::nullopt);
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace tocsin::daemon
