// The TCP probe against peers that do what a real server will not do on demand, and against real ones.
#include <gtest/gtest.h>

#include "probes/probe_runner.hpp"
#include "support/certificates.hpp"
#include "support/child.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"
#include "support/wait_until.hpp"
#include "tocsin/probes/tcp.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::ProbeRunner;
using namespace std::chrono_literals;

ProbeRunner::Make tcp(TcpOptions options) {
  return [options](net::Connector& connector, const net::Executor& executor, Identity identity) {
    return make_tcp_prober(connector, executor, std::move(identity), options);
  };
}

TcpOptions to(std::uint16_t port, std::string host = "127.0.0.1") {
  TcpOptions options;
  options.address = {std::move(host), port, false};
  return options;
}

DialogStep expect(std::string regex, std::string send = {}) {
  DialogStep step;
  step.expect = std::move(regex);
  step.send = std::move(send);
  return step;
}
DialogStep send(std::string text) { return expect({}, std::move(text)); }
DialogStep bytes(std::string text) {
  DialogStep step;
  step.expect_bytes = std::move(text);
  return step;
}

TEST(TcpProber, ConnectsOnly) {
  FakePeer peer([](FakeConnection& c) { c.hang(); });
  ProbeRunner probe(tcp(to(peer.port())));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(observation.target, 7U);
  EXPECT_EQ(probe.value("probe_success"), 1);
  EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
  EXPECT_EQ(probe.value("probe_ip_protocol"), 4);
  EXPECT_EQ(probe.value("probe_failed_due_to_regex"), 0);
  EXPECT_GT(probe.value("tocsin_tcp_duration_seconds{phase=\"connect\"}"), 0);
  EXPECT_EQ(probe.value("tocsin_tcp_duration_seconds{phase=\"dialog\"}"), 0);
  // Each probe has a connection of its own, and says nothing new.
  EXPECT_TRUE(probe().batch.fresh.empty());
  EXPECT_TRUE(test::wait_until([&peer] { return peer.connections() == 2; }));
}

TEST(TcpProber, NobodyListens) {
  ProbeRunner probe(tcp(to(test::free_port())));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::connect, Phase::connect);
}

TEST(TcpProber, NameWithoutAddress) {
  ProbeRunner probe(tcp(to(80, "name.invalid")));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::resolve, Phase::resolve);
  EXPECT_EQ(probe.value("probe_ip_protocol"), 0);
}

TEST(TcpProber, TalksStepByStep) {
  FakePeer peer([](FakeConnection& c) {
    c.send("200 welcome\r\n220 ready, client 17\r\n");
    if (c.read_until("\n") == "HELLO 17\n")
      c.send(
          "OK\nbin\x01"
          "ary");
    c.read_until("BYE\n");
  });
  auto options = to(peer.port());
  auto greeting = expect("^220 .* client (\\d+)$", "HELLO ${1}");
  greeting.labels = {{"client", "$1"}};
  options.dialog = {greeting, expect("^OK$"),
                    bytes("bin\x01"
                          "ary"),
                    send("BYE")};
  ProbeRunner probe(tcp(options));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_expect_info{client=\"17\"}"), 1);
  EXPECT_GT(probe.value("tocsin_tcp_duration_seconds{phase=\"dialog\"}"), 0);
}

TEST(TcpProber, PeerSaysSomethingElse) {
  FakePeer peer([](FakeConnection& c) { c.send("554 go away\r\n"); });
  auto options = to(peer.port());
  options.dialog = {expect("^220")};
  ProbeRunner probe(tcp(options));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::unexpected, Phase::expect);
  EXPECT_NE(observation.detail.find("554 go away"), std::string::npos) << observation.detail;
  EXPECT_EQ(probe.value("probe_failed_due_to_regex"), 1);
  EXPECT_EQ(probe.value("probe_failed_due_to_bytes"), 0);
}

TEST(TcpProber, TheLastLineNeedsNoEnd) {
  FakePeer peer([](FakeConnection& c) { c.send("no\nyes"); });
  auto options = to(peer.port());
  options.dialog = {expect("^yes$")};
  ProbeRunner probe(tcp(options));
  EXPECT_EQ(probe().outcome, Outcome::ok);
}

TEST(TcpProber, OtherBytes) {
  FakePeer peer([](FakeConnection& c) { c.send("abcd"); });
  auto options = to(peer.port());
  options.dialog = {bytes("abxy")};
  ProbeRunner probe(tcp(options));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::unexpected, Phase::expect);
  EXPECT_EQ(probe.value("probe_failed_due_to_bytes"), 1);
  EXPECT_EQ(probe.value("probe_failed_due_to_regex"), 0);
}

struct Sick {
  const char* name;
  std::function<void(FakeConnection&)> script;
  DialogStep step;
  Outcome outcome;
  Phase phase;
  bool tls = false;
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }

class TcpSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(TcpSickPeer, IsNamed) {
  FakePeer peer(GetParam().script);
  auto options = to(peer.port());
  options.tls = GetParam().tls;
  options.dialog = {send("hello"), GetParam().step};
  ProbeRunner probe(tcp(options));
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  test::expect_failed(probe, observation, GetParam().outcome, GetParam().phase);
  if (observation.outcome == Outcome::timeout) {
    EXPECT_GE(observation.took, 290ms);  // the deadline was made a moment before
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, TcpSickPeer,
    testing::Values(
        Sick{"hang", [](FakeConnection& c) { c.hang(); }, expect("x"), Outcome::timeout, Phase::expect},
        Sick{"hang_in_bytes",
             [](FakeConnection& c) {
               c.send("ab");
               c.hang();
             },
             bytes("abc"), Outcome::timeout, Phase::expect},
        Sick{"drip", [](FakeConnection& c) { c.drip(std::string(1000, 'y'), 20ms); }, expect("x"), Outcome::timeout,
             Phase::expect},
        Sick{"other_lines_for_ever",
             [](FakeConnection& c) {
               std::string lines;
               for (int i = 0; i < 500; ++i) lines += "not yet" + std::string(80, '.') + "\n";
               while (c.send(lines)) {
               }
             },
             expect("x"), Outcome::limit, Phase::expect},
        Sick{"line_without_end",
             [](FakeConnection& c) {
               while (c.send(std::string(4096, 'y'))) {
               }
             },
             expect("x"), Outcome::limit, Phase::expect},
        Sick{"closes_at_once", [](FakeConnection& c) { c.read_until("\n"); }, expect("x"), Outcome::closed,
             Phase::expect},
        Sick{"closes_in_bytes", [](FakeConnection& c) { c.send("ab"); }, bytes("abc"), Outcome::closed, Phase::expect},
        Sick{"resets",
             [](FakeConnection& c) {
               c.read_until("\n");
               c.reset();
             },
             expect("x"), Outcome::closed, Phase::expect},
        Sick{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, expect("x"), Outcome::timeout, Phase::tls, true},
        Sick{"no_tls",
             [](FakeConnection& c) {
               c.send("220 no TLS here\r\n");
               c.hang();
             },
             expect("x"), Outcome::tls, Phase::tls, true},
        Sick{"closes_in_tls", [](FakeConnection&) {}, expect("x"), Outcome::tls, Phase::tls, true}),
    [](const auto& sick) { return std::string(sick.param.name); });

TEST(TcpProber, TheClearMustEndWithStartTls) {
  FakePeer peer([](FakeConnection& c) {
    c.send("220 hello\r\n");
    c.read_until("STARTTLS\n");
    c.send("220 go ahead\r\n250 injected\r\n");
    c.hang();
  });
  auto options = to(peer.port());
  auto go = expect("go ahead");
  go.start_tls = true;
  options.dialog = {expect("^220", "STARTTLS"), go};
  ProbeRunner probe(tcp(options));
  const auto observation = probe();
  // Where the second line comes a packet later, TLS itself stumbles over it.
  EXPECT_TRUE(observation.outcome == Outcome::protocol || observation.outcome == Outcome::tls) << observation.detail;
  EXPECT_EQ(observation.phase, Phase::tls);
}

TEST(TcpProber, StartTlsWithARealMailServer) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  const auto port = test::free_port();
  const auto script = certificates.dir().write("mail.py",
                                               "import asyncio, ssl, sys\n"
                                               "from aiosmtpd.smtp import SMTP\n"
                                               "from aiosmtpd.handlers import Sink\n"
                                               "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
                                               "context.load_cert_chain(sys.argv[2], sys.argv[3])\n"
                                               "loop = asyncio.new_event_loop()\n"
                                               "def smtp(): return SMTP(Sink(), hostname='mail', tls_context=context, "
                                               "require_starttls=True, loop=loop)\n"
                                               "loop.run_until_complete(loop.create_server(smtp, '127.0.0.1', "
                                               "int(sys.argv[1])))\n"
                                               "loop.run_forever()\n");
  if (std::system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") != 0) GTEST_SKIP() << "no aiosmtpd";
  test::Child server({"/usr/bin/python3", script, std::to_string(port), files.cert, files.key});
  server.wait_for_port(port);

  auto options = to(port);
  auto go = expect("^220");
  go.start_tls = true;
  options.dialog = {expect("^220 ([^ ]+) ESMTP|^220 ", "EHLO prober\r"),
                    expect("^250-STARTTLS|^250 STARTTLS"),
                    expect("^250 HELP", "STARTTLS\r"),
                    go,
                    send("EHLO prober\r"),
                    expect("^250 HELP", "QUIT\r")};
  options.tls_options.ca_file = certificates.ca_file();
  {
    ProbeRunner probe(tcp(options));
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail << server.output();
    EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
    EXPECT_GT(probe.value("probe_ssl_last_chain_expiry_timestamp_seconds"), 1.7e9);
    EXPECT_EQ(probe.value("probe_tls_version_info{version=\"TLS 1.3\"}"), 1);
    EXPECT_GT(probe.value("tocsin_tcp_duration_seconds{phase=\"tls\"}"), 0);
  }
  // Not trusted: the probe fails, and still says when the certificate expires.
  options.tls_options.ca_file.clear();
  ProbeRunner probe(tcp(options));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::tls, Phase::tls);
  EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
  EXPECT_FALSE(probe.has("probe_ssl_last_chain_expiry_timestamp_seconds"));
}

TEST(TcpProber, ARealServerOnPortAndSocket) {
  test::TempDir dir;
  const auto port = test::free_port();
  test::Child server({"redis-server", "--port", std::to_string(port), "--bind", "127.0.0.1", "--unixsocket",
                      dir / "redis.sock", "--save", "", "--dir", dir / ""});
  server.wait_for_port(port);
  auto options = to(port);
  auto version = expect("^redis_version:(.+)$");
  version.labels = {{"version", "$1"}};
  options.dialog = {send("PING"), expect("^\\+PONG$", "INFO server"), version};
  ProbeRunner probe(tcp(options));
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_FALSE(probe.find("probe_expect_info{version=\"").empty());

  options.address = {dir / "redis.sock", 0, true};
  ProbeRunner by_socket(tcp(options));
  observation = by_socket();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(by_socket.value("probe_ip_protocol"), 0);
  EXPECT_FALSE(by_socket.has("tocsin_tcp_duration_seconds{phase=\"resolve\"}"));
}

TEST(TcpProber, ConnectsFromAnAddress) {
  FakePeer peer([](FakeConnection& c) { c.hang(); });
  auto options = to(peer.port());
  net::Endpoint source;
  source.bytes = {127, 0, 0, 2};
  options.source = source;
  ProbeRunner probe(tcp(options));
  EXPECT_EQ(probe().outcome, Outcome::ok);
  source.bytes = {192, 0, 2, 1};
  options.source = source;
  ProbeRunner foreign(tcp(options));
  const auto observation = foreign();
  test::expect_failed(foreign, observation, Outcome::connect, Phase::connect);
}

TEST(TcpProber, BoundsWhatAPeerPutsIntoLabels) {
  int round = 0;
  FakePeer peer([&round](FakeConnection& c) {
    c.send("id " + std::to_string(++round) + std::string(1000, 'x') + "\n");
    c.hang();
  });
  auto options = to(peer.port());
  auto step = expect("^id (.+)");
  step.labels = {{"id", "$1"}};
  options.dialog = {step};
  ProbeRunner probe(tcp(options));
  for (int i = 0; i < 100; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    ASSERT_LT(probe.find("probe_expect_info{").size(), 300U);
  }
}

}  // namespace
}  // namespace tocsin::probes
