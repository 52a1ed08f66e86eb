// What is owed on disk: it outlives a restart, each Alertmanager is owed by itself, and what one that was away is owed
// arrives soon after its return, in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "alerts/notifier_fixture.hpp"
#include "tocsin/state/state.hpp"

namespace tocsin::alerts {
namespace {

using core::AlertChange;
using Kind = core::AlertChange::Kind;
using testing::HasSubstr;
using namespace std::chrono_literals;

class OwedTest : public NotifierTest {
 protected:
  void open() {
    state_ = state::State::open(dir_.path().string()).value();
    ledger_ = &state_->ledger();
    auto recalled = ledger_->take_recalled();
    owed_ = std::move(recalled.owed);
  }
  /// As a restart of the daemon: nothing but the disk is left.
  void restart() {
    notifier_.reset();
    run_until([] { return true; });
    state_.reset();
    open();
  }
  void TearDown() override {
    NotifierTest::TearDown();
    state_.reset();
  }
  /// Promises, and sends on the receipt.
  void tell(std::vector<AlertChange> changes) {
    state::Promise promise;
    promise.owed = changes;
    promise.receivers = notifier_->receivers();
    std::atomic<bool> done = false;
    std::optional<std::string> problem;
    ledger_->promise(std::move(promise), [&](std::optional<std::string> why) {
      problem = std::move(why);
      done = true;
    });
    ASSERT_TRUE(run_until([&] { return done.load(); }));
    ASSERT_EQ(problem, std::nullopt);
    notifier_->send(std::move(changes));
  }
  std::vector<std::string> events(core::HistoryKind kind) {
    state::HistoryQuery query;
    query.kind = kind;
    query.limit = 10'000;
    std::vector<std::string> all;
    for (const auto& record : ledger_->history(query).value())
      all.push_back(record.event + " " + record.subject + " " + record.detail);
    return all;
  }

  test::TempDir dir_;
  std::unique_ptr<state::State> state_;
};

std::string dead_url() { return "http://127.0.0.1:" + std::to_string(test::free_port()); }

TEST_F(OwedTest, WhatWasOwedIsDeliveredAfterARestart) {
  Alertmanager am;
  am.stop();
  open();
  notify({am.url()});
  tell({change("Down", Kind::firing, 1), change("Up", Kind::firing, 2)});
  tell({change("Up", Kind::resolved, 3)});
  ASSERT_TRUE(run_until([&] { return first().errors > 0; }));
  EXPECT_EQ(first().owed, 2U);
  EXPECT_TRUE(first().oldest_owed);
  restart();
  ASSERT_EQ(owed_.size(), 2U);
  am.start();
  notify({am.url()});
  drain();
  const auto there = alerts(am);
  ASSERT_EQ(there.size(), 1U);
  EXPECT_EQ(there[0].at("labels").at("alertname").as_string(), "Down");
  EXPECT_EQ(first().settled, 2U);
  EXPECT_EQ(first().owed, 0U);
  restart();
  EXPECT_TRUE(owed_.empty());
  EXPECT_THAT(
      events(core::HistoryKind::delivery),
      testing::UnorderedElementsAre("delivered Down firing to " + am.url(), "delivered Up resolved to " + am.url()));
}

TEST_F(OwedTest, WhatIsOwedStillFiresAfterALongStop) {
  const Alertmanager am;
  open();
  auto old = change("Down", Kind::firing, 1);
  old.alert.valid_until = old.at - 1h;  // so long ago was it to be told again
  state::Promise promise;
  promise.owed = {old};
  promise.receivers = {am.url()};
  ledger_->promise(std::move(promise), {});
  restart();  // closing writes what waits
  ASSERT_EQ(owed_.size(), 1U);
  notify({am.url()});
  drain();
  EXPECT_EQ(alerts(am).size(), 1U);
}

TEST_F(OwedTest, EachIsOwedByItself) {
  ScriptedReceiver takes([](const std::string&) { return reply(200); });
  const std::string dead = dead_url();
  open();
  notify({takes.url(), dead});
  EXPECT_EQ(notifier_->receivers(), (std::vector<std::string>{takes.url(), dead}));
  tell({change("A", Kind::firing, 1), change("B", Kind::firing, 2)});
  ASSERT_TRUE(run_until([&] { return first().sent == 2; }));
  restart();
  ASSERT_EQ(owed_.size(), 2U);
  for (const auto& one : owed_) EXPECT_EQ(one.receiver, dead);
  // A receiver that is configured no more is owed nothing.
  notify({takes.url()});
  restart();
  EXPECT_TRUE(owed_.empty());
}

TEST_F(OwedTest, WhatIsRefusedOrDroppedIsSettledAndNoted) {
  std::atomic<bool> up = true;
  ScriptedReceiver receiver([&](const std::string& body) {
    if (!up) return reply(503);
    return body.find("\"Bad\"") != std::string::npos ? reply(400, "bad") : reply(200);
  });
  open();
  options_.queue_capacity = 2;
  notify({receiver.url()});
  tell({change("Good", Kind::firing, 1), change("Bad", Kind::firing, 2)});
  drain();
  up = false;
  tell({change("X", Kind::firing, 3)});
  ASSERT_TRUE(run_until([&] { return first().last_error.starts_with("status 503"); }));
  tell({change("Y", Kind::firing, 4), change("Z", Kind::firing, 5), change("Q", Kind::firing, 6)});
  ASSERT_TRUE(run_until([&] { return first().dropped == 3; }));
  EXPECT_THAT(log_, HasSubstr("no more may wait for it"));
  restart();
  std::set<std::string> names;
  for (const auto& one : owed_) names.emplace(one.change.alert.labels.get("alertname"));
  EXPECT_EQ(names, (std::set<std::string>{"Z", "Q"}));
  EXPECT_THAT(events(core::HistoryKind::delivery),
              testing::UnorderedElementsAre(
                  "delivered Good firing to " + receiver.url(), "refused Bad firing to " + receiver.url(),
                  "dropped X firing to " + receiver.url(), "dropped Y firing to " + receiver.url()));
}

TEST_F(OwedTest, ARepeatedStateSettlesTheOlderOnes) {
  std::atomic<int> status = 503;
  ScriptedReceiver receiver([&](const std::string&) { return reply(status); });
  open();
  notify({receiver.url()});
  tell({change("A", Kind::firing, 1)});
  ASSERT_TRUE(run_until([&] { return first().errors > 0; }));
  notifier_->send({change("A", Kind::repeated)});
  status = 200;
  drain();
  restart();
  EXPECT_TRUE(owed_.empty());
}

TEST_F(OwedTest, APauseThatIsAskedForIsKept) {
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> times;
  ScriptedReceiver receiver([&](const std::string&) {
    const std::lock_guard lock(mutex);
    times.push_back(std::chrono::steady_clock::now());
    return times.size() == 1 ? reply(429, "", "Retry-After: 1\r\n") : reply(200);
  });
  notify({receiver.url()});
  notifier_->send({change("A")});
  ASSERT_TRUE(run_until([&] { return first().sent == 1; }));
  const std::lock_guard lock(mutex);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[1] - times[0], 1s);
}

// The pauses have their greatest length by then: it has been away for a while.
TEST_F(OwedTest, TenThousandThatAreOwedArriveWithinFiveSecondsOfItsReturn) {
  Alertmanager am;
  am.stop();
  open();
  notify({am.url()});
  std::vector<AlertChange> many;
  for (int i = 0; i < 10'000; ++i)
    many.push_back(change("A" + std::to_string(i), Kind::firing, static_cast<std::uint64_t>(i) + 1));
  tell(std::move(many));
  ASSERT_TRUE(run_until([&] { return first().errors >= 5 * 256; }, 15s));
  am.start();  // returns when it listens
  const auto returned = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return first().queued == 0; }, 15s));
  EXPECT_LT(std::chrono::steady_clock::now() - returned, 5s);
  EXPECT_EQ(alerts(am).size(), 10'000U);
  EXPECT_EQ(first().settled, 10'000U);
  restart();
  EXPECT_TRUE(owed_.empty());
}

// Away for a while, in which hundreds of alerts come and go: of each the newest state arrives, once it is back.
TEST_F(OwedTest, AfterAnOutageAllIsThereInOrder) {
  Alertmanager am;
  open();
  notify({am.url()});
  std::map<std::string, bool> firing;
  std::uint64_t number = 0;
  const auto transition = [&] {
    const std::string name = "A" + std::to_string(number % 97);
    firing[name] = !firing[name];
    tell({change(name, firing[name] ? Kind::firing : Kind::resolved, ++number)});
  };
  for (int i = 0; i < 97; ++i) transition();
  drain();
  am.stop();
  const auto left = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - left < 4s) {
    transition();
    run_until([] { return true; });
    loop_.run(net::sleep_for(10ms));
  }
  EXPECT_GT(number, 200U);
  const std::size_t owed = first().owed;
  EXPECT_LE(owed, 97U);
  am.start();
  const auto returned = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return first().queued == 0; }, 15s));
  EXPECT_LT(std::chrono::steady_clock::now() - returned, 5s);
  std::set<std::string> there, wanted;
  for (const auto& alert : alerts(am)) there.emplace(alert.at("labels").at("alertname").as_string());
  for (const auto& [name, fires] : firing) {
    if (fires) wanted.insert(name);
  }
  EXPECT_EQ(there, wanted);
  restart();
  EXPECT_TRUE(owed_.empty());
}

/// A host that swallows packets: the kernel drops connections for which nobody has room.
class Hole {
 public:
  explicit Hole(std::uint16_t port) : listener_(socket()) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto address = loopback(port);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, sizeof address) != 0 || ::listen(listener_, 0) != 0)
      throw std::runtime_error("the hole cannot listen");
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      static_cast<void>(::connect(filler, generic, sizeof address));
    }
  }
  ~Hole() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;

 private:
  static int socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int listener_;
  std::array<int, 4> fillers_{};
};

TEST_F(OwedTest, OneThatSwallowsPacketsIsNoticedWhenItReturns) {
  const auto port = test::free_port();
  AlertmanagerOptions one;
  one.url = net::parse_url("http://127.0.0.1:" + std::to_string(port)).value();
  one.timeout = 60s;  // so long would an attempt wait
  options_.alertmanagers = {one};
  notify();
  notifier_->send({change("A")});
  ASSERT_TRUE(run_until([&] { return first().errors >= 1; }));  // refused: it is gone
  auto hole = std::make_unique<Hole>(port);
  const auto errors = first().errors;
  ASSERT_TRUE(run_until([&] { return first().errors >= errors + 2 && first().last_error.starts_with("timeout"); }));
  hole.reset();
  const Alertmanager am(quiet_alertmanager, port);
  const auto returned = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return first().sent == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - returned, 5s);
}

}  // namespace
}  // namespace tocsin::alerts
