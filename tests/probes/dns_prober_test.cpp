// The DNS probe against a real name server, and against peers that do what it will not do on demand.
#include <gtest/gtest.h>

#include "probes/probe_runner.hpp"
#include "support/certificates.hpp"
#include "support/dnsmasq.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"
#include "support/udp_peer.hpp"
#include "tocsin/probes/dns.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::Dnsmasq;
using test::FakeConnection;
using test::FakePeer;
using test::ProbeRunner;
using test::UdpPeer;
using namespace std::chrono_literals;
using Transport = DnsOptions::Transport;

ProbeRunner::Make dns(DnsOptions options) {
  return [options](net::Connector& connector, const net::Executor& executor, Identity identity) {
    return make_dns_prober(connector, executor, std::move(identity), options);
  };
}

DnsOptions to(std::uint16_t port, std::string name = "a.test", std::uint16_t type = 1) {
  DnsOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.query_name = std::move(name);
  options.query_type = type;
  return options;
}

class DnsServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<Dnsmasq>(std::vector<std::string>{
        "--host-record=a.test,127.0.0.1", "--address=/a.test/127.0.0.2", "--txt-record=a.test,hello",
        "--srv-host=_redis._tcp.test,a.test,6379,1,2", "--auth-zone=zone.test,127.0.0.0/8", "--auth-soa=2026,a.test",
        "--auth-server=ns.zone.test,127.0.0.99", "--host-record=b.zone.test,127.0.0.7"});
  }
  static void TearDownTestSuite() { server_.reset(); }
  static std::unique_ptr<Dnsmasq> server_;
};
std::unique_ptr<Dnsmasq> DnsServer::server_;

TEST_F(DnsServer, AnswersOverUdpAndTcp) {
  for (const auto transport : {Transport::udp, Transport::tcp}) {
    auto options = to(server_->port());
    options.transport = transport;
    options.answer.fail_if_not_matches = {"^a\\.test\\.\t\\d+\tIN\tA\t127\\.0\\.0\\.\\d$"};
    ProbeRunner probe(dns(options));
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    EXPECT_EQ(probe.value("probe_success"), 1);
    EXPECT_EQ(probe.value("probe_dns_query_succeeded"), 1);
    EXPECT_GE(probe.value("probe_dns_answer_rrs"), 1);
    EXPECT_EQ(probe.value("probe_dns_authority_rrs"), 0);
    EXPECT_GT(probe.value("probe_dns_duration_seconds{phase=\"request\"}"), 0);
    EXPECT_EQ(probe.value("probe_ip_protocol"), 4);
    EXPECT_FALSE(probe.has("probe_dns_serial"));
    EXPECT_TRUE(probe().batch.fresh.empty());
  }
}

TEST_F(DnsServer, OtherAnswers) {
  ProbeRunner absent(dns(to(server_->port(), "nothing.test")));
  auto observation = absent();
  EXPECT_NE(observation.outcome, Outcome::ok);
  EXPECT_EQ(observation.phase, Phase::expect);
  EXPECT_EQ(absent.value("probe_dns_query_succeeded"), 1);
  EXPECT_EQ(absent.value("probe_success"), 0);

  auto options = to(server_->port(), "a.test", 16);
  options.answer.fail_if_none_matches = {"nowhere"};
  ProbeRunner text(dns(options));
  observation = text();
  test::expect_failed(text, observation, Outcome::unexpected, Phase::expect);
  EXPECT_EQ(text.value("probe_dns_answer_rrs"), 1);

  options = to(server_->port(), "_redis._tcp.test", 33);
  options.answer.fail_if_not_matches = {"SRV\t1 2 6379 a\\.test\\."};
  ProbeRunner service(dns(options));
  observation = service();
  // dnsmasq's order on its command line is port, priority, weight.
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

TEST(DnsProber, OverTls) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  const auto port = test::free_port();
  const auto script = certificates.dir().write(
      "dot.py",
      "import socket, ssl, sys\n"
      "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
      "context.load_cert_chain(sys.argv[2], sys.argv[3])\n"
      "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
      "while True:\n"
      "    connection, _ = listener.accept()\n"
      "    try:\n"
      "        with context.wrap_socket(connection, server_side=True) as tls:\n"
      "            data = tls.recv(4096)\n"
      "            size = int.from_bytes(data[:2], 'big')\n"
      "            while len(data) < size + 2: data += tls.recv(4096)\n"
      "            reply = data[2:4] + b'\\x81\\x80' + data[6:8] + b'\\0\\1\\0\\0\\0\\0' + data[14:]\n"
      "            reply += b'\\xc0\\x0c\\0\\6\\0\\1\\0\\0\\0\\x3c\\0\\x16' + b'\\0\\0' + b'\\0\\0\\0\\x2a' + "
      "bytes(16)\n"
      "            tls.sendall(len(reply).to_bytes(2, 'big') + reply)\n"
      "            tls.recv(1)\n"
      "    except OSError: pass\n");
  test::Child server({"/usr/bin/python3", script, std::to_string(port), files.cert, files.key});
  server.wait_for_port(port);

  auto options = to(port, "zone.test", 6);
  options.transport = Transport::tls;
  options.tls.ca_file = certificates.ca_file();
  options.tls.server_name = "localhost";
  ProbeRunner probe(dns(options));
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail << server.output();
  EXPECT_EQ(probe.value("probe_dns_serial"), 42);
  EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.7e9);

  options.tls.ca_file.clear();
  ProbeRunner distrustful(dns(options));
  observation = distrustful();
  test::expect_failed(distrustful, observation, Outcome::tls, Phase::tls);
  EXPECT_GT(distrustful.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
  EXPECT_EQ(distrustful.value("probe_dns_query_succeeded"), 0);
}

/// The query as a reply with this rcode.
std::string as_reply(std::string_view query, int rcode = 0) {
  std::string reply(query);
  reply[2] = static_cast<char>(0x81);
  reply[3] = static_cast<char>(rcode);
  return reply;
}

TEST(DnsProber, PassesOverWhatAnswersSomethingElse) {
  UdpPeer peer([](std::string_view query) {
    std::string other = as_reply(query);
    other[0] = static_cast<char>(other[0] + 1);
    std::string name = as_reply(query);
    name[13] = 'z';
    return std::vector<std::string>{"", "garbage", std::string(query), other, name, as_reply(query)};
  });
  ProbeRunner probe(dns(to(peer.port())));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

struct Sick {
  const char* name;
  UdpPeer::Script script;
  Outcome outcome;
  Phase phase;
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }

class DnsSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(DnsSickPeer, IsNamed) {
  UdpPeer peer(GetParam().script);
  ProbeRunner probe(dns(to(peer.port())));
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  test::expect_failed(probe, observation, GetParam().outcome, GetParam().phase);
}

using Replies = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    All, DnsSickPeer,
    testing::Values(Sick{"hang", [](std::string_view) { return Replies{}; }, Outcome::timeout, Phase::receive},
                    Sick{"garbage_for_ever", [](std::string_view) { return Replies(20'000, "nonsense"); },
                         Outcome::protocol, Phase::receive},
                    Sick{"broken_records",
                         [](std::string_view query) {
                           auto reply = as_reply(query);
                           reply[7] = 9;
                           return Replies{reply};
                         },
                         Outcome::protocol, Phase::parse},
                    Sick{"huge",
                         [](std::string_view query) { return Replies{as_reply(query) + std::string(60'000, 'x')}; },
                         Outcome::limit, Phase::receive},
                    Sick{"servfail", [](std::string_view query) { return Replies{as_reply(query, 2)}; },
                         Outcome::unexpected, Phase::expect},
                    Sick{"refused", [](std::string_view query) { return Replies{as_reply(query, 5)}; },
                         Outcome::refused_command, Phase::expect}),
    [](const auto& sick) { return std::string(sick.param.name); });

TEST(DnsProber, NobodyListens) {
  ProbeRunner probe(dns(to(test::free_port())));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::connect, Phase::receive);
  EXPECT_EQ(probe.value("probe_dns_query_succeeded"), 0);
}

struct SickStream {
  const char* name;
  std::function<void(FakeConnection&)> script;
  Outcome outcome;
  Phase phase;
  Transport transport = Transport::tcp;
};
void PrintTo(const SickStream& sick, std::ostream* out) { *out << sick.name; }

class DnsSickStream : public testing::TestWithParam<SickStream> {};

TEST_P(DnsSickStream, IsNamed) {
  FakePeer peer(GetParam().script);
  auto options = to(peer.port());
  options.transport = GetParam().transport;
  ProbeRunner probe(dns(options));
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  test::expect_failed(probe, observation, GetParam().outcome, GetParam().phase);
}

INSTANTIATE_TEST_SUITE_P(
    All, DnsSickStream,
    testing::Values(
        SickStream{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::receive},
        SickStream{"hang_in_message",
                   [](FakeConnection& c) {
                     c.send(std::string("\x01\x00half", 6));
                     c.hang();
                   },
                   Outcome::timeout, Phase::receive},
        SickStream{"drip", [](FakeConnection& c) { c.drip(std::string("\x01\x00", 2) + std::string(256, 'x'), 20ms); },
                   Outcome::timeout, Phase::receive},
        SickStream{"garbage", [](FakeConnection& c) { c.send(std::string(70'000, 'x')); }, Outcome::protocol,
                   Phase::receive},
        SickStream{"empty", [](FakeConnection& c) { c.send(std::string(2, '\0')); }, Outcome::protocol, Phase::receive},
        SickStream{"closes", [](FakeConnection& c) { c.read(10); }, Outcome::closed, Phase::receive},
        SickStream{"resets",
                   [](FakeConnection& c) {
                     c.read(10);
                     c.reset();
                   },
                   Outcome::closed, Phase::receive},
        SickStream{"broken_records",
                   [](FakeConnection& c) {
                     const std::string query = c.read(2);
                     const auto size = static_cast<std::size_t>(static_cast<unsigned char>(query[1]));
                     std::string reply = as_reply(c.read(size));
                     reply[7] = 9;
                     c.send(query + reply);
                     c.hang();
                   },
                   Outcome::protocol, Phase::parse},
        SickStream{"no_tls",
                   [](FakeConnection& c) {
                     c.send(std::string(100, 'x'));
                     c.hang();
                   },
                   Outcome::tls, Phase::tls, Transport::tls},
        SickStream{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::tls, Transport::tls}),
    [](const auto& sick) { return std::string(sick.param.name); });

}  // namespace
}  // namespace tocsin::probes
