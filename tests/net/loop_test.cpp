#include "tocsin/net/loop.hpp"

#include <gtest/gtest.h>

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
