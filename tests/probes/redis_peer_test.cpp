// The Redis probe against a peer that does what no real server does on demand.
#include <gtest/gtest.h>

#include <atomic>

#include "probes/redis_probe.hpp"
#include "probes/redis_texts.hpp"
#include "support/fake_peer.hpp"
#include "support/hostile.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::RedisProbe;
using namespace std::chrono_literals;

using test::bulk;

core::Observation ask(const FakePeer::Script& script, std::chrono::milliseconds timeout = 5s, bool password = false) {
  const FakePeer peer(script);
  auto options = RedisProbe::to(peer.port());
  if (password) options.password.value = core::Secret("s3cret");
  RedisProbe probe(options);
  auto observation = probe(timeout);
  EXPECT_EQ(probe.values.at("redis_up"), observation.good() ? 1 : 0);
  EXPECT_FALSE(observation.good() ? false : probe.prober().has_sentinel());
  EXPECT_EQ(observation.detail.find("s3cret"), std::string::npos);
  return observation;
}

void expect_info(FakeConnection& peer) { static_cast<void>(peer.read_until("INFO\r\n$3\r\nALL\r\n")); }

TEST(RedisPeer, HangsAtEachPhase) {
  auto observation = ask([](FakeConnection& peer) { peer.hang(); }, 100ms);
  EXPECT_EQ(observation.outcome, Outcome::timeout);
  EXPECT_EQ(observation.phase, Phase::query);
  EXPECT_LT(observation.took, 2s);
  observation = ask([](FakeConnection& peer) { peer.hang(); }, 100ms, true);
  EXPECT_EQ(observation.phase, Phase::auth);
  observation = ask(
      [](FakeConnection& peer) {
        expect_info(peer);
        peer.send("$100\r\n# Server\r\n");
        peer.hang();
      },
      100ms);
  EXPECT_EQ(observation.outcome, Outcome::timeout);
  EXPECT_EQ(observation.phase, Phase::receive);
  EXPECT_EQ(observation.detail, "no answer to INFO before the deadline");
}

struct Sick {
  const char* name;
  FakePeer::Script script;
  Outcome outcome;
  Phase phase;
  enum class How : std::uint8_t { plain, password, tls } how = How::plain;
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }

class RedisSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(RedisSickPeer, IsNamedInTimeAndKeepsMemoryFlat) {
  const FakePeer peer(GetParam().script);
  auto options = RedisProbe::to(peer.port());
  options.max_reply = 100'000;
  if (GetParam().how == Sick::How::password) options.password.value = core::Secret("s3cret");
  if (GetParam().how == Sick::How::tls) options.tls.emplace();
  RedisProbe probe(options);
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  EXPECT_EQ(observation.outcome, GetParam().outcome) << observation.detail;
  EXPECT_EQ(observation.phase, GetParam().phase) << core::to_string(observation.phase) << ": " << observation.detail;
  EXPECT_EQ(probe.values.at("redis_up"), 0);
  const std::string word(core::to_string(GetParam().outcome));
  EXPECT_GE(probe.values.at("tocsin_probe_failures_total{class=\"" + word + "\"}"), 1);
}

/// Sends this for ever.
FakePeer::Script endless(const std::string& begin, const std::string& more) {
  return [begin, more](FakeConnection& peer) {
    expect_info(peer);
    peer.send(begin);
    while (peer.send(more)) {
    }
  };
}

INSTANTIATE_TEST_SUITE_P(
    All, RedisSickPeer,
    testing::Values(
        Sick{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::query},
        Sick{"hang_in_auth", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::auth, Sick::How::password},
        Sick{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::tls, Sick::How::tls},
        Sick{"hang_in_reply",
             [](FakeConnection& c) {
               expect_info(c);
               c.send("$100\r\n# Server\r\n");
               c.hang();
             },
             Outcome::timeout, Phase::receive},
        Sick{"hang_after_info",
             [](FakeConnection& c) {
               expect_info(c);
               c.send(bulk("redis_version:7.0.0\r\nredis_mode:standalone\r\n"));
               c.hang();
             },
             Outcome::timeout, Phase::query},
        Sick{"drip", [](FakeConnection& c) { c.drip(bulk(std::string(10'000, 'x')), 5ms); }, Outcome::timeout,
             Phase::receive},
        Sick{"no_tls", [](FakeConnection& c) { c.send("-ERR Protocol error\r\n"); }, Outcome::tls, Phase::tls,
             Sick::How::tls},
        Sick{"garbage",
             [](FakeConnection& c) {
               expect_info(c);
               c.send(std::string(1000, '\xff'));
               c.hang();
             },
             Outcome::protocol, Phase::parse},
        Sick{"a_gigabyte_is_announced", endless("$1000000000\r\n", std::string(4096, 'x')), Outcome::limit,
             Phase::receive},
        Sick{"a_line_without_end", endless("+", std::string(4096, 'x')), Outcome::limit, Phase::receive},
        Sick{"a_billion_items_are_announced", endless("*1000000000\r\n", "$1\r\nx\r\n"), Outcome::limit,
             Phase::receive},
        Sick{"many_small_items", endless("*90000\r\n", "$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n"), Outcome::limit,
             Phase::receive},
        Sick{"replies_without_end", endless(bulk("redis_version:7.0.0\r\n"), "+OK\r\n+OK\r\n+OK\r\n"),
             Outcome::protocol, Phase::parse},
        Sick{"closes",
             [](FakeConnection& c) {
               expect_info(c);
               c.send("$100\r\n# Server\r\n");
             },
             Outcome::closed, Phase::receive},
        Sick{"resets",
             [](FakeConnection& c) {
               expect_info(c);
               c.reset();
             },
             Outcome::closed, Phase::query}),
    [](const auto& sick) { return std::string(sick.param.name); });

TEST(RedisPeer, DripsWithoutStretchingTheDeadline) {
  const auto observation = ask([](FakeConnection& peer) { peer.drip(bulk(std::string(10'000, 'x')), 5ms); }, 150ms);
  EXPECT_EQ(observation.outcome, Outcome::timeout);
  EXPECT_LT(observation.took, 2s);
}

TEST(RedisPeer, AnswersInManyPieces) {
  const auto observation = ask([](FakeConnection& peer) {
    expect_info(peer);
    peer.drip(bulk("# Clients\r\nconnected_clients:7\r\n"), 1ms);
    peer.hang();
  });
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

TEST(RedisPeer, AnswersAtLength) {
  std::string text = "# Clients\r\nconnected_clients:7\r\n# Other\r\n";
  for (int i = 0; i < 100'000; ++i) text += "some_field_" + std::to_string(i) + ":1\r\n";
  const auto observation = ask([&text](FakeConnection& peer) {
    expect_info(peer);
    peer.send(bulk(text));
    peer.hang();
  });
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

TEST(RedisPeer, ClosesInTheMiddle) {
  auto observation = ask([](FakeConnection& peer) {
    expect_info(peer);
    peer.send("$100\r\n# Server\r\n");
  });
  EXPECT_EQ(observation.outcome, Outcome::closed) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::receive);
  observation = ask([](FakeConnection& peer) { expect_info(peer); });
  EXPECT_EQ(observation.outcome, Outcome::closed);
  EXPECT_EQ(observation.phase, Phase::query);
  observation = ask([](FakeConnection& peer) {
    expect_info(peer);
    peer.reset();
  });
  EXPECT_EQ(observation.outcome, Outcome::closed);
  observation = ask([](FakeConnection& peer) { peer.reset(); });
  const bool early = observation.outcome == Outcome::connect;  // so fast that it was still connecting
  EXPECT_TRUE(early || observation.outcome == Outcome::closed) << observation.detail;
}

TEST(RedisPeer, SaysNonsense) {
  struct Case {
    std::string answer;
    Outcome outcome;
  };
  const Case cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", Outcome::protocol},
      {"\x15\x03\x03\x00\x02\x02\x46", Outcome::protocol},
      {":5\r\n", Outcome::protocol},
      {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", Outcome::protocol},
      {bulk("no fields here\r\n"), Outcome::protocol},
      {bulk("a:1\r\n") + "+surplus\r\n", Outcome::protocol},
      {"$1000000000\r\n", Outcome::limit},
      {"$1000000000\r\n", Outcome::limit},
      {"*1000000000\r\n", Outcome::limit},
      {"-LOADING Redis is loading the dataset in memory\r\n", Outcome::throttled},
      {"-BUSY Redis is busy running a script.\r\n", Outcome::throttled},
      {"-ERR max number of clients reached\r\n", Outcome::throttled},
      {"-DENIED Redis is running in protected mode\r\n", Outcome::auth},
  };
  for (const Case& c : cases) {
    const auto observation = ask([&c](FakeConnection& peer) {
      expect_info(peer);
      peer.send(c.answer);
      peer.hang();
    });
    EXPECT_EQ(observation.outcome, c.outcome) << c.answer << ": " << observation.detail;
  }
}

TEST(RedisPeer, SaysWhyItTurnsUsAwayAndCloses) {
  const auto observation = ask([](FakeConnection& peer) { peer.send("-ERR max number of clients reached\r\n"); });
  EXPECT_EQ(observation.outcome, Outcome::throttled) << observation.detail;
}

TEST(RedisPeer, KnowsOnlyThePlainInfo) {
  std::atomic<int> refused = 0;
  const FakePeer peer([&refused](FakeConnection& connection) {
    expect_info(connection);
    ++refused;
    connection.send("-ERR syntax error\r\n");
    while (!connection.read_until("*1\r\n$4\r\nINFO\r\n").empty()) connection.send(bulk("connected_clients:7\r\n"));
  });
  RedisProbe probe(RedisProbe::to(peer.port()));
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_EQ(probe.values.at("redis_connected_clients"), 7);
  }
  EXPECT_EQ(refused, 1) << "remembered";
}

TEST(RedisPeer, RetriesAKeptConnectionOnceWithinTheDeadline) {
  std::atomic<int> number = 0;
  const FakePeer peer([&number](FakeConnection& connection) {
    const int mine = ++number;
    expect_info(connection);
    if (mine > 1) return connection.hang();
    connection.send(bulk("connected_clients:7\r\n"));
  });
  RedisProbe probe(RedisProbe::to(peer.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  const auto observation = probe(200ms);
  EXPECT_EQ(observation.outcome, Outcome::timeout) << observation.detail;
  EXPECT_LT(observation.took, 2s);
  EXPECT_EQ(peer.connections(), 2);
}

TEST(RedisPeer, LearntIdleLimitOfConnectionsFoundClosed) {
  const FakePeer peer([](FakeConnection& connection) {
    expect_info(connection);
    connection.send(bulk("connected_clients:7\r\n"));
  });
  RedisProbe probe(RedisProbe::to(peer.port()));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(probe().outcome, Outcome::ok);
    static_cast<void>(test::wait_until([&] { return peer.ended() == peer.connections(); }));
  }
  EXPECT_EQ(peer.connections(), 5) << "no failed use costs a connection";
}

TEST(RedisPeer, NothingListens) {
  RedisProbe probe(RedisProbe::to(test::free_port()));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect);
  EXPECT_EQ(probe.values.at("redis_up"), 0);
  EXPECT_EQ(probe.values.at(R"(redis_exporter_last_scrape_error{err="connect"})"), 1);
  EXPECT_EQ(probe.values.at("redis_exporter_scrapes_total"), 1);
}

}  // namespace
}  // namespace tocsin::probes
