// Peers that do what a PostgreSQL server never should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/postgres_probe.hpp"
#include "support/fake_peer.hpp"
#include "support/hostile.hpp"
#include "support/wait_until.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::PostgresProbe;
using ::testing::HasSubstr;
using SslMode = PostgresOptions::SslMode;

std::string number(std::uint32_t value, std::size_t bytes = 4) {
  std::string text;
  for (std::size_t i = bytes; i > 0; --i) text += static_cast<char>((value >> (8 * (i - 1))) & 0xffU);
  return text;
}
std::string message(char type, const std::string& payload) {
  return type + number(static_cast<std::uint32_t>(payload.size() + 4)) + payload;
}
std::string zero(const std::string& text) { return text + '\0'; }

const std::string let_in = message('R', number(0)) + message('S', zero("server_version") + zero("15.4")) +
                           message('K', number(1) + number(2)) + message('Z', "I");
const std::string begun = message('C', zero("BEGIN"));
const std::string ready = message('Z', "T");
std::string error(const std::string& state, const std::string& text) {
  return message('E', zero("SFATAL") + zero("VFATAL") + zero("C" + state) + zero("M" + text) + '\0');
}
std::string columns(std::uint32_t count) {
  std::string payload = number(count, 2);
  for (std::uint32_t i = 0; i < count; ++i) {
    payload += zero("c") + number(0) + number(0, 2) + number(25) + number(65535, 2) + number(0xffffffff) + number(0, 2);
  }
  return message('T', payload);
}

/// Reads the startup packet (its length comes first).
void read_startup(FakeConnection& peer) {
  const std::string size = peer.read(4);
  if (size.size() == 4) peer.read(static_cast<unsigned char>(size[2]) * 256U + static_cast<unsigned char>(size[3]) - 4);
}
void enter(FakeConnection& peer) {
  read_startup(peer);
  peer.send(let_in);
}
void enter_and_hear(FakeConnection& peer) {
  enter(peer);
  peer.read_until("COMMIT");
}

struct Case {
  std::string name;
  FakePeer::Script script;
  Outcome outcome;
  Phase phase;
  SslMode mode = SslMode::disable;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class PostgresPeerTest : public testing::TestWithParam<Case> {};

TEST_P(PostgresPeerTest, EndsInTimeInItsClass) {
  const FakePeer peer(GetParam().script);
  auto options = PostgresProbe::to(peer.port());
  options.sslmode = GetParam().mode;
  options.password.value = core::Secret("geheim");
  options.max_reply = 64 * 1024;  // which is read in time under a sanitizer, too
  PostgresProbe probe(options);
  for (int i = 0; i < 2; ++i) {
    const auto observation = test::probe_hostile(probe, 300ms);
    EXPECT_EQ(observation.outcome, GetParam().outcome) << observation.detail;
    EXPECT_EQ(observation.phase, GetParam().phase) << observation.detail;
    EXPECT_THAT(observation.detail, testing::Not(HasSubstr("geheim")));
    EXPECT_NE(observation.detail, "");
    EXPECT_EQ(probe.value("pg_up"), 0);
    EXPECT_EQ(probe.value("tocsin_probe_success"), 0);
  }
}

const Case cases[] = {
    {"SaysNothing", [](FakeConnection& peer) { peer.hang(); }, Outcome::timeout, Phase::auth},
    {"ReadsNothing", [](FakeConnection& peer) { peer.freeze(); }, Outcome::timeout, Phase::auth},
    {"ClosesAtOnce", [](FakeConnection& peer) { peer.close(); }, Outcome::closed, Phase::auth},
    {"ResetsAtStartup",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.reset();
     },
     Outcome::closed, Phase::auth},
    {"HangsBeforeTls", [](FakeConnection& peer) { peer.hang(); }, Outcome::timeout, Phase::tls, SslMode::require},
    {"HasNoTls", [](FakeConnection& peer) { peer.send("N"); }, Outcome::tls, Phase::tls, SslMode::require},
    {"HangsInTls",
     [](FakeConnection& peer) {
       peer.send("S");
       peer.hang();
     },
     Outcome::timeout, Phase::tls, SslMode::require},
    {"SpeaksNonsenseForTls",
     [](FakeConnection& peer) {
       peer.read(8);
       peer.send("S");
       peer.read(100);
       peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
       peer.hang();
     },
     Outcome::tls, Phase::tls, SslMode::require},
    {"IsAWebServer",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
       peer.hang();
     },
     Outcome::protocol, Phase::auth},
    {"WantsAnUnknownProof",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(message('R', number(99)));
       peer.hang();
     },
     Outcome::auth, Phase::auth},
    {"HangsAfterThePassword",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(message('R', number(5) + "salt"));
       peer.hang();
     },
     Outcome::timeout, Phase::auth},
    {"HangsBeforeItIsReady",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(message('R', number(0)));
       peer.hang();
     },
     Outcome::timeout, Phase::auth},
    {"IsFull",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(error("53300", "sorry, too many clients already"));
     },
     Outcome::throttled, Phase::auth},
    {"StartsUp",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(error("57P03", "the database system is starting up"));
     },
     Outcome::throttled, Phase::auth},
    {"TellsParametersWithoutEnd",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.send(message('R', number(0)));
       int i = 0;
       while (peer.send(message('S', zero("p" + std::to_string(++i)) + zero(std::string(1000, 'x'))))) {
       }
     },
     Outcome::limit, Phase::auth},
    {"HangsAtTheQuestion",
     [](FakeConnection& peer) {
       enter(peer);
       peer.hang();
     },
     Outcome::timeout, Phase::query},
    {"ClosesAtTheQuestion", enter_and_hear, Outcome::closed, Phase::receive},
    {"ResetsAtTheQuestion",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.reset();
     },
     Outcome::closed, Phase::receive},
    {"GivesHalfAMessage",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(begun + columns(8).substr(0, 20));
       peer.hang();
     },
     Outcome::timeout, Phase::query},
    {"EndsInTheMiddle",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(begun + columns(8).substr(0, 20));
     },
     Outcome::closed, Phase::receive},
    {"SpeaksNonsense",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(std::string(200, 'x'));
       peer.hang();
     },
     Outcome::protocol, Phase::receive},
    {"ClaimsAHugeRow",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(begun + columns(8) + 'D' + number(0x3fffffff) + number(8, 2));
       peer.hang();
     },
     Outcome::timeout, Phase::query},
    {"GivesRowsWithoutEnd",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(begun + columns(1));
       const std::string row = message('D', number(1, 2) + number(1000) + std::string(1000, 'x'));
       while (peer.send(row)) {
       }
     },
     Outcome::limit, Phase::query},
    {"GivesAnswersWithoutEnd",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       std::string many;
       for (int i = 0; i < 1000; ++i) many += begun;
       while (peer.send(many)) {
       }
     },
     Outcome::limit, Phase::query},
    {"Drips",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.drip(begun + columns(8), 20ms);
     },
     Outcome::timeout, Phase::query},
    {"DripsAtStartup",
     [](FakeConnection& peer) {
       read_startup(peer);
       peer.drip(let_in, 20ms);
     },
     Outcome::timeout, Phase::auth},
    {"AnswersNothing",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(message('Z', "I"));
       peer.hang();
     },
     Outcome::protocol, Phase::query},
    {"AnswersSomethingElse",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(begun + columns(1) + message('D', number(1, 2) + number(1) + "1") + message('C', zero("SELECT 1")) +
                 message('Z', "I"));
       peer.hang();
     },
     Outcome::protocol, Phase::query},
    {"BeginsACopy",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(message('H', number(0, 1) + number(0, 2)));
       peer.hang();
     },
     Outcome::protocol, Phase::receive},
    {"TellsWhatNobodyAsked",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(message('A', number(1) + zero("channel") + zero("text")) + begun);
       peer.hang();
     },
     Outcome::protocol, Phase::receive},
    {"RefusesEveryQuestion",
     [](FakeConnection& peer) {
       enter(peer);
       while (!peer.read_until("COMMIT").empty()) peer.send(error("0A000", "not here") + message('Z', "I"));
     },
     Outcome::refused_command, Phase::query},
    {"ShutsDown",
     [](FakeConnection& peer) {
       enter_and_hear(peer);
       peer.send(error("57P01", "terminating connection due to administrator command"));
     },
     Outcome::closed, Phase::query},
};

INSTANTIATE_TEST_SUITE_P(, PostgresPeerTest, testing::ValuesIn(cases), [](const auto& one) { return one.param.name; });

TEST(PostgresPeer, GivesUpAnIdleConnectionThatTalks) {
  std::atomic<bool> talk = false;
  const FakePeer peer([&](FakeConnection& connection) {
    enter(connection);
    static_cast<void>(test::wait_until([&talk] { return talk.load(); }));
    connection.send(std::string(100, 'x'));
    connection.hang();
  });
  auto options = PostgresProbe::to(peer.port());
  options.sslmode = SslMode::disable;
  PostgresProbe probe(options);
  EXPECT_EQ(probe(100ms).outcome, Outcome::timeout);
  EXPECT_FALSE(probe.prober().has_sentinel());
  talk = true;
}

TEST(PostgresPeer, EndsInTimeWhereTheNameIsUnknown) {
  auto options = PostgresProbe::to(1);
  options.address.host = "no-such-host.invalid";
  PostgresProbe probe(options);
  const auto observation = probe(2s);
  EXPECT_EQ(observation.outcome, Outcome::resolve) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::resolve);
}

TEST(PostgresPeer, SaysWhereNothingListens) {
  PostgresProbe probe(PostgresProbe::to(1));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::connect);
  EXPECT_THAT(observation.detail, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace tocsin::probes
