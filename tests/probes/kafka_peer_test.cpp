// The Kafka probe against a peer that does what no broker does on demand, and the parts that need no broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kafka/failure.hpp"
#include "probes/kafka_probe.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"
#include "support/temp_dir.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::KafkaProbe;
using namespace std::chrono_literals;

std::string number(std::uint32_t value, std::size_t bytes = 4) {
  std::string text;
  for (std::size_t i = bytes; i > 0; --i) text += static_cast<char>((value >> (8 * (i - 1))) & 0xffU);
  return text;
}
std::string word(const std::string& text) { return number(static_cast<std::uint32_t>(text.size()), 2) + text; }

enum Api : std::uint32_t { list_offsets = 2, metadata = 3, list_groups = 16, sasl_handshake = 17, api_versions = 18 };

/// A request of Kafka's protocol: what is asked, and the number that its answer must have.
struct Request {
  std::uint32_t api = 0xffff;
  std::string id;
};
Request read_request(FakeConnection& peer) {
  const auto value = [](const std::string& bytes) {
    std::uint32_t sum = 0;
    for (const char byte : bytes) sum = sum << 8U | static_cast<unsigned char>(byte);
    return sum;
  };
  const std::string body = peer.read(value(peer.read(4)));
  return body.size() < 8 ? Request() : Request{value(body.substr(0, 2)), body.substr(4, 4)};
}
void answer(FakeConnection& peer, const Request& request, const std::string& body) {
  peer.send(number(static_cast<std::uint32_t>(body.size() + 4)) + request.id + body);
}

/// What it understands, and no newer versions than those here.
const std::string understood = [] {
  const std::pair<Api, std::uint32_t> newest[] = {
      {list_offsets, 2}, {metadata, 1}, {list_groups, 2}, {sasl_handshake, 1}, {api_versions, 3}};
  std::string list = number(0, 2) + number(std::size(newest) + 1, 1);
  for (const auto& [api, version] : newest) list += number(api, 2) + number(0, 2) + number(version, 2) + number(0, 1);
  return list + number(0) + number(0, 1);
}();

/// Says what it understands; gives back the first question after that.
Request enter(FakeConnection& peer) {
  Request request = read_request(peer);
  while (request.api == api_versions) {
    answer(peer, request, understood);
    request = read_request(peer);
  }
  return request;
}

KafkaOptions options_for(std::uint16_t port, KafkaSecurity security) {
  auto options = KafkaProbe::to(port);
  options.security = security;
  options.max_response = 1024 * 1024;
  if (uses_sasl(security)) {
    options.sasl.username = "scout";
    options.sasl.password.value = core::Secret("s3cret");
  }
  return options;
}

struct Case {
  std::string name;
  FakePeer::Script script;
  Outcome outcome;
  Phase phase;
  KafkaSecurity security = KafkaSecurity::plaintext;
  std::chrono::milliseconds timeout = 400ms;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class KafkaPeerTest : public testing::TestWithParam<Case> {};

TEST_P(KafkaPeerTest, EndsInTimeInItsClass) {
  const FakePeer peer(GetParam().script);
  KafkaProbe probe(options_for(peer.port(), GetParam().security));
  const auto observation = test::probe_hostile(probe, GetParam().timeout);
  EXPECT_EQ(observation.outcome, GetParam().outcome) << observation.detail;
  EXPECT_EQ(observation.phase, GetParam().phase) << observation.detail;
  EXPECT_NE(observation.detail, "");
  EXPECT_THAT(observation.detail, testing::Not(testing::HasSubstr("s3cret")));
  EXPECT_EQ(probe.value("kafka_up"), 0);
  EXPECT_EQ(probe.value("tocsin_probe_success"), 0);
  EXPECT_FALSE(probe.prober().has_sentinel());
}

const Case cases[] = {
    {"SaysNothing", [](FakeConnection& peer) { peer.hang(); }, Outcome::timeout, Phase::query},
    {"ReadsNothing", [](FakeConnection& peer) { peer.freeze(); }, Outcome::timeout, Phase::query},
    {"HangsInTls", [](FakeConnection& peer) { peer.hang(); }, Outcome::timeout, Phase::tls, KafkaSecurity::ssl},
    {"HangsBeforeThePassword", [](FakeConnection& peer) { peer.hang(); }, Outcome::timeout, Phase::auth,
     KafkaSecurity::sasl_plaintext},
    {"HangsAtThePassword",
     [](FakeConnection& peer) {
       enter(peer);
       peer.hang();
     },
     Outcome::timeout, Phase::auth, KafkaSecurity::sasl_plaintext},
    {"KnowsNoSuchMechanism",
     [](FakeConnection& peer) {
       answer(peer, enter(peer), number(33, 2) + number(0));
       peer.hang();
     },
     Outcome::auth, Phase::auth, KafkaSecurity::sasl_plaintext, 2s},
    {"HangsAtTheQuestion",
     [](FakeConnection& peer) {
       enter(peer);
       peer.hang();
     },
     Outcome::timeout, Phase::query},
    {"DripsItsVersions",
     [](FakeConnection& peer) {
       const Request request = read_request(peer);
       peer.drip(number(static_cast<std::uint32_t>(understood.size() + 4)) + request.id + understood, 20ms);
     },
     Outcome::timeout, Phase::query},
    {"DripsItsAnswer",
     [](FakeConnection& peer) {
       const Request request = enter(peer);
       peer.drip(number(1000) + request.id + std::string(996, '\0'), 20ms);
     },
     Outcome::timeout, Phase::query},
    {"IsAWebServer",
     [](FakeConnection& peer) {
       peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
       peer.hang();
     },
     Outcome::protocol, Phase::parse},
    {"AnswersNonsense",
     [](FakeConnection& peer) {
       for (Request request = enter(peer); request.api == metadata; request = read_request(peer)) {
         answer(peer, request, std::string(200, '\x11'));
       }
       peer.hang();
     },
     Outcome::protocol, Phase::parse},
    {"ClaimsTwoGigabytesAtOnce",
     [](FakeConnection& peer) {
       peer.send(number(0x7fffffff) + std::string(1000, 'x'));
       peer.hang();
     },
     Outcome::protocol, Phase::parse},
    {"ClaimsTwoGigabytes",
     [](FakeConnection& peer) {
       enter(peer);
       peer.send(number(0x7fffffff) + std::string(1000, 'x'));
       peer.hang();
     },
     Outcome::protocol, Phase::parse, KafkaSecurity::plaintext, 2s},
    {"AnswersWithoutEnd",
     [](FakeConnection& peer) {
       enter(peer);
       const std::string other = number(100'004) + number(0x7fffffff) + std::string(100'000, 'x');
       while (peer.send(other)) {
       }
     },
     Outcome::timeout, Phase::query},
    {"ClosesAtOnce", [](FakeConnection& peer) { peer.close(); }, Outcome::protocol, Phase::query,
     KafkaSecurity::plaintext, 5s},
    {"ResetsAtOnce",
     [](FakeConnection& peer) {
       static_cast<void>(peer.read(4));
       peer.reset();
     },
     Outcome::protocol, Phase::query, KafkaSecurity::plaintext, 5s},
    {"ClosesAtTheQuestion", [](FakeConnection& peer) { enter(peer); }, Outcome::closed, Phase::connect,
     KafkaSecurity::plaintext, 5s},
    {"ResetsAtTheQuestion",
     [](FakeConnection& peer) {
       enter(peer);
       peer.reset();
     },
     Outcome::closed, Phase::connect, KafkaSecurity::plaintext, 5s},
};

INSTANTIATE_TEST_SUITE_P(, KafkaPeerTest, testing::ValuesIn(cases), [](const auto& one) { return one.param.name; });

TEST(KafkaPeer, GivesWhatItWasToldBeforeItHung) {
  std::atomic<std::uint16_t> port = 0;
  const FakePeer peer([&](FakeConnection& connection) {
    Request request = enter(connection);
    while (request.api == metadata) {
      answer(connection, request,
             number(1) + number(1) + word("127.0.0.1") + number(port) + number(0xffff, 2) + number(1) +  // brokers
                 number(1) + number(0, 2) + word("orders") + number(0, 1) + number(1) +                  // a topic
                 number(0, 2) + number(0) + number(1) + number(1) + number(1) + number(1) + number(1));
      request = read_request(connection);
      while (request.api == api_versions) {
        answer(connection, request, understood);
        request = read_request(connection);
      }
    }
    connection.hang();
  });
  port = peer.port();
  KafkaProbe probe(options_for(peer.port(), KafkaSecurity::plaintext));
  const auto observation = test::probe_hostile(probe, 600ms);
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_THAT(observation.detail, testing::HasSubstr("groups: _TIMED_OUT; offsets of 1 partitions: _TIMED_OUT"));
  EXPECT_EQ(probe.value("kafka_up"), 1);
  EXPECT_EQ(probe.value(R"(kafka_topic_partitions{topic="orders"})"), 1);
  EXPECT_EQ(probe.value(R"(tocsin_kafka_errors{part="groups"})"), 1);
  EXPECT_EQ(probe.value(R"(tocsin_kafka_errors{part="offsets"})"), 1);
}

TEST(KafkaPeer, IsNotThere) {
  auto options = KafkaProbe::to(test::free_port());
  KafkaProbe probe(options);
  auto observation = probe(2s);
  EXPECT_EQ(observation.outcome, Outcome::connect);
  EXPECT_LT(observation.took, 500ms);
  options.brokers[0].host = "no-such-broker.invalid";
  KafkaProbe nameless(options);
  observation = nameless(2s);
  EXPECT_TRUE(observation.outcome == Outcome::resolve || observation.phase == Phase::resolve) << observation.detail;
}

TEST(KafkaPeer, IsGivenUpAtOnce) {
  const FakePeer peer([](FakeConnection& connection) { connection.hang(); });
  const auto begun = std::chrono::steady_clock::now();
  {
    KafkaProbe probe(KafkaProbe::to(peer.port()));
    EXPECT_EQ(probe(300ms).outcome, Outcome::timeout);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s) << "an unanswered client must not hold up who stops";
}

TEST(KafkaPeer, NeedsAPasswordFileThatIsThere) {
  const FakePeer peer([](FakeConnection& connection) { connection.hang(); });
  auto options = KafkaProbe::to(peer.port());
  options.security = KafkaSecurity::sasl_plaintext;
  options.sasl.username = "scout";
  const test::TempDir dir;
  options.sasl.password.file = dir / "missing";
  KafkaProbe probe(options);
  const auto observation = probe(2s);
  EXPECT_FALSE(observation.good());
  EXPECT_LT(observation.took, 500ms);
  EXPECT_THAT(observation.detail, testing::HasSubstr("missing"));
}

TEST(KafkaFailure, HasAClassForEachError) {
  using kafka::failure_of;
  using kafka::Trouble;
  struct Said {
    rd_kafka_resp_err_t code;
    const char* text;
    Outcome outcome;
    Phase phase;
  };
  const Said known[] = {
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, "sasl_ssl://b:9092/1: SASL authentication error: no", Outcome::auth,
       Phase::auth},
      {RD_KAFKA_RESP_ERR__SSL, "ssl://b:9092/1: SSL handshake failed: certificate verify failed", Outcome::tls,
       Phase::tls},
      {RD_KAFKA_RESP_ERR__RESOLVE, "b:9092/1: Failed to resolve 'b:9092'", Outcome::resolve, Phase::resolve},
      {RD_KAFKA_RESP_ERR__TRANSPORT, "b:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused",
       Outcome::connect, Phase::connect},
      {RD_KAFKA_RESP_ERR__TRANSPORT,
       "b:9092/bootstrap: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol",
       Outcome::protocol, Phase::query},
      {RD_KAFKA_RESP_ERR__TRANSPORT, "b:9092/1: Receive failed: Connection reset by peer", Outcome::closed,
       Phase::connect},
      {RD_KAFKA_RESP_ERR__TRANSPORT, "b:9092/1: Connection setup timed out in state CONNECT", Outcome::timeout,
       Phase::connect},
      {RD_KAFKA_RESP_ERR__TRANSPORT,
       "ssl://b:9092/1: Receive failed: error:0A00045C:SSL routines::certificate required", Outcome::tls, Phase::tls},
      {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down", Outcome::connect, Phase::connect},
      {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "", Outcome::refused_command, Phase::connect},
      {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "", Outcome::throttled, Phase::connect},
  };
  for (const Said& one : known) {
    const auto failure = failure_of(Trouble{one.code, one.text});
    EXPECT_EQ(failure.outcome, one.outcome) << one.text;
    EXPECT_EQ(failure.phase, one.phase) << one.text;
  }
  EXPECT_TRUE(kafka::says_more(failure_of(Trouble{known[0].code, ""}), failure_of(Trouble{known[8].code, ""})));
  EXPECT_EQ(kafka::broker_of({known[0].code, known[0].text}), "b:9092/1");
  EXPECT_EQ(kafka::broker_of({known[3].code, known[3].text}), "b:9092/1");
  EXPECT_EQ(kafka::broker_of({known[8].code, known[8].text}), "");
}

}  // namespace
}  // namespace tocsin::probes
