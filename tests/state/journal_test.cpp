// The journal against real files: receipts, restarts, kills, a second owner, damage, full disks and full queues.
#include "tocsin/state/journal.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <thread>

namespace tocsin::state {
namespace {

using core::ActionRecord;
using core::ActionStep;
using std::chrono::seconds;
using testing::HasSubstr;
namespace fs = std::filesystem;

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tocsin-state-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Journal> open() const {
    auto journal = Journal::open(folder_);
    if (!journal) {
      ADD_FAILURE() << journal.error().detail;
      return nullptr;
    }
    return std::move(*journal);
  }
  [[nodiscard]] std::string database() const { return folder_ + "/tocsin.db"; }

  std::string folder_;
};

ActionRecord record(const std::string& id, ActionStep step = ActionStep::claimed, std::int64_t at = 1'700'000'000'000) {
  ActionRecord made;
  made.id = id;
  made.action = "grow";
  made.target = "cache";
  made.step = step;
  made.at = core::from_millis(at);
  made.from = "small";
  made.to = "medium";
  made.alert = "{alertname=\"Full\"}";
  made.reason = "because";
  return made;
}

/// Appends and waits for the receipt.
std::optional<std::string> put(Journal& journal, ActionRecord row, Deadlines not_before = {}) {
  auto done = std::make_shared<std::promise<std::optional<std::string>>>();
  auto answer = done->get_future();
  journal.append(std::move(row), std::move(not_before),
                 [done](std::optional<std::string> why) { done->set_value(std::move(why)); });
  if (answer.wait_for(seconds(20)) != std::future_status::ready) return "no receipt in 20 s";
  return answer.get();
}

/// Keeps and waits for the receipt.
std::optional<std::string> keep(Journal& journal, std::string key, std::string value) {
  auto done = std::make_shared<std::promise<std::optional<std::string>>>();
  auto answer = done->get_future();
  journal.keep(std::move(key), std::move(value),
               [done](std::optional<std::string> why) { done->set_value(std::move(why)); });
  if (answer.wait_for(seconds(20)) != std::future_status::ready) return "no receipt in 20 s";
  return answer.get();
}

TEST_F(JournalTest, KeepsTheLastValueOfAKeyOverARestart) {
  const std::string bytes("a\0b\xff", 4);
  {
    const auto journal = open();
    EXPECT_TRUE(journal->remembered().kept.empty());
    EXPECT_EQ(keep(*journal, "push/a", "first"), std::nullopt);
    EXPECT_EQ(keep(*journal, "push/b", bytes), std::nullopt);
    EXPECT_EQ(keep(*journal, "push/a", "second"), std::nullopt);
    EXPECT_NE(keep(*journal, "push/c", std::string(5 * 1024 * 1024, 'x')), std::nullopt);
    EXPECT_EQ(put(*journal, record("1")), std::nullopt);
  }
  const auto journal = open();
  using Kept = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(journal->remembered().kept, (Kept{{"push/a", "second"}, {"push/b", bytes}}));
  EXPECT_EQ(journal->remembered().changes.size(), 0U);
}

// A file of the format before this one is taken over as it is.
TEST_F(JournalTest, AnOlderFileGetsWhatItLacks) {
  {
    const auto journal = open();
    EXPECT_EQ(put(*journal, record("1", ActionStep::started)), std::nullopt);
  }
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "DROP TABLE kept; PRAGMA user_version = 1", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  const auto journal = open();
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->remembered().changes.size(), 1U);
  EXPECT_EQ(keep(*journal, "k", "v"), std::nullopt);
}

TEST_F(JournalTest, KeepsEveryFieldOverARestart) {
  {
    const auto journal = open();
    ActionRecord row = record("a", ActionStep::started);
    row.reason = std::string("quote ' nul \0 and \xc3\xa9", 20);
    row.from.clear();
    EXPECT_EQ(put(*journal, row, {{"target/cache", core::from_millis(1'700'000'123'456)}}), std::nullopt);
  }
  const auto journal = open();
  const Remembered& found = journal->remembered();
  EXPECT_EQ(found.note, "");
  ASSERT_EQ(found.last_steps.size(), 1U);
  const ActionRecord& row = found.last_steps[0];
  EXPECT_EQ(row.id, "a");
  EXPECT_EQ(row.action, "grow");
  EXPECT_EQ(row.target, "cache");
  EXPECT_EQ(row.step, ActionStep::started);
  EXPECT_EQ(core::to_millis(row.at), 1'700'000'000'000);
  EXPECT_EQ(row.from, "");
  EXPECT_EQ(row.to, "medium");
  EXPECT_EQ(row.alert, "{alertname=\"Full\"}");
  EXPECT_EQ(row.reason, std::string("quote ' nul \0 and \xc3\xa9", 20));
  ASSERT_EQ(found.not_before.size(), 1U);
  EXPECT_EQ(found.not_before[0].first, "target/cache");
  EXPECT_EQ(core::to_millis(found.not_before[0].second), 1'700'000'123'456);
}

TEST_F(JournalTest, RemembersTheLastStepOfEachRunNewestFirstAndEveryChange) {
  {
    const auto journal = open();
    for (const ActionStep step :
         {ActionStep::claimed, ActionStep::started, ActionStep::succeeded, ActionStep::effective}) {
      put(*journal, record("one", step));
    }
    put(*journal, record("two", ActionStep::started));
    for (const ActionStep step : {ActionStep::proposed, ActionStep::shadow, ActionStep::skipped}) {
      put(*journal, record(std::string(core::to_string(step)), step));
    }
    put(*journal, record("given up", ActionStep::claimed));
    put(*journal, record("given up", ActionStep::skipped));
    put(*journal, record("one", ActionStep::ineffective));
  }
  const auto journal = open();
  const auto& last = journal->remembered().last_steps;
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].id, "one");
  EXPECT_EQ(last[0].step, ActionStep::ineffective);
  EXPECT_EQ(last[1].id, "two");
  EXPECT_EQ(last[1].step, ActionStep::started);
  const auto& changes = journal->remembered().changes;
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].id, "two");
  EXPECT_EQ(changes[1].step, ActionStep::succeeded);
  EXPECT_EQ(changes[2].step, ActionStep::started);
}

TEST_F(JournalTest, DeadlinesMoveInPlaceAndSeveralWithOneRow) {
  {
    const auto journal = open();
    put(*journal, record("a"), {{"k", core::from_millis(1'700'000'000'500)}});
    put(*journal, record("a"),
        {{"k", core::from_millis(1'700'000'000'400)}, {"other", core::from_millis(1'700'000'000'300)}});
  }
  const auto journal = open();
  const Deadlines expected{{"k", core::from_millis(1'700'000'000'400)},
                           {"other", core::from_millis(1'700'000'000'300)}};
  EXPECT_EQ(journal->remembered().not_before, expected);
}

TEST_F(JournalTest, RecentGivesTheNewestFirstAndNoMoreThanAsked) {
  const auto journal = open();
  for (int i = 0; i < 5; ++i) put(*journal, record(std::to_string(i)));
  const auto rows = journal->recent(2);
  ASSERT_TRUE(rows) << rows.error().detail;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].id, "4");
  EXPECT_EQ((*rows)[1].id, "3");
  EXPECT_EQ(journal->recent(0)->size(), 0U);
}

TEST_F(JournalTest, RecentMayBeAskedFromManyThreadsWhileOthersWrite) {
  const auto journal = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&journal] {
      for (int i = 0; i < 50; ++i) {
        const auto rows = journal->recent(100);
        EXPECT_TRUE(rows) << rows.error().detail;
      }
    });
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(put(*journal, record(std::to_string(i))), std::nullopt);
  for (std::thread& thread : threads) thread.join();
}

TEST_F(JournalTest, ASecondOwnerIsRefusedInWordsAndMayComeAfterTheFirst) {
  {
    const auto first = open();
    const auto second = Journal::open(folder_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().detail, "the data folder " + folder_ + " is in use by another tocsin (process " +
                                         std::to_string(::getpid()) +
                                         ") (stop that one, or give this one a folder of its own)");
  }
  EXPECT_NE(open(), nullptr);
}

TEST_F(JournalTest, ASecondProcessIsRefused) {
  const auto first = open();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(Journal::open(folder_) ? 1 : 42);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST_F(JournalTest, FilesArePrivate) {
  { std::ofstream(database()).flush(); }
  fs::permissions(database(), fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
  const auto journal = open();
  put(*journal, record("a"));
  for (const char* name : {"tocsin.db", "tocsin.db-wal", "tocsin.db-shm", "tocsin.lock"}) {
    struct stat info {};
    ASSERT_EQ(::stat((folder_ + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(JournalTest, MakesTheFolderButNotItsParents) {
  EXPECT_TRUE(Journal::open(folder_ + "/data"));
  const auto deeper = Journal::open(folder_ + "/no/such");
  ASSERT_FALSE(deeper);
  EXPECT_THAT(deeper.error().detail,
              HasSubstr("cannot make the data folder " + folder_ + "/no/such: No such file or directory (make it"));
}

TEST_F(JournalTest, AFolderThatCannotBeWrittenIsRefusedInWords) {
  if (::geteuid() == 0) {
    // Root may write anywhere; somebody else may not.
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(3);
      const auto journal = Journal::open(folder_);
      ::_exit(!journal && journal.error().detail.find("cannot write to the data folder") == 0 ? 42 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 42);
    return;
  }
  ASSERT_EQ(::chmod(folder_.c_str(), 0500), 0);
  const auto journal = Journal::open(folder_);
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().detail, HasSubstr("cannot write to the data folder"));
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
}

// Forks a writer that tells of each receipt through a pipe, kills it in the middle, and compares.
TEST_F(JournalTest, WhatHasAReceiptOutlivesAKill) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = Journal::open(folder_);
    if (!journal) ::_exit(1);
    for (int number = 0;; ++number) {
      const int out = pipe[1];
      (*journal)->append(record(std::to_string(number)), {}, [number, out](const std::optional<std::string>& why) {
        if (!why && ::write(out, &number, sizeof number) < 0) ::_exit(2);
      });
      if (number % 8 == 7) put(**journal, record("wait"));
    }
  }
  ::close(pipe[1]);
  std::vector<int> received;
  for (int number = 0; ::read(pipe[0], &number, sizeof number) == sizeof number;) {
    received.push_back(number);
    if (received.size() == 300) ::kill(child, SIGKILL);
  }
  ::close(pipe[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GE(received.size(), 300U);

  const auto journal = open();
  std::set<std::string> found;
  for (const ActionRecord& row : journal->remembered().last_steps) found.insert(row.id);
  for (const int number : received) EXPECT_TRUE(found.contains(std::to_string(number))) << number;
}

TEST_F(JournalTest, WhatWaitsIsWrittenWhenItCloses) {
  std::atomic<int> receipts = 0;
  {
    const auto journal = open();
    for (int i = 0; i < 200; ++i) {
      journal->append(record(std::to_string(i)), {},
                      [&receipts](const std::optional<std::string>& why) { receipts += why ? 0 : 1; });
    }
  }
  EXPECT_EQ(receipts, 200);
  EXPECT_EQ(open()->remembered().last_steps.size(), 200U);
}

/// Holds the state thread inside a receipt until it is let go.
class Held {
 public:
  explicit Held(Journal& journal, std::int64_t at = 1'700'000'000'000) {
    journal.append(record("held", ActionStep::failed, at), {}, [this](const std::optional<std::string>&) {
      inside_.set_value();
      go_.get_future().wait_for(seconds(20));
    });
    inside_.get_future().wait_for(seconds(20));
  }
  void let_go() { go_.set_value(); }

 private:
  std::promise<void> inside_;
  std::promise<void> go_;
};

TEST_F(JournalTest, AFullQueueRefusesAtOnceAndForgetsNothingElse) {
  const auto journal = open();
  Held held(*journal);
  std::atomic<int> written = 0;
  for (int i = 0; i < 1'000; ++i) {
    journal->append(record(std::to_string(i)), {},
                    [&written](const std::optional<std::string>& why) { written += why ? 0 : 1; });
  }
  std::optional<std::string> refused;
  journal->append(record("one too many"), {}, [&refused](std::optional<std::string> why) { refused = std::move(why); });
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, HasSubstr("queue is full (1000 writes wait"));
  held.let_go();
  // There is room again as soon as the thread has taken the thousand; this one is written behind them.
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (put(*journal, record("after")) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(written, 1'000);
}

// A thousand fsyncs take seconds on most disks; one transaction takes one.
TEST_F(JournalTest, WritesThatWaitAreCommittedTogether) {
  const auto journal = open();
  Held held(*journal);
  for (int i = 0; i < 999; ++i) journal->append(record(std::to_string(i)), {}, nullptr);
  const auto begun = std::chrono::steady_clock::now();
  held.let_go();
  EXPECT_EQ(put(*journal, record("last")), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2));
  // A commit of its own for each would have written some pages each, 4 MB and more.
  EXPECT_LT(fs::file_size(database() + "-wal"), 1'500'000U);
}

TEST_F(JournalTest, PrunesWhatIsOlderThanThirtyDaysBoundedAndKeepsTheRest) {
  constexpr std::int64_t day = 24LL * 3600 * 1000;
  constexpr std::int64_t now = 1'700'000'000'000;
  const auto journal = open();
  for (int batch = 0; batch < 2; ++batch) {
    Held held(*journal, now - 31 * day);
    for (int i = 0; i < 990; ++i) {
      journal->append(record("old" + std::to_string(batch * 1000 + i), ActionStep::failed, now - 31 * day), {},
                      nullptr);
    }
    held.let_go();
    put(*journal, record("dead", ActionStep::failed, now - 31 * day), {{"past", core::from_millis(now - 31 * day)}});
  }
  put(*journal, record("young", ActionStep::failed, now - 29 * day), {{"k", core::from_millis(now + day)}});
  put(*journal, record("new", ActionStep::failed, now));
  EXPECT_GT(journal->recent(10'000)->size(), 900U) << "one commit removes at most a thousand rows";
  put(*journal, record("newer", ActionStep::failed, now));
  std::set<std::string> left;
  for (const ActionRecord& row : *journal->recent(10'000)) left.insert(row.id);
  EXPECT_THAT(left, testing::UnorderedElementsAre("young", "new", "newer"));
}

TEST_F(JournalTest, ADamagedFileIsSetAsideAndSaid) {
  struct Case {
    const char* name;
    std::size_t offset;  // where the damage begins
  };
  for (const Case& damage : {Case{"header", 0}, Case{"pages", 4096}}) {
    SCOPED_TRACE(damage.name);
    {
      const auto journal = open();
      for (int i = 0; i < 50; ++i) put(*journal, record("before" + std::to_string(i)));
    }
    {
      std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(damage.offset));
      file << std::string(8192, 'x');
    }
    const auto journal = open();
    ASSERT_NE(journal, nullptr);
    EXPECT_THAT(journal->remembered().note, HasSubstr("it was set aside as " + database() + ".damaged-"));
    EXPECT_TRUE(journal->remembered().last_steps.empty());
    EXPECT_EQ(put(*journal, record("after")), std::nullopt);
  }
  EXPECT_TRUE(fs::exists(database() + ".damaged-1"));
  EXPECT_TRUE(fs::exists(database() + ".damaged-2"));
  EXPECT_EQ(open()->remembered().note, "");
}

TEST_F(JournalTest, AFileOfANewerVersionIsRefusedAndLeftAlone) {
  { const auto journal = open(); }
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "PRAGMA user_version = 7", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  const auto journal = Journal::open(folder_);
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().detail, HasSubstr("written by a newer tocsin (format 7, this one knows 4)"));
  EXPECT_FALSE(fs::exists(database() + ".damaged-1"));
}

// A file size limit stands in for a full disk: writes fail, are said to have failed, and work again afterwards.
TEST_F(JournalTest, AFullDiskIsSaidAndSurvived) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto journal = Journal::open(folder_);
    if (!journal) ::_exit(1);
    if (put(**journal, record("before"))) ::_exit(2);
    struct rlimit limit {};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    struct rlimit tight = limit;
    tight.rlim_cur = 64 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &tight);
    ActionRecord big = record("big");
    big.reason.assign(4'000, 'x');
    std::optional<std::string> why;
    for (int i = 0; i < 100 && !why; ++i) why = put(**journal, big);
    if (!why || why->find("cannot write the journal") != 0) ::_exit(3);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (put(**journal, record("after"))) ::_exit(4);
    journal->reset();
    ::_exit(42);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 42);
  const auto journal = open();
  EXPECT_EQ(journal->remembered().last_steps.front().id, "after");
}

TEST_F(JournalTest, LongTextsAreCut) {
  const auto journal = open();
  ActionRecord row = record("a");
  row.reason.assign(1'000'000, 'x');
  EXPECT_EQ(put(*journal, row), std::nullopt);
  EXPECT_EQ(journal->recent(1)->front().reason.size(), 4096U);
}

}  // namespace
}  // namespace tocsin::state
