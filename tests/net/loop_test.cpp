#include "tocsin/net/loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "support/run_task.hpp"
#include "support/wait_until.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using test::TestLoop;

Task<void> append_after(std::vector<int>* out, int value, std::chrono::milliseconds delay) {
  co_await sleep_for(delay);
  out->push_back(value);
}

TEST(Loop, RunsWhatWasSpawnedUntilIdle) {
  TestLoop loop;
  std::vector<int> order;
  loop.loop().spawn("late", append_after(&order, 2, 20ms));
  loop.loop().spawn("early", append_after(&order, 1, 1ms));
  loop.loop().run_until_idle();
  EXPECT_EQ(order, (std::vector{1, 2}));
}

Task<void> throws() {
  co_await sleep_for(1ms);
  throw std::runtime_error("a bug");
}

TEST(Loop, NamesTheCoroutineThatCrashed) {
  TestLoop loop;
  loop.loop().spawn("the culprit", throws());
  loop.loop().run_until_idle();
  EXPECT_EQ(loop.crash(), "the culprit: a bug");
}

TEST(Loop, SurvivesAnExceptionInPostedWork) {
  TestLoop loop;
  bool later = false;
  loop.loop().post([] { throw std::runtime_error("oops"); });
  loop.loop().post([&] { later = true; });
  loop.loop().run_until_idle();
  EXPECT_EQ(loop.crash(), "loop: oops");
  EXPECT_TRUE(later);
}

TEST(Loop, TakesWorkFromOtherThreadsInOrder) {
  TestLoop loop;
  std::vector<int> order;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.loop().post([&order, i] { order.push_back(i); });
    loop.loop().post_after(5ms, [&] { loop.loop().stop(); });
  });
  loop.loop().run();
  other.join();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Loop, HandsSignalsOver) {
  TestLoop loop;
  std::vector<int> seen;
  loop.loop().on_signals({SIGUSR1, SIGUSR2}, [&](int number) {
    seen.push_back(number);
    if (seen.size() == 1) {
      ::raise(SIGUSR2);
    } else {
      loop.loop().stop();
    }
  });
  loop.loop().post([] { ::raise(SIGUSR1); });
  loop.loop().run();
  EXPECT_EQ(seen, (std::vector{SIGUSR1, SIGUSR2}));
}

Task<void> sleep_long(std::vector<bool>* slept) {
  const bool first = co_await sleep_for(1h);
  slept->push_back(first);
  const bool second = co_await sleep_for(1h);
  slept->push_back(second);
}

TEST(Loop, CancelsWhatItSpawned) {
  TestLoop loop;
  std::vector<bool> slept;
  const auto cancel = loop.loop().spawn_cancellable("sleeper", sleep_long(&slept));
  loop.loop().post_after(5ms, cancel);
  loop.loop().run_until_idle();
  EXPECT_EQ(slept, (std::vector{false, false}));
  EXPECT_EQ(loop.crash(), "");
  cancel();  // has ended: nothing happens
  loop.loop().run_until_idle();
}

TEST(Loop, DestroysWhatStillWaits) {
  std::vector<int> order;
  {
    TestLoop loop;
    loop.loop().spawn("waits", append_after(&order, 1, 1h));
    loop.loop().post_after(1ms, [&] { loop.loop().stop(); });
    loop.loop().run();
  }
  EXPECT_TRUE(order.empty());
}

struct Busy {
  int now = 0;
  int most = 0;
  int ended = 0;
  int early = 0;  // woken before their time
};

Task<void> work(Busy* busy, std::chrono::milliseconds time) {
  busy->most = std::max(busy->most, ++busy->now);
  if (time.count() > 0) {
    const bool slept = co_await sleep_for(time);
    if (!slept) ++busy->early;
  }
  --busy->now;
  ++busy->ended;
}

std::vector<Task<void>> works(Busy& busy, int count, std::chrono::milliseconds time) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(work(&busy, time));
  return tasks;
}

TEST(RunAll, RunsAFewAtATimeToTheEnd) {
  TestLoop loop;
  Busy busy;
  loop.run(run_all(works(busy, 7, 2ms), 3));
  EXPECT_EQ(busy.ended, 7);
  EXPECT_EQ(busy.most, 3);
  loop.run(run_all(works(busy, 5, 0ms), 2));
  EXPECT_EQ(busy.ended, 12);
  loop.run(run_all({}, 2));
}

TEST(RunAll, CancelsThoseThatRunAndStartsNoMore) {
  TestLoop loop;
  Busy busy;
  const auto cancel = loop.loop().spawn_cancellable("all", run_all(works(busy, 5, 1h), 2));
  loop.loop().post_after(5ms, cancel);
  loop.loop().run_until_idle();
  EXPECT_EQ(busy.ended, 2);
  EXPECT_EQ(busy.early, 2);
}

TEST(RunAll, PassesAnExceptionOn) {
  TestLoop loop;
  Busy busy;
  auto tasks = works(busy, 2, 5ms);
  tasks.push_back(throws());
  loop.loop().spawn("all", run_all(std::move(tasks), 3));
  loop.loop().run_until_idle();
  EXPECT_EQ(loop.crash(), "all: a bug");
  EXPECT_EQ(busy.ended, 2);
}

Task<void> wait_on(Event* event, core::Deadline deadline, std::vector<bool>* results) {
  const bool set = co_await event->wait(deadline);
  results->push_back(set);
}

TEST(Event, WakesAllWhoWait) {
  TestLoop loop;
  Event event(loop.executor());
  std::vector<bool> results;
  for (int i = 0; i < 3; ++i) loop.loop().spawn("waiter", wait_on(&event, TestLoop::in(10s), &results));
  loop.loop().spawn("hasty", wait_on(&event, TestLoop::in(1ms), &results));
  loop.loop().post_after(20ms, [&] { event.set(); });
  loop.loop().run_until_idle();
  EXPECT_EQ(results, (std::vector{false, true, true, true}));

  results.clear();
  loop.loop().spawn("after", wait_on(&event, TestLoop::in(10s), &results));
  loop.loop().run_until_idle();
  event.reset();
  EXPECT_FALSE(event.is_set());
  loop.loop().spawn("after reset", wait_on(&event, TestLoop::in(1ms), &results));
  loop.loop().run_until_idle();
  EXPECT_EQ(results, (std::vector{true, false}));
}

TEST(Event, TellsWhoWaitsThatItIsGone) {
  TestLoop loop;
  auto event = std::make_unique<Event>(loop.executor());
  std::vector<bool> results;
  loop.loop().spawn("waiter", wait_on(event.get(), TestLoop::in(10s), &results));
  loop.loop().post_after(2ms, [&] { event.reset(); });
  loop.loop().run_until_idle();
  EXPECT_EQ(results, (std::vector{false}));
}

TEST(BlockingPool, RunsWorkAndRefusesTooMuch) {
  std::atomic<int> done = 0;
  std::atomic<bool> go = false;
  {
    BlockingPool pool(1, 2);
    ASSERT_TRUE(pool.submit([&] {
      EXPECT_TRUE(test::wait_until([&] { return go.load(); }));
      ++done;
    }));
    int queued = 0;
    while (pool.submit([&] { ++done; })) ++queued;  // the first may still be in the queue
    EXPECT_LE(queued, 2);
    go = true;
    EXPECT_TRUE(test::wait_until([&] { return done == queued + 1; }));
  }
}

}  // namespace
}  // namespace tocsin::net
