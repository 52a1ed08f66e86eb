#include "tocsin/net/stream.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "src/giving_way.hpp"
#include "src/prediction.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/run_task.hpp"
#include "support/wait_until.hpp"

namespace tocsin::net {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::TestLoop;

class StreamTest : public testing::Test {
 protected:
  std::unique_ptr<Stream> open(std::uint16_t port, std::chrono::nanoseconds time = 10s) {
    Address address;
    address.host = "127.0.0.1";
    address.port = port;
    auto stream = loop_.run(connector_.open(address, std::nullopt, TestLoop::in(time)));
    if (!stream) throw std::runtime_error(stream.error().detail);
    return std::move(*stream);
  }
  core::Result<std::string> read(Stream& stream) {
    char buffer[256];
    const auto size = loop_.run(stream.read_some(buffer));
    if (!size) return size.error();
    return std::string(buffer, *size);
  }

  TestLoop loop_;
  BlockingPool pool_{2};
  Connector connector_{pool_};
};

TEST_F(StreamTest, WritesAndReads) {
  FakePeer peer([](FakeConnection& c) {
    const std::string got = c.read_until("\n");
    c.send("you said " + got);
  });
  const auto stream = open(peer.port());
  ASSERT_TRUE(loop_.run(stream->write("hello\n")));
  EXPECT_EQ(read(*stream).value(), "you said hello\n");
  const auto end = read(*stream);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().outcome, Outcome::closed);
  EXPECT_EQ(end.error().phase, Phase::receive);
  EXPECT_EQ(stream->tls(), nullptr);
}

TEST(Prediction, LooksWhereItPaysAndTriesAgainWhereItDidNot) {
  Prediction prediction;
  int looks = 0;
  for (int i = 0; i < 640; ++i) {
    if (!prediction.soon()) continue;
    ++looks;
    prediction.was(false);
  }
  EXPECT_EQ(looks, 10);
  while (!prediction.soon()) continue;
  prediction.was(true);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(prediction.soon()) << i;
    prediction.was(i % 2 == 0);  // half of them is enough
  }
  // A peer that became slow is looked at no more before long.
  looks = 0;
  for (int i = 0; i < 200; ++i) {
    if (!prediction.soon()) continue;
    ++looks;
    prediction.was(false);
  }
  EXPECT_LE(looks, 70);
}

TEST(GivingWay, OneDoesItForAllWhoAskAtATime) {
  GivingWay way;
  const GivingWay::Time now{1h};
  const auto before = way.times();
  EXPECT_TRUE(way.falls_to_me(before, now));
  EXPECT_FALSE(way.falls_to_me(before, now)) << "it was done since";
  EXPECT_TRUE(way.falls_to_me(way.times(), now));
}

TEST(GivingWay, WhoKeepsTheProcessorForLongGetsItRarely) {
  GivingWay way;
  const GivingWay::Time now{1h};
  way.was_away(now, now + 2ms);
  EXPECT_TRUE(way.falls_to_me(way.times(), now + 2ms)) << "so long may answers take";
  way.was_away(now, now + 4ms);
  EXPECT_FALSE(way.falls_to_me(way.times(), now + 63ms));
  EXPECT_TRUE(way.falls_to_me(way.times(), now + 64ms));
}

/// How many descriptors are registered with an epoll of this process (proc_pid_fdinfo(5)).
int registered() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:") ? 1 : 0;
  }
  return count;
}

/// Whether more would run now than there are processors (proc_loadavg(5)).
bool others_run() {
  double average = 0;
  unsigned running = 0;
  std::ifstream("/proc/loadavg") >> average >> average >> average >> running;
  return running > std::thread::hardware_concurrency();
}

/// This thread, and those that it starts, run on one processor alone.
class OneProcessor {
 public:
  OneProcessor() {
    EXPECT_EQ(::sched_getaffinity(0, sizeof before_, &before_), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  }
  ~OneProcessor() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t before_{};
};

TEST_F(StreamTest, WhoWaitsForOurProcessorCanAnswerBeforeWeWait) {
  const OneProcessor one;
  FakePeer peer([](FakeConnection& c) {
    // It runs when we let it: a batch thread does not break in on others (sched(7)).
    const sched_param usual{};
    EXPECT_EQ(::sched_setscheduler(0, SCHED_BATCH, &usual), 0);
    while (!c.read_until("\n").empty()) c.send("answer\n");
  });
  const auto conversation = [&] {
    const auto stream = open(peer.port());
    const int before = registered();
    EXPECT_TRUE(loop_.run(stream->write("ask\n")));
    EXPECT_EQ(read(*stream).value(), "answer\n");
    return registered() == before;
  };
  // Others may have the processor for a while, then neither of us gets far.
  const auto end = TestLoop::in(15s);
  int unregistered = 0;
  while (unregistered < 30 && std::chrono::steady_clock::now() < end) {
    unregistered = 0;
    for (int i = 0; i < 40; ++i) unregistered += conversation() ? 1 : 0;
  }
  if (unregistered < 30 && others_run()) GTEST_SKIP() << "the machine is busy: only " << unregistered << " of 40";
  EXPECT_GE(unregistered, 30) << "of 40";
}

Task<void> ask(Connector* connector, std::uint16_t port, int* good) {
  Address address;
  address.host = "127.0.0.1";
  address.port = port;
  auto stream = co_await connector->open(address, std::nullopt, TestLoop::in(10s));
  if (!stream) co_return;
  for (int round = 0; round < 3; ++round) {
    const auto written = co_await (*stream)->write("ask\n");
    char buffer[16];
    const auto size = co_await (*stream)->read_some(buffer);
    if (written && size && std::string_view(buffer, *size) == "answer\n") ++*good;
  }
}

TEST_F(StreamTest, ManyAskAtATime) {
  FakePeer peer([](FakeConnection& c) {
    while (!c.read_until("\n").empty()) c.send("answer\n");
  });
  int good = 0;
  for (int burst = 0; burst < 4; ++burst) {
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 50; ++i) tasks.push_back(ask(&connector_, peer.port(), &good));
    loop_.run(run_all(std::move(tasks), 50));
  }
  EXPECT_EQ(good, 600);
}

TEST_F(StreamTest, WritesMoreThanTheKernelTakesAtOnce) {
  const std::size_t size = 32 * 1024 * 1024;
  FakePeer peer(
      [](FakeConnection& c) { c.send(c.read(32 * 1024 * 1024).size() == 32 * 1024 * 1024 ? "all" : "less"); });
  const auto stream = open(peer.port());
  const std::string big(size, 'x');
  ASSERT_TRUE(loop_.run(stream->write(big)));
  EXPECT_EQ(read(*stream).value(), "all");
}

TEST_F(StreamTest, TimesOutWhilePeerIsSilent) {
  FakePeer peer([](FakeConnection& c) { c.hang(); });
  const auto stream = open(peer.port());
  stream->expires_at(TestLoop::in(30ms));
  const auto late = read(*stream);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().outcome, Outcome::timeout);
  EXPECT_EQ(late.error().phase, Phase::receive);
  EXPECT_NE(late.error().detail.find("127.0.0.1:"), std::string::npos) << late.error().detail;
  EXPECT_EQ(read(*stream).error().outcome, Outcome::timeout);
  EXPECT_EQ(loop_.run(stream->write("x")).error().outcome, Outcome::timeout);
  stream->expires_at(TestLoop::in(10s));
  EXPECT_TRUE(loop_.run(stream->write("x")));
}

TEST_F(StreamTest, HoldsADeadlineThatMovedLater) {
  FakePeer peer([](FakeConnection& c) {
    c.read_until("\n");
    c.drip("abc", 40ms);
    c.hang();
  });
  const auto stream = open(peer.port(), 20ms);
  ASSERT_TRUE(loop_.run(stream->write("\n")));
  stream->expires_at(TestLoop::in(5s));
  std::string got;
  while (got.size() < 3) got += read(*stream).value();
  EXPECT_EQ(got, "abc");
}

TEST_F(StreamTest, HoldsADeadlineThatMovedEarlier) {
  FakePeer peer([](FakeConnection& c) {
    c.send("a");
    c.hang();
  });
  const auto stream = open(peer.port(), 1h);
  EXPECT_EQ(read(*stream).value(), "a");
  stream->expires_at(TestLoop::in(20ms));
  EXPECT_EQ(read(*stream).error().outcome, Outcome::timeout);
}

TEST_F(StreamTest, TimesOutWhilePeerTakesNothing) {
  FakePeer peer([](FakeConnection& c) { c.freeze(); });
  const auto stream = open(peer.port());
  stream->expires_at(TestLoop::in(50ms));
  const std::string big(64 * 1024 * 1024, 'x');
  const auto written = loop_.run(stream->write(big));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().outcome, Outcome::timeout);
  EXPECT_EQ(written.error().phase, Phase::send);
}

TEST_F(StreamTest, SaysThatThePeerResetTheConnection) {
  FakePeer peer([](FakeConnection& c) {
    c.read_until("\n");
    c.reset();
  });
  const auto stream = open(peer.port());
  ASSERT_TRUE(loop_.run(stream->write("\n")));
  const auto got = read(*stream);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().outcome, Outcome::closed);
  EXPECT_NE(got.error().detail.find("reset by peer"), std::string::npos) << got.error().detail;
}

TEST_F(StreamTest, SaysThatNobodyListens) {
  Address address;
  address.host = "127.0.0.1";
  address.port = test::free_port();
  const auto stream = loop_.run(connector_.open(address, std::nullopt, TestLoop::in(5s)));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().outcome, Outcome::connect);
  EXPECT_EQ(stream.error().phase, Phase::connect);
  EXPECT_EQ(stream.error().detail, address.to_string() + " refused the connection (nothing listens there)");
}

TEST_F(StreamTest, TimesOutWhileConnecting) {
  // A listener whose queue is full drops what comes: connecting hangs.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  Address address;
  address.host = "127.0.0.1";
  address.port = ntohs(name.sin_port);
  std::vector<int> fill;
  for (int i = 0; i < 8; ++i) {
    fill.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    static_cast<void>(::connect(fill.back(), reinterpret_cast<sockaddr*>(&name), size));
  }
  const auto stream = loop_.run(connector_.open(address, std::nullopt, TestLoop::in(100ms)));
  const core::Failure failure = stream ? core::Failure{} : stream.error();
  for (const int fd : fill) ::close(fd);
  ::close(listener);
  EXPECT_EQ(failure.outcome, Outcome::timeout);
  EXPECT_EQ(failure.phase, Phase::connect);
}

Task<core::Result<std::size_t>> read_and_be_closed(Stream* stream, Loop* loop) {
  loop->post_after(5ms, [stream] { stream->close(); });
  char byte = 0;
  co_return co_await stream->read_some(std::span<char>(&byte, 1));
}

TEST_F(StreamTest, EndsWhatWaitsWhenClosed) {
  FakePeer peer([](FakeConnection& c) { c.hang(); });
  const auto stream = open(peer.port());
  const auto got = loop_.run(read_and_be_closed(stream.get(), &loop_.loop()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().outcome, Outcome::cancelled);
  EXPECT_EQ(loop_.run(stream->write("x")).error().outcome, Outcome::cancelled);
}

Task<void> read_into(Stream* stream, std::vector<Outcome>* outcomes) {
  char byte = 0;
  for (int i = 0; i < 2; ++i) {
    const auto got = co_await stream->read_some(std::span<char>(&byte, 1));
    outcomes->push_back(got ? Outcome::ok : got.error().outcome);
  }
}

TEST_F(StreamTest, EndsWhatWaitsWhenCancelled) {
  FakePeer peer([](FakeConnection& c) { c.hang(); });
  const auto stream = open(peer.port(), 1h);
  std::vector<Outcome> outcomes;
  const auto cancel = loop_.loop().spawn_cancellable("reader", read_into(stream.get(), &outcomes));
  loop_.loop().post_after(5ms, [&] {
    cancel();
    loop_.loop().post_after(5ms, [&] { loop_.loop().stop(); });
  });
  loop_.loop().run();
  EXPECT_EQ(outcomes, (std::vector{Outcome::cancelled, Outcome::cancelled}));
}

TEST_F(StreamTest, WatchesTheIdleConnection) {
  FakePeer closes([](FakeConnection& c) { c.read_until("\n"); });
  auto stream = open(closes.port(), 10ms);
  ASSERT_TRUE(loop_.run(stream->write("\n")));
  EXPECT_TRUE(loop_.run(stream->wait_closed()));

  FakePeer resets([](FakeConnection& c) {
    c.read_until("\n");
    c.reset();
  });
  stream = open(resets.port());
  ASSERT_TRUE(loop_.run(stream->write("\n")));
  EXPECT_TRUE(loop_.run(stream->wait_closed()));

  FakePeer talks([](FakeConnection& c) {
    c.send("-ERR goodbye");
    c.hang();
  });
  stream = open(talks.port());
  EXPECT_TRUE(loop_.run(stream->wait_closed()));
}

TEST_F(StreamTest, StopsWatching) {
  FakePeer peer([](FakeConnection& c) {
    c.read_until("\n");
    c.send("answer");
    c.hang();
  });
  const auto stream = open(peer.port(), 20ms);
  // Past the deadline of the last use: it does not apply to watching.
  loop_.loop().post_after(50ms, [&] { stream->stop_watching(); });
  EXPECT_FALSE(loop_.run(stream->wait_closed()));
  stream->expires_at(TestLoop::in(10s));
  ASSERT_TRUE(loop_.run(stream->write("\n")));
  EXPECT_EQ(read(*stream).value(), "answer");
}

TEST_F(StreamTest, ResolvesNumbersAndNames) {
  const auto v4 = loop_.run(connector_.resolve("192.0.2.7", 80, TestLoop::in(0s)));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->at(0).to_string(), "192.0.2.7:80");
  const auto v6 = loop_.run(connector_.resolve("2001:db8::7", 80, TestLoop::in(0s)));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->at(0).to_string(), "[2001:db8::7]:80");
  const auto name = loop_.run(connector_.resolve("localhost", 80, TestLoop::in(10s)));
  ASSERT_TRUE(name) << name.error().detail;
  bool loopback = false;
  for (const Endpoint& endpoint : *name) loopback = loopback || endpoint.to_string() == "127.0.0.1:80";
  EXPECT_TRUE(loopback);
  const auto bad = loop_.run(connector_.resolve("no..such..name", 80, TestLoop::in(10s)));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().outcome, Outcome::resolve);
  EXPECT_EQ(bad.error().phase, Phase::resolve);
}

TEST_F(StreamTest, GivesUpOnASlowNameService) {
  std::atomic<bool> go = false;
  BlockingPool busy(1);
  ASSERT_TRUE(busy.submit([&] { static_cast<void>(test::wait_until([&] { return go.load(); })); }));
  Connector connector(busy);
  const auto late = loop_.run(connector.resolve("localhost", 80, TestLoop::in(20ms)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().outcome, Outcome::timeout);
  EXPECT_EQ(late.error().phase, Phase::resolve);
  go = true;
  EXPECT_TRUE(loop_.run(connector.resolve("localhost", 80, TestLoop::in(10s))));
}

Task<void> resolve_into(Connector* connector, int* good) {
  const auto found = co_await connector->resolve("localhost", 80, TestLoop::in(10s));
  if (found) ++*good;
}

TEST_F(StreamTest, SharesOneLookupAmongLoops) {
  std::atomic<bool> go = false;
  BlockingPool busy(1, 2);  // room for one look-up beside the one that blocks
  ASSERT_TRUE(busy.submit([&] { static_cast<void>(test::wait_until([&] { return go.load(); })); }));
  Connector connector(busy);
  TestLoop other;
  int good = 0;
  int good_there = 0;
  for (int i = 0; i < 5; ++i) loop_.loop().spawn("resolve", resolve_into(&connector, &good));
  for (int i = 0; i < 5; ++i) other.loop().spawn("resolve", resolve_into(&connector, &good_there));
  std::thread there([&] { other.loop().run_until_idle(); });
  loop_.loop().post_after(10ms, [&] { go = true; });
  loop_.loop().run_until_idle();
  there.join();
  EXPECT_EQ(good, 5);
  EXPECT_EQ(good_there, 5);
}

TEST(Address, PrintsItself) {
  Address address;
  address.host = "h";
  address.port = 1;
  EXPECT_EQ(address.to_string(), "h:1");
  address.host = "::1";
  EXPECT_EQ(address.to_string(), "[::1]:1");
  address.host = "/run/x";
  address.unix_socket = true;
  EXPECT_EQ(address.to_string(), "/run/x");
}

}  // namespace
}  // namespace tocsin::net
