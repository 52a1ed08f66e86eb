// A disk that is full, read-only or broken, and files that are not what we wrote.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <random>

#include "state/folder_fixture.hpp"
#include "support/wait_until.hpp"

namespace tocsin::state {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class DamageTest : public FolderTest {
 protected:
  void run_sql(const std::string& sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << (problem ? problem : "");
    sqlite3_free(problem);
    sqlite3_close(handle);
  }
  void fill(int count) const {
    const auto state = open();
    std::vector<core::Memory> memories;
    std::vector<core::AlertChange> owed;
    for (int i = 0; i < count; ++i) {
      memories.push_back({"key/" + std::to_string(i), std::string(100, 'v')});
      owed.push_back(owed_change("A" + std::to_string(i), static_cast<std::uint64_t>(i) + 1));
    }
    Promise promise = promise_of(std::move(memories), std::move(owed));
    for (int i = 0; i < count; ++i) promise.history.push_back(note_of("A", 1'700'000'000'000 + i));
    ASSERT_EQ(put(state->ledger(), std::move(promise)), std::nullopt);
  }
  /// It must go on, whatever it finds.
  void expect_goes_on() const {
    const auto state = open();
    ASSERT_TRUE(state);
    EXPECT_EQ(put(state->ledger(), promise_of({{"after", "1"}})), std::nullopt);
    EXPECT_TRUE(state->ledger().history({}));
    EXPECT_TRUE(state->journal().recent(10));
  }
};

const char* const version_2 =
    "CREATE TABLE actions(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, action TEXT NOT NULL,"
    " target TEXT NOT NULL, step TEXT NOT NULL, at INTEGER NOT NULL, from_value TEXT NOT NULL, to_value TEXT NOT NULL,"
    " alert TEXT NOT NULL, reason TEXT NOT NULL);"
    "CREATE INDEX actions_by_id ON actions(id, number); CREATE INDEX actions_by_time ON actions(at);"
    "CREATE TABLE not_before(key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE kept(key TEXT PRIMARY KEY, value BLOB NOT NULL);"
    "INSERT INTO actions VALUES(5, 'id', 'grow', 'cache', 'started', 1700000000000, 'a', 'b', 'Full', 'why');"
    "INSERT INTO not_before VALUES('k', 1700000000500); INSERT INTO kept VALUES('push', 'value');"
    "PRAGMA user_version = 2;";

TEST_F(DamageTest, AFileOfVersion2GetsWhatItLacks) {
  run_sql(version_2);
  const auto state = open();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->note(), "");
  EXPECT_EQ(state->damaged(), 0U);
  EXPECT_EQ(state->journal().remembered().changes.size(), 1U);
  EXPECT_EQ(state->journal().remembered().not_before.size(), 1U);
  EXPECT_EQ(state->journal().remembered().kept.size(), 1U);
  EXPECT_TRUE(state->ledger().take_recalled().memories.empty());
  EXPECT_EQ(put(state->ledger(), promise_of({{"a", "1"}}, {owed_change("A", 1)})), std::nullopt);
}

TEST_F(DamageTest, RefusalsSayWhichTheyAre) {
  {
    const auto first = open();
    const auto second = State::open(folder());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().why, Refusal::Why::in_use);
    EXPECT_THAT(second.error().detail, HasSubstr("in use by another tocsin"));
  }
  const auto missing = State::open(folder() + "/no/such");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().why, Refusal::Why::unusable);
  run_sql("PRAGMA user_version = 9");
  const auto newer = State::open(folder());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().why, Refusal::Why::newer);
  EXPECT_FALSE(fs::exists(database() + ".damaged-1"));
}

TEST_F(DamageTest, WhatIsSoundOfADamagedFileIsTakenOver) {
  fill(500);
  run_sql("DROP TABLE history");
  {
    const auto state = open();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->damaged(), 1U);
    EXPECT_THAT(state->note(), HasSubstr("it was set aside as " + database() + ".damaged-1 and a new one begun"));
    EXPECT_THAT(state->note(), HasSubstr("lost: a part of history"));
    const auto recalled = state->ledger().take_recalled();
    EXPECT_EQ(recalled.memories.size(), 500U);
    EXPECT_EQ(recalled.owed.size(), 500U);
    EXPECT_EQ(recalled.last_number, 500U);
  }
  const auto again = open();
  EXPECT_EQ(again->note(), "");
  EXPECT_EQ(again->damaged(), 0U);
  EXPECT_EQ(again->ledger().take_recalled().memories.size(), 500U);
}

TEST_F(DamageTest, EachTableMayBeMissingOrOther) {
  for (const char* table : {"memories", "owed", "meta", "history", "actions", "kept", "not_before"}) {
    SCOPED_TRACE(table);
    for (const char* sql : {"DROP TABLE ", "ALTER TABLE "}) {
      const std::string rest = std::string(sql) == "ALTER TABLE " ? std::string(table) + " RENAME COLUMN " : table;
      const std::string column = std::string(table) == "owed"         ? "change"
                                 : std::string(table) == "history"    ? "detail"
                                 : std::string(table) == "actions"    ? "reason"
                                 : std::string(table) == "not_before" ? "at"
                                                                      : "value";
      fill(1);
      run_sql(sql + rest + (rest == table ? "" : column + " TO other"));
      expect_goes_on();
    }
  }
}

TEST_F(DamageTest, RowsThatCannotBeReadArePassedOver) {
  fill(3);
  run_sql("UPDATE owed SET change = x'ff00' WHERE number = 2");
  const auto state = open();
  EXPECT_THAT(state->note(), HasSubstr("1 rows of what is owed cannot be read"));
  EXPECT_EQ(state->ledger().take_recalled().owed.size(), 2U);
}

TEST_F(DamageTest, AFileTruncatedAnywhereStopsNothing) {
  fill(300);
  const auto size = fs::file_size(database());
  ASSERT_GT(size, 100'000U);
  const std::string copy = folder() + "/copy";
  fs::copy_file(database(), copy);
  std::mt19937 chance(7);  // NOLINT: the same in every run
  std::vector<std::uintmax_t> sizes{0, 1, 99, 100, 4095, 4096, 4097, 8192, size - 1};
  for (int i = 0; i < 12; ++i) sizes.push_back(chance() % size);
  for (const auto at : sizes) {
    SCOPED_TRACE(at);
    fs::copy_file(copy, database(), fs::copy_options::overwrite_existing);
    fs::resize_file(database(), at);
    expect_goes_on();
  }
}

TEST_F(DamageTest, ALogThatIsCutOrGarbageStopsNothing) {
  // A copy while it is open has a log.
  fill(10);
  const std::string copy = folder() + "/copy";
  {
    const auto state = open();
    put(state->ledger(), promise_of({{"logged", "1"}}));
    fs::copy_file(database(), copy);
    fs::copy_file(database() + "-wal", copy + "-wal");
  }
  const auto size = fs::file_size(copy + "-wal");
  for (const auto at : {size, size - 1, size / 2, std::uintmax_t{33}, std::uintmax_t{1}}) {
    SCOPED_TRACE(at);
    fs::copy_file(copy, database(), fs::copy_options::overwrite_existing);
    fs::copy_file(copy + "-wal", database() + "-wal", fs::copy_options::overwrite_existing);
    fs::resize_file(database() + "-wal", at);
    if (at == 33) std::ofstream(database() + "-wal") << std::string(5'000, 'x');
    const auto state = open();
    ASSERT_TRUE(state);
    EXPECT_GE(state->ledger().take_recalled().memories.size(), 10U);
    EXPECT_EQ(put(state->ledger(), promise_of({{"after", "1"}})), std::nullopt);
  }
}

TEST_F(DamageTest, AnEmptyFileWithALogIsSaid) {
  fill(10);
  std::ofstream(database() + "-wal") << std::string(5'000, 'x');
  fs::resize_file(database(), 0);
  const auto state = open();
  ASSERT_TRUE(state);
  EXPECT_THAT(state->note(), HasSubstr("it is empty, but its log is not"));
  EXPECT_EQ(state->damaged(), 1U);
}

TEST_F(DamageTest, DamageThatIsFoundLaterIsMendedWhileItRuns) {
  fill(2'000);
  // Pages of the history alone, which a start does not read: the last ones of the file.
  const auto size = fs::file_size(database());
  {
    std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
    // The history's rows have their own text; the page that has it is the history's.
    std::string all(size, '\0');
    file.read(all.data(), static_cast<std::streamsize>(size));
    const auto at = all.rfind("because");
    ASSERT_NE(at, std::string::npos);
    file.seekp(static_cast<std::streamoff>(at / 4096 * 4096));
    file << std::string(4096, '\xff');
  }
  std::mutex mutex;
  std::string told;
  StateOptions options;
  options.tell = [&](const std::string& text) {
    const std::lock_guard guard(mutex);
    told = text;
  };
  {
    const auto state = open(options);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->note(), "");
    EXPECT_TRUE(test::wait_until([&] { return state->damaged() == 1; }));
    EXPECT_EQ(put(state->ledger(), promise_of({{"after", "1"}})), std::nullopt);
    EXPECT_TRUE(state->ledger().history({}));
    EXPECT_TRUE(state->ledger().status().usable);
  }
  EXPECT_THAT(told, HasSubstr("is damaged"));
  EXPECT_THAT(told, HasSubstr("lost: a part of history"));
  auto recalled = open()->ledger().take_recalled();
  EXPECT_EQ(recalled.memories.size(), 2'001U);
  EXPECT_EQ(recalled.owed.size(), 2'000U);
}

TEST_F(DamageTest, AFileThatIsCutWhileItRunsIsMended) {
  fill(2'000);
  const auto state = open();
  ASSERT_TRUE(state);
  fs::resize_file(database(), 8'192);
  std::optional<std::string> why = "none";
  // Pages that are cached may do for a while.
  for (int i = 0; i < 200 && state->damaged() == 0; ++i)
    why = put(state->ledger(), promise_of({{"key/" + std::to_string(i * 10), "x"}}, {owed_change("N", 5'000)}));
  EXPECT_EQ(state->damaged(), 1U);
  EXPECT_EQ(put(state->ledger(), promise_of({{"after", "1"}})), std::nullopt);
  EXPECT_TRUE(state->ledger().status().usable);
}

/// A small disk of its own; only root can have one.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& at) : at_(at) {
    fs::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=1m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::string& path() const { return at_; }
  void fill() const {
    const int fd = ::open((at_ + "/ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string block(4'096, 'x');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
  }
  void free() const { fs::remove(at_ + "/ballast"); }

 private:
  std::string at_;
  bool mounted_ = false;
};

TEST_F(DamageTest, AFullDiskStopsNothingButThePromise) {
  const SmallDisk disk(folder() + "/disk");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  {
    auto state = State::open(disk.path());
    ASSERT_TRUE(state) << state.error().detail;
    Ledger& ledger = (*state)->ledger();
    EXPECT_EQ(put(ledger, promise_of({{"before", "1"}, {"both", "1"}}, {owed_change("Before", 1)})), std::nullopt);
    disk.fill();
    std::optional<std::string> why;
    std::uint64_t number = 1;
    while (!why && number < 2'000) {
      ++number;
      why = put(ledger, promise_of({{"both", std::to_string(number)}, {"n" + std::to_string(number), "x"}},
                                   {owed_change("A" + std::to_string(number), number)}));
    }
    ASSERT_TRUE(why);
    EXPECT_THAT(*why, StartsWith("cannot write what is owed: database or disk is full"));
    EXPECT_FALSE(ledger.status().usable);
    EXPECT_GE(ledger.status().errors, 1U);
    EXPECT_THAT(ledger.status().last_error, HasSubstr("full"));
    // What is settled, changed and noted meanwhile is kept too.
    ledger.settled("http://am", {{owed_change("Before", 1).alert.labels, 1}});
    ledger.remember({{"before", "2"}});
    const std::uint64_t last = number + 1;
    EXPECT_TRUE(put(ledger, promise_of({{"both", "last"}}, {owed_change("Last", last)})));
    EXPECT_TRUE(ledger.history({})) << "what is there can be read";
    disk.free();
    EXPECT_TRUE(test::wait_until([&] { return ledger.status().usable && ledger.status().unsaved == 0; }, 5s));
  }
  auto state = State::open(disk.path());
  ASSERT_TRUE(state) << state.error().detail;
  auto recalled = (*state)->ledger().take_recalled();
  std::map<std::string, std::string> memories;
  for (auto& memory : recalled.memories) memories[memory.key] = *memory.value;
  EXPECT_EQ(memories["before"], "2");
  EXPECT_EQ(memories["both"], "last");
  ASSERT_FALSE(recalled.owed.empty());
  EXPECT_EQ(recalled.owed.back().change.alert.labels.get("alertname"), "Last");
  EXPECT_NE(recalled.owed.front().change.alert.labels.get("alertname"), "Before");
  EXPECT_EQ(memories.size(), recalled.owed.size() - 1 + 2) << "all of each promise, or nothing of it";
}

TEST_F(DamageTest, AStartOnAFullDiskKnowsWhatWasWritten) {
  const SmallDisk disk(folder() + "/disk");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  {
    auto state = State::open(disk.path());
    ASSERT_TRUE(state) << state.error().detail;
    EXPECT_EQ(put((*state)->ledger(), promise_of({{"a", "1"}}, {owed_change("A", 1)})), std::nullopt);
  }
  disk.fill();
  auto state = State::open(disk.path());
  ASSERT_TRUE(state) << state.error().detail;
  Ledger& ledger = (*state)->ledger();
  EXPECT_EQ(ledger.take_recalled().memories.size(), 1U);
  EXPECT_TRUE(put(ledger, promise_of({{"b", std::string(100'000, 'x')}})));
  EXPECT_FALSE(ledger.status().usable);
  disk.free();
  EXPECT_TRUE(test::wait_until([&] { return ledger.status().usable && ledger.status().unsaved == 0; }, 5s));
}

TEST_F(DamageTest, AReadOnlyDiskIsRefusedInWords) {
  const SmallDisk disk(folder() + "/disk");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  { ASSERT_TRUE(State::open(disk.path())); }
  ASSERT_EQ(::mount("tmpfs", disk.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto state = State::open(disk.path());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().why, Refusal::Why::unusable);
  EXPECT_THAT(state.error().detail, HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace tocsin::state
