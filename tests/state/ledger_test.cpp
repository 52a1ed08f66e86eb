// The ledger against real files: what a restart finds, receipts, settling, the history, kills.
#include "tocsin/state/ledger.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "src/ledger_rows.hpp"
#include "src/schema.hpp"
#include "state/folder_fixture.hpp"
#include "support/wait_until.hpp"

namespace tocsin::state {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using namespace std::chrono_literals;

class LedgerTest : public FolderTest {};

std::map<std::string, std::string> memories_of(const Recalled& recalled) {
  std::map<std::string, std::string> all;
  for (const core::Memory& memory : recalled.memories) all[memory.key] = memory.value.value_or("<none>");
  return all;
}

TEST_F(LedgerTest, ARestartFindsWhatWasPromised) {
  {
    const auto state = open();
    Ledger& ledger = state->ledger();
    EXPECT_TRUE(ledger.take_recalled().memories.empty());
    const std::string bytes("\0\xff v", 4);
    EXPECT_EQ(put(ledger, promise_of({{"a", "1"}, {"b", bytes}, {"c", "3"}}, {owed_change("A", 7), owed_change("B", 8)},
                                     {"http://x", "http://y"})),
              std::nullopt);
    EXPECT_EQ(put(ledger, promise_of({{"c", std::nullopt}, {"a", "2"}}, {owed_change("A", 9)}, {"http://x"})),
              std::nullopt);
    const auto status = ledger.status();
    EXPECT_TRUE(status.usable);
    EXPECT_EQ(status.errors, 0U);
    EXPECT_GE(status.commits, 2U);
  }
  const auto state = open();
  auto recalled = state->ledger().take_recalled();
  EXPECT_THAT(memories_of(recalled), ElementsAre(Pair("a", "2"), Pair("b", std::string("\0\xff v", 4))));
  EXPECT_THAT(names_of(recalled.owed),
              ElementsAre(Pair("http://y A", 7), Pair("http://x B", 8), Pair("http://y B", 8), Pair("http://x A", 9)));
  EXPECT_EQ(recalled.owed[3].change.alert.annotations.get("summary"), "it is 9");
  EXPECT_EQ(recalled.last_number, 9U);
  ASSERT_TRUE(recalled.last_alive);
  EXPECT_EQ(core::to_millis(*recalled.last_alive), 1'700'000'000'008);
  EXPECT_TRUE(state->ledger().take_recalled().owed.empty());
}

TEST_F(LedgerTest, WhatIsSettledIsOwedNoMore) {
  {
    const auto state = open();
    Ledger& ledger = state->ledger();
    put(ledger, promise_of({}, {owed_change("A", 1), owed_change("B", 2), owed_change("C", 3)}, {"x", "y"}));
    const auto labels = [](const char* name) { return owed_change(name, 0).alert.labels; };
    ledger.settled("x", {{labels("A"), 1}, {labels("B"), 5}});
    put(ledger, promise_of({}, {owed_change("C", 4)}, {"x"}));
    ledger.settled("x", {{labels("C"), 3}});  // the older state arrived, the newer one is owed
    ledger.keep_receivers({"x"});
  }
  const auto recalled = open()->ledger().take_recalled();
  EXPECT_THAT(names_of(recalled.owed), ElementsAre(Pair("x C", 4)));
  EXPECT_EQ(recalled.last_number, 4U);
}

TEST_F(LedgerTest, ARestartGivesNoNumberTwice) {
  {
    const auto state = open();
    put(state->ledger(), promise_of({}, {owed_change("A", 41)}, {"x"}));
    state->ledger().settled("x", {{owed_change("A", 41).alert.labels, 41}});
  }
  { EXPECT_EQ(open()->ledger().take_recalled().last_number, 41U); }
  EXPECT_EQ(open()->ledger().take_recalled().last_number, 41U);
}

TEST_F(LedgerTest, WhatIsRememberedIsWrittenWithinASecondOrSo) {
  const auto state = open();
  Ledger& ledger = state->ledger();
  put(ledger, promise_of({{"a", "1"}}));
  const auto commits = ledger.status().commits;
  for (int i = 0; i < 1000; ++i) ledger.remember({{"a", std::to_string(i)}, {"b", "x"}});
  EXPECT_LE(ledger.status().unsaved, 2U);
  EXPECT_TRUE(test::wait_until([&] { return ledger.status().unsaved == 0; }, 5s));
  EXPECT_TRUE(test::wait_until([&] { return ledger.status().commits > commits; }, 5s));
  EXPECT_LE(ledger.status().commits, commits + 3);
  // A second reader of the file sees it.
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
  std::string found;
  const auto take = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) = values[0];
    return 0;
  };
  sqlite3_exec(handle, "SELECT value FROM memories WHERE key = 'a'", take, &found, nullptr);
  sqlite3_close(handle);
  EXPECT_EQ(found, "999");
}

TEST_F(LedgerTest, APromiseIsNewerThanWhatWasRememberedBefore) {
  {
    const auto state = open();
    Ledger& ledger = state->ledger();
    for (int i = 0; i < 50; ++i) {
      ledger.remember({{"a", "old"}, {"b", "old"}});
      ledger.promise(promise_of({{"a", std::to_string(i)}}), {});
      ledger.remember({{"b", std::to_string(i)}});
    }
  }
  EXPECT_THAT(memories_of(open()->ledger().take_recalled()), ElementsAre(Pair("a", "49"), Pair("b", "49")));
}

TEST_F(LedgerTest, TheClockSaysWhenWeWereAlive) {
  std::atomic<std::int64_t> now = 1'800'000'000'000;
  StateOptions options;
  options.clock = [&now] { return core::from_millis(now); };
  {
    const auto state = open(options);
    put(state->ledger(), promise_of({{"a", "1"}}));
    now += 4'000;  // too soon to be written again
    put(state->ledger(), promise_of({{"a", "2"}}));
    now += 2'000;
    put(state->ledger(), promise_of({{"a", "3"}}));
    now += 1'000;
    put(state->ledger(), promise_of({{"a", "4"}}));
  }
  EXPECT_EQ(core::to_millis(*open()->ledger().take_recalled().last_alive), 1'800'000'006'000);
}

TEST_F(LedgerTest, TheHistoryIsAsked) {
  const auto state = open();
  Ledger& ledger = state->ledger();
  Promise promise;
  for (int i = 0; i < 20; ++i) promise.history.push_back(note_of(i % 2 == 0 ? "Even" : "Odd", 1'000 + i));
  promise.history.push_back(note_of("Odd", 1'500, "delivered"));
  promise.history.back().kind = core::HistoryKind::delivery;
  ASSERT_EQ(put(ledger, promise), std::nullopt);
  const auto times = [&](const HistoryQuery& query) {
    std::vector<std::int64_t> all;
    for (const auto& record : ledger.history(query).value()) all.push_back(core::to_millis(record.at));
    return all;
  };
  HistoryQuery query;
  query.limit = 3;
  EXPECT_THAT(times(query), ElementsAre(1500, 1019, 1018));
  query.subject = "Even";
  EXPECT_THAT(times(query), ElementsAre(1018, 1016, 1014));
  query.since = core::from_millis(1'003);
  query.until = core::from_millis(1'007);
  EXPECT_THAT(times(query), ElementsAre(1006, 1004));
  query = {};
  query.kind = core::HistoryKind::delivery;
  const auto rows = ledger.history(query).value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].event, "delivered");
  EXPECT_EQ(rows[0].subject, "Odd");
  EXPECT_EQ(rows[0].labels, (core::Labels{{"alertname", "Odd"}}));
  EXPECT_EQ(rows[0].detail, "because");
}

TEST_F(LedgerTest, TheHistoryIsPrunedByAgeBoundedACommit) {
  constexpr std::int64_t day = 24LL * 3600 * 1000;
  constexpr std::int64_t now = 1'700'000'000'000;
  const auto state = open();
  Ledger& ledger = state->ledger();
  Promise old;
  for (int i = 0; i < 2'500; ++i) old.history.push_back(note_of("Old", now - 8 * day));
  put(ledger, old);
  const auto left = [&] {
    HistoryQuery query;
    query.limit = 10'000;
    return ledger.history(query).value().size();
  };
  EXPECT_EQ(left(), 2'500U);
  Promise fresh;
  fresh.history = {note_of("New", now)};
  put(ledger, fresh);
  EXPECT_EQ(left(), 2'501U) << "thirty days, unless said otherwise";
  ledger.keep_history_for(std::chrono::hours{7 * 24});
  put(ledger, fresh);
  EXPECT_EQ(left(), 1'502U);
  put(ledger, fresh);
  put(ledger, fresh);
  EXPECT_EQ(left(), 4U);
}

TEST_F(LedgerTest, TheHistoryHasABoundOfRows) {
  {
    const auto state = open();
    Promise promise;
    for (int i = 0; i < 10; ++i) promise.history.push_back(note_of("A", 1'000 + i));
    put(state->ledger(), promise);
  }
  auto file = open_database(database()).value();
  auto writer = LedgerWriter::make(file).value();
  const auto rows = [&file] { return file.number("SELECT count(*) FROM history").value(); };
  const auto oldest = [&file] { return file.number("SELECT min(at) FROM history").value(); };
  ASSERT_TRUE(writer.prune(core::from_millis(0), max_history_rows, 100));
  EXPECT_EQ(rows(), 10);
  ASSERT_TRUE(writer.prune(core::from_millis(0), max_history_rows + 6, 4));
  EXPECT_EQ(rows(), 6) << "no more than four a commit";
  EXPECT_EQ(oldest(), 1'004);
  ASSERT_TRUE(writer.prune(core::from_millis(0), max_history_rows + 6, 4));
  EXPECT_EQ(oldest(), 1'006);
}

TEST_F(LedgerTest, TheLogIsTakenOverAndDoesNotGrow) {
  const auto state = open();
  std::uintmax_t largest = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<core::Memory> memories;
    for (int k = 0; k < 100; ++k)
      memories.push_back({std::to_string(k), std::string(4'000, static_cast<char>('a' + i % 26))});
    ASSERT_EQ(put(state->ledger(), promise_of(std::move(memories))), std::nullopt);
    largest = std::max(largest, std::filesystem::file_size(database() + "-wal"));
  }
  EXPECT_GT(largest, 1'000'000U);
  EXPECT_LT(largest, 10'000'000U) << "24 MB were written";
}

TEST_F(LedgerTest, FullQueuesRefuseButForgetNothing) {
  const auto state = open();
  Ledger& ledger = state->ledger();
  // Holds the state thread in a receipt.
  std::promise<void> inside, go;
  ledger.promise(promise_of({{"first", "x"}}), [&](const std::optional<std::string>&) {
    inside.set_value();
    go.get_future().wait_for(20s);
  });
  inside.get_future().wait_for(20s);
  std::atomic<int> good = 0, refused = 0;
  std::string why;
  for (int i = 0; i < 5; ++i) {
    std::vector<core::Memory> many(100'000);
    for (core::Memory& one : many) one = {"key", std::to_string(i)};
    ledger.promise(promise_of(std::move(many)), [&](const std::optional<std::string>& problem) {
      if (!problem) ++good;
      if (problem) ++refused, why = *problem;
    });
  }
  EXPECT_EQ(refused, 1);
  EXPECT_THAT(why, HasSubstr("queue of promises is full"));
  EXPECT_EQ(ledger.status().refused, 1U);
  go.set_value();
  EXPECT_TRUE(test::wait_until([&] { return good == 4 && ledger.status().unsaved == 0; }, 20s));
  const HistoryQuery all;
  EXPECT_TRUE(ledger.history(all));
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
  std::string found;
  const auto take = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) = values[0];
    return 0;
  };
  sqlite3_exec(handle, "SELECT value FROM memories WHERE key = 'key'", take, &found, nullptr);
  sqlite3_close(handle);
  EXPECT_EQ(found, "4") << "the one that was refused is the newest";
}

/// In a child: promises whose parts must go together, told of through a pipe as they get their receipts.
[[noreturn]] void promise_until_killed(const std::string& folder, int out) {
  auto state = State::open(folder);
  if (!state) ::_exit(1);
  Ledger& ledger = (*state)->ledger();
  for (std::uint32_t number = 1;; ++number) {
    const std::string text = std::to_string(number);
    Promise promise;
    for (const char* part : {"a", "b", "c"}) promise.memories.push_back({std::string(part) + "/" + text, text});
    promise.memories.push_back({"newest", text});
    promise.owed = {owed_change("A" + text, number)};
    promise.receivers = {"x", "y"};
    promise.history = {note_of("A" + text, number)};
    ledger.promise(std::move(promise), [number, out](const std::optional<std::string>& why) {
      if (!why && ::write(out, &number, sizeof number) < 0) ::_exit(2);
    });
    if (number % 16 == 0) {
      ledger.remember({{"lazy", text}});
      ledger.settled("x", {{owed_change("A" + text, 0).alert.labels, number}});
      put(ledger, promise_of({{"wait", text}}));
    }
  }
}

void expect_whole(const Recalled& recalled, const std::set<std::uint32_t>& received) {
  const auto memories = memories_of(recalled);
  std::map<std::uint32_t, int> parts;
  for (const auto& [key, value] : memories) {
    if (key.find('/') != std::string::npos) parts[static_cast<std::uint32_t>(std::stoul(value))] += 1;
  }
  std::map<std::uint64_t, int> owed;
  for (const Owed& one : recalled.owed) owed[one.change.number] += one.receiver == "y" ? 1 : 0;
  for (const auto& [number, count] : parts) {
    EXPECT_EQ(count, 3) << number;
    EXPECT_EQ(owed[number], 1) << number;
  }
  EXPECT_EQ(owed.size(), parts.size());
  for (const std::uint32_t number : received) EXPECT_TRUE(parts.contains(number)) << number;
  if (parts.empty()) return;
  EXPECT_EQ(memories.at("newest"), std::to_string(parts.rbegin()->first));
  EXPECT_EQ(recalled.last_number, parts.rbegin()->first);
}

TEST_F(LedgerTest, AKillLeavesAllOfAPromiseOrNothing) {
  std::mt19937 chance(20'251'121);  // NOLINT: the same in every run
  for (int round = 0; round < 12; ++round) {
    const test::TempDir dir;
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) promise_until_killed(dir.path().string(), pipe[1]);
    ::close(pipe[1]);
    std::set<std::uint32_t> received;
    const std::size_t wanted = 1 + chance() % 400;
    const auto late = std::chrono::microseconds(chance() % 3'000);
    for (std::uint32_t number = 0; ::read(pipe[0], &number, sizeof number) == sizeof number;) {
      received.insert(number);
      if (received.size() != wanted) continue;
      std::this_thread::sleep_for(late);
      ::kill(child, SIGKILL);
    }
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    auto state = State::open(dir.path().string());
    ASSERT_TRUE(state) << state.error().detail;
    EXPECT_EQ((*state)->note(), "");
    expect_whole((*state)->ledger().take_recalled(), received);
  }
}

}  // namespace
}  // namespace tocsin::state
