// The WebSocket probe against a real server, and against peers that do what it will not do on demand.
#include <gtest/gtest.h>

#include "probes/probe_runner.hpp"
#include "support/certificates.hpp"
#include "support/child.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"
#include "tocsin/net/websocket_key.hpp"
#include "tocsin/probes/websocket.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::ProbeRunner;
using namespace std::chrono_literals;

ProbeRunner::Make websocket(WebsocketOptions options) {
  return [options](net::Connector& connector, const net::Executor& executor, Identity identity) {
    return make_websocket_prober(connector, executor, std::move(identity), options);
  };
}

WebsocketOptions to(std::uint16_t port, const std::string& path = "/", const std::string& scheme = "ws") {
  WebsocketOptions options;
  options.url = net::parse_url(scheme + "://127.0.0.1:" + std::to_string(port) + path).value();
  return options;
}

DialogStep expect(std::string regex, std::string send = {}) {
  DialogStep step;
  step.expect = std::move(regex);
  step.send = std::move(send);
  return step;
}

/// Echoes; greets on /greet, pings before each answer on /nervous, closes on /closing, wants a password on /private.
constexpr std::string_view server_script = R"(
import asyncio, http, ssl, sys, websockets
async def serve(socket, path):
    if path == '/greet': await socket.send('hello 42')
    if path == '/closing': await socket.close(1008, 'not you')
    if path == '/fragments': await socket.send(['one ', 'two'])
    async for message in socket:
        if path == '/nervous': await (await socket.ping())
        await socket.send(message)
async def check(path, headers):
    if path == '/private' and headers.get('Authorization') != 'Bearer token': return (http.HTTPStatus.UNAUTHORIZED, [], b'who?')
    if path == '/missing': return (http.HTTPStatus.NOT_FOUND, [], b'x' * 100000)
async def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    async with websockets.serve(serve, '127.0.0.1', int(sys.argv[1]), ssl=context, compression=None,
                                subprotocols=['mqtt'], process_request=check):
        await asyncio.Future()
asyncio.run(main())
)";

class WebsocketServer : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("/usr/bin/python3 -c 'import websockets' 2>/dev/null") != 0) GTEST_SKIP() << "no websockets";
  }
  void start(std::vector<std::string> more = {}) {
    const auto script = certificates_.dir().write("server.py", server_script);
    std::vector<std::string> argv{"/usr/bin/python3", script, std::to_string(port_)};
    argv.insert(argv.end(), more.begin(), more.end());
    child_ = std::make_unique<test::Child>(argv);
    child_->wait_for_port(port_);
  }

  test::Certificates certificates_;
  std::uint16_t port_ = test::free_port();
  std::unique_ptr<test::Child> child_;
};

TEST_F(WebsocketServer, UpgradesTalksAndPings) {
  start();
  ProbeRunner probe(websocket(to(port_)));
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("probe_success"), 1);
  EXPECT_EQ(probe.value("probe_websocket_status_code"), 101);
  EXPECT_EQ(probe.value("probe_websocket_connection_upgraded"), 1);
  EXPECT_EQ(probe.value("probe_websocket_failed_due_to_regex"), 0);
  EXPECT_GT(probe.value("probe_websocket_duration_seconds{phase=\"processing\"}"), 0);
  EXPECT_GT(probe.value("probe_websocket_duration_seconds{phase=\"transfer\"}"), 0);
  EXPECT_FALSE(probe.has("probe_websocket_duration_seconds{phase=\"tls\"}"));
  EXPECT_TRUE(probe().batch.fresh.empty());

  auto talking = to(port_, "/greet");
  talking.dialog = {expect("^hello (\\d+)$", "I am ${1}"), expect("^I am 42$")};
  talking.ping = true;
  talking.subprotocols = {"stomp", "mqtt"};
  ProbeRunner talk(websocket(talking));
  observation = talk();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;

  for (const char* path : {"/nervous", "/fragments"}) {
    auto odd = to(port_, path);
    odd.dialog = {expect("", "x"), expect("^x$|^one two$")};
    odd.ping = true;
    ProbeRunner other(websocket(odd));
    observation = other();
    EXPECT_EQ(observation.outcome, Outcome::ok) << path << observation.detail;
  }
}

TEST_F(WebsocketServer, SaysNo) {
  start();
  auto wrong = to(port_, "/greet");
  wrong.dialog = {expect("^bye")};
  ProbeRunner regex(websocket(wrong));
  auto observation = regex();
  test::expect_failed(regex, observation, Outcome::unexpected, Phase::expect);
  EXPECT_EQ(regex.value("probe_websocket_failed_due_to_regex"), 1);
  EXPECT_EQ(regex.value("probe_websocket_connection_upgraded"), 1);

  ProbeRunner stranger(websocket(to(port_, "/private")));
  observation = stranger();
  test::expect_failed(stranger, observation, Outcome::auth, Phase::expect);
  EXPECT_EQ(stranger.value("probe_websocket_status_code"), 401);
  EXPECT_EQ(stranger.value("probe_websocket_connection_upgraded"), 0);
  auto known = to(port_, "/private");
  known.bearer.value = core::Secret("token");
  ProbeRunner friendly(websocket(known));
  EXPECT_EQ(friendly().outcome, Outcome::ok);

  ProbeRunner missing(websocket(to(port_, "/missing")));
  observation = missing();
  test::expect_failed(missing, observation, Outcome::unexpected, Phase::expect);
  EXPECT_EQ(missing.value("probe_websocket_status_code"), 404);

  auto closing = to(port_, "/closing");
  closing.ping = true;
  ProbeRunner closed(websocket(closing));
  observation = closed();
  test::expect_failed(closed, observation, Outcome::closed, Phase::receive);
  EXPECT_NE(observation.detail.find("1008 \"not you\""), std::string::npos) << observation.detail;

  auto protocols = to(port_);
  protocols.subprotocols = {"stomp"};
  ProbeRunner none(websocket(protocols));
  EXPECT_EQ(none().outcome, Outcome::unexpected);
}

TEST_F(WebsocketServer, OverTls) {
  const auto files = certificates_.issue();
  start({files.cert, files.key});
  auto options = to(port_, "/", "wss");
  options.tls.ca_file = certificates_.ca_file();
  options.ping = true;
  ProbeRunner probe(websocket(options));
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_GT(probe.value("probe_websocket_duration_seconds{phase=\"tls\"}"), 0);
  EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
  options.tls.ca_file.clear();
  ProbeRunner distrustful(websocket(options));
  observation = distrustful();
  test::expect_failed(distrustful, observation, Outcome::tls, Phase::tls);
  EXPECT_GT(distrustful.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
}

/// Reads the request and agrees to it.
void agree(FakeConnection& c, const std::string& behind = {}) {
  const std::string request = c.read_until("\r\n\r\n");
  const std::string name = "Sec-WebSocket-Key: ";
  const auto at = request.find(name) + name.size();
  const auto key = request.substr(at, request.find('\r', at) - at);
  c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         net::websocket_accept(key) + "\r\n\r\n" + behind);
}

TEST(WebsocketProber, HearsWhatCameWithTheUpgrade) {
  FakePeer peer([](FakeConnection& c) {
    agree(c, std::string("\x81\x05hello", 7));
    c.hang();
  });
  auto options = to(peer.port());
  options.dialog = {expect("^hello$")};
  ProbeRunner probe(websocket(options));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
}

struct Sick {
  const char* name;
  std::function<void(FakeConnection&)> script;
  Outcome outcome;
  Phase phase;
  double upgraded = 0;
  const char* scheme = "ws";
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }

class WebsocketSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(WebsocketSickPeer, IsNamed) {
  FakePeer peer(GetParam().script);
  auto options = to(peer.port(), "/", GetParam().scheme);
  options.max_message = 1000;
  options.dialog = {expect("never")};
  ProbeRunner probe(websocket(options));
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  test::expect_failed(probe, observation, GetParam().outcome, GetParam().phase);
  EXPECT_EQ(probe.value("probe_websocket_connection_upgraded"), GetParam().upgraded);
}

INSTANTIATE_TEST_SUITE_P(
    All, WebsocketSickPeer,
    testing::Values(
        Sick{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::receive},
        Sick{"hang_in_headers",
             [](FakeConnection& c) {
               c.send("HTTP/1.1 101 Switching Protocols\r\nUpgr");
               c.hang();
             },
             Outcome::timeout, Phase::receive},
        Sick{"drip", [](FakeConnection& c) { c.drip("HTTP/1.1 101 Switching Protocols\r\n", 20ms); }, Outcome::timeout,
             Phase::receive},
        Sick{"garbage",
             [](FakeConnection& c) {
               c.read_until("\r\n\r\n");
               c.send("-ERR unknown command\r\n\r\n");
             },
             Outcome::protocol, Phase::receive},
        Sick{"closes", [](FakeConnection& c) { c.read_until("\r\n\r\n"); }, Outcome::closed, Phase::receive},
        Sick{"resets",
             [](FakeConnection& c) {
               c.read_until("\r\n\r\n");
               c.reset();
             },
             Outcome::closed, Phase::receive},
        Sick{"hang_after_upgrade",
             [](FakeConnection& c) {
               agree(c);
               c.hang();
             },
             Outcome::timeout, Phase::receive, 1},
        Sick{"half_a_frame",
             [](FakeConnection& c) {
               agree(c, std::string("\x81\x05he", 4));
               c.hang();
             },
             Outcome::timeout, Phase::receive, 1},
        Sick{"headers_without_end",
             [](FakeConnection& c) {
               c.send("HTTP/1.1 101 Switching Protocols\r\n");
               while (c.send("X-Header: " + std::string(1000, 'x') + "\r\n")) {
               }
             },
             Outcome::limit, Phase::receive},
        Sick{"message_without_end",
             [](FakeConnection& c) {
               agree(c);
               while (c.send(std::string("\x01\x7d", 2) + std::string(125, 'x'))) {
               }
             },
             Outcome::protocol, Phase::receive, 1},
        Sick{"fragments_without_end",
             [](FakeConnection& c) {
               agree(c, std::string("\x01\x7d", 2) + std::string(125, 'x'));
               while (c.send(std::string("\x00\x7d", 2) + std::string(125, 'x'))) {
               }
             },
             Outcome::limit, Phase::receive, 1},
        Sick{"huge_frame",
             [](FakeConnection& c) {
               agree(c, std::string("\x81\x7f\x00\x00\x00\x00\x40\x00\x00\x00", 10));
               c.hang();
             },
             Outcome::limit, Phase::receive, 1},
        Sick{"masked_frame",
             [](FakeConnection& c) {
               agree(c, std::string("\x81\x81xxxxx", 7));
               c.hang();
             },
             Outcome::protocol, Phase::receive, 1},
        Sick{"pings_for_ever",
             [](FakeConnection& c) {
               agree(c);
               std::string pings;
               for (int i = 0; i < 1000; ++i) pings += std::string("\x89\x00", 2);
               while (c.send(pings)) {
               }
             },
             Outcome::limit, Phase::receive, 1},
        Sick{"pongs_for_ever",
             [](FakeConnection& c) {
               agree(c);
               const std::string pong = std::string("\x8a\x7d", 2) + std::string(125, 'x');
               while (c.send(pong + pong + pong + pong)) {
               }
             },
             Outcome::limit, Phase::receive, 1},
        Sick{"closes_after_upgrade", [](FakeConnection& c) { agree(c); }, Outcome::closed, Phase::receive, 1},
        Sick{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::tls, 0, "wss"}),
    [](const auto& sick) { return std::string(sick.param.name); });

TEST(WebsocketProber, NobodyListens) {
  ProbeRunner probe(websocket(to(test::free_port())));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::connect, Phase::connect);
  EXPECT_EQ(probe.value("probe_websocket_status_code"), 0);
}

}  // namespace
}  // namespace tocsin::probes
