#include "tocsin/net/readiness.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "support/run_task.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using test::TestLoop;

/// Two ends of a connection that the test owns, as a library would.
class Pair {
 public:
  Pair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) != 0) std::abort();
  }
  ~Pair() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  [[nodiscard]] int ours() const { return ends_[0]; }
  [[nodiscard]] int theirs() const { return ends_[1]; }
  void say(char what) const { ASSERT_EQ(::write(theirs(), &what, 1), 1); }
  void hang_up() {
    ::close(ends_[1]);
    ends_[1] = -1;
  }
  [[nodiscard]] bool open() const { return ::fcntl(ours(), F_GETFD) >= 0; }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST(Readiness, WakesWhenThereIsSomethingToReadAndLeavesItThere) {
  TestLoop loop;
  const Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  loop.loop().post_after(5ms, [&] { pair.say('x'); });
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
  // What was not read is there the next time, too.
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
  char got = 0;
  EXPECT_EQ(::read(pair.ours(), &got, 1), 1);
  EXPECT_EQ(got, 'x');
}

TEST(Readiness, WakesWhenThereIsRoomToWrite) {
  TestLoop loop;
  const Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  EXPECT_EQ(loop.run(readiness.writable(TestLoop::in(5s))), Ready::yes);
  std::array<char, 4096> block{};
  while (::write(pair.ours(), block.data(), block.size()) > 0) {
  }
  EXPECT_EQ(loop.run(readiness.writable(TestLoop::in(10ms))), Ready::timeout);
}

TEST(Readiness, WakesWhenThePeerHangsUp) {
  TestLoop loop;
  Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  loop.loop().post_after(5ms, [&] { pair.hang_up(); });
  EXPECT_EQ(loop.run(readiness.readable(core::Deadline::max())), Ready::yes);
}

TEST(Readiness, EndsAtTheDeadline) {
  TestLoop loop;
  const Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(loop.run(readiness.readable(begun + 30ms)), Ready::timeout);
  EXPECT_GE(std::chrono::steady_clock::now(), begun + 30ms);
  // A later wait has a deadline of its own.
  loop.loop().post_after(20ms, [&] { pair.say('x'); });
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(-1s))), Ready::yes);
}

TEST(Readiness, StopsFromAnotherCoroutine) {
  TestLoop loop;
  const Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  loop.loop().post_after(5ms, [&] { readiness.stop(); });
  EXPECT_EQ(loop.run(readiness.readable(core::Deadline::max())), Ready::cancelled);
  // Also when what it waits for came in the same moment.
  loop.loop().post_after(5ms, [&] {
    pair.say('x');
    readiness.stop();
  });
  EXPECT_EQ(loop.run(readiness.readable(core::Deadline::max())), Ready::cancelled);
  readiness.stop();  // of nothing
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
}

TEST(Readiness, IsCancelledWithItsCoroutine) {
  TestLoop loop;
  const Pair pair;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(pair.ours()));
  Ready end = Ready::yes;
  const auto waits = [](Readiness* on, Ready* into, Loop* stopped) -> Task<void> {
    *into = co_await on->readable(core::Deadline::max());
    stopped->stop();
  };
  const auto cancel = loop.loop().spawn_cancellable("waits", waits(&readiness, &end, &loop.loop()));
  loop.loop().post_after(5ms, cancel);
  loop.loop().run();
  EXPECT_EQ(end, Ready::cancelled);
}

TEST(Readiness, NeverClosesTheDescriptor) {
  TestLoop loop;
  const Pair pair;
  {
    Readiness readiness(loop.executor());
    ASSERT_TRUE(readiness.attach(pair.ours()));
    loop.loop().post_after(5ms, [&] { readiness.release(); });
    EXPECT_EQ(loop.run(readiness.readable(core::Deadline::max())), Ready::cancelled);
    EXPECT_FALSE(readiness.attached());
    EXPECT_EQ(loop.run(readiness.readable(core::Deadline::max())), Ready::cancelled);
    ASSERT_TRUE(readiness.attach(pair.ours()));
  }
  EXPECT_TRUE(pair.open());
}

TEST(Readiness, FollowsADescriptorThatWasExchangedUnderTheSameNumber) {
  TestLoop loop;
  const Pair first;
  const Pair second;
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(first.ours()));
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(1ms))), Ready::timeout);
  readiness.release();
  ASSERT_EQ(::dup2(second.ours(), first.ours()), first.ours());
  ASSERT_TRUE(readiness.attach(first.ours()));
  loop.loop().post_after(5ms, [&] { second.say('x'); });
  EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
}

TEST(Readiness, WaitsForAnEventCounter) {
  TestLoop loop;
  const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Readiness readiness(loop.executor());
  ASSERT_TRUE(readiness.attach(event));
  for (std::uint64_t i = 1; i < 4; ++i) {
    loop.loop().post_after(2ms, [&] { EXPECT_EQ(::write(event, &i, sizeof i), 8); });
    EXPECT_EQ(loop.run(readiness.readable(TestLoop::in(5s))), Ready::yes);
    std::uint64_t count = 0;
    EXPECT_EQ(::read(event, &count, sizeof count), 8);
    EXPECT_EQ(count, i);
  }
  readiness.release();
  ::close(event);
}

TEST(Readiness, SaysSoWhereNothingCanBeWatched) {
  TestLoop loop;
  Readiness readiness(loop.executor());
  EXPECT_FALSE(readiness.attach(-1));
  EXPECT_FALSE(readiness.attach(9999));
  EXPECT_FALSE(readiness.attached());
}

}  // namespace
}  // namespace tocsin::net
