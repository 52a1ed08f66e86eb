// The HTTP probe against peers that do what a real server will not do on demand.
#include <gtest/gtest.h>

#include <future>

#include "probes/http_probe.hpp"
#include "support/certificates.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::HttpProbe;
using namespace std::chrono_literals;

constexpr std::string_view blank_line = "\r\n\r\n";

HttpOptions local(const FakePeer& peer, const std::string& path = "/") {
  return HttpProbe::to(HttpProbe::local(peer.port(), path));
}

/// Answers each request with this text and closes.
FakePeer::Script answer(std::string text) {
  return [text = std::move(text)](FakeConnection& connection) {
    connection.read_until(blank_line);
    connection.send(text);
  };
}

TEST(HttpProber, GoodProbe) {
  FakePeer peer(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  HttpProbe probe(local(peer));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(observation.target, 7U);
  EXPECT_EQ(observation.at, core::from_millis(1'700'000'000'000));
  EXPECT_GT(observation.took, 0ns);
  EXPECT_EQ(probe.value("probe_success"), 1);
  EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
  EXPECT_EQ(probe.value("probe_http_content_length"), 2);
  EXPECT_EQ(probe.value("probe_http_uncompressed_body_length"), 2);
  EXPECT_EQ(probe.value("tocsin_probe_failures_total{class=\"timeout\"}"), 0);
  // Each probe has a connection of its own, and says nothing new.
  EXPECT_TRUE(probe().batch.fresh.empty());
  EXPECT_EQ(peer.connections(), 2);
}

TEST(HttpProber, HttpVersionAndMissingLength) {
  FakePeer peer(answer("HTTP/1.0 200 OK\r\n\r\nuntil the end"));
  HttpProbe probe(local(peer));
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("probe_http_version"), 1);
  EXPECT_EQ(probe.value("probe_http_content_length"), -1);
  EXPECT_EQ(probe.value("probe_http_uncompressed_body_length"), 13);
}

struct Sick {
  const char* name;
  std::function<void(FakeConnection&)> script;
  Outcome outcome;
  Phase phase;
  double status;  // that is shown all the same
};

void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }

class HttpSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(HttpSickPeer, IsNamed) {
  FakePeer peer(GetParam().script);
  auto options = local(peer);
  options.max_body = 1000;
  HttpProbe probe(options);
  const auto observation = test::probe_hostile(probe, test::patience(GetParam().outcome));
  EXPECT_EQ(observation.outcome, GetParam().outcome) << observation.detail;
  EXPECT_EQ(observation.phase, GetParam().phase) << core::to_string(observation.phase) << ": " << observation.detail;
  EXPECT_FALSE(observation.detail.empty());
  EXPECT_EQ(probe.value("probe_success"), 0);
  EXPECT_EQ(probe.value("probe_http_status_code"), GetParam().status);
  const auto word = std::string(core::to_string(GetParam().outcome));
  EXPECT_GE(probe.value("tocsin_probe_failures_total{class=\"" + word + "\"}"), 1);
}

const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    All, HttpSickPeer,
    testing::Values(Sick{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::receive, 0},
                    Sick{"hang_in_headers",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.send("HTTP/1.1 200 OK\r\nX: ");
                           c.hang();
                         },
                         Outcome::timeout, Phase::receive, 0},
                    Sick{"hang_in_body",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.send(head + "half");
                           c.hang();
                         },
                         Outcome::timeout, Phase::receive, 200},
                    Sick{"drip",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.drip(head + "0123456789", 20ms);
                         },
                         Outcome::timeout, Phase::receive, 0},
                    Sick{"closes_at_once", [](FakeConnection& c) { c.read_until(blank_line); }, Outcome::closed,
                         Phase::receive, 0},
                    Sick{"closes_in_body",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.send(head + "half");
                         },
                         Outcome::closed, Phase::receive, 200},
                    Sick{"resets",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.reset();
                         },
                         Outcome::closed, Phase::receive, 0},
                    Sick{"garbage", answer("-ERR unknown command 'GET'\r\n\r\n"), Outcome::protocol, Phase::receive, 0},
                    Sick{"declares_too_much", answer("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nx"),
                         Outcome::limit, Phase::receive, 200},
                    Sick{"chunks_too_much",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                           const std::string chunk = "100\r\n" + std::string(256, 'x') + "\r\n";
                           while (c.send(chunk)) {
                           }
                         },
                         Outcome::limit, Phase::receive, 200},
                    Sick{"headers_too_long",
                         [](FakeConnection& c) {
                           c.read_until(blank_line);
                           c.send("HTTP/1.1 200 OK\r\n");
                           while (c.send("X-Header: " + std::string(1000, 'x') + "\r\n")) {
                           }
                         },
                         Outcome::limit, Phase::receive, 0}),
    [](const auto& sick) { return std::string(sick.param.name); });

TEST(HttpProber, RefusedConnection) {
  HttpProbe probe(HttpProbe::to(HttpProbe::local(test::free_port())));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect);
  EXPECT_EQ(observation.phase, Phase::connect);
  EXPECT_EQ(probe.value("probe_ip_protocol"), 4);
  EXPECT_EQ(probe.value("probe_http_duration_seconds{phase=\"connect\"}"), 0);
}

TEST(HttpProber, NameWithoutAddress) {
  HttpProbe probe(HttpProbe::to("http://name.invalid/"));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::resolve);
  EXPECT_EQ(observation.phase, Phase::resolve);
  EXPECT_FALSE(probe.has("probe_http_duration_seconds{phase=\"connect\"}"));
}

TEST(HttpProber, WantedIpVersion) {
  FakePeer peer(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  auto options = local(peer);
  options.ip_protocol = HttpOptions::IpProtocol::v6;
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::resolve);
  options.ip_protocol = HttpOptions::IpProtocol::v4;
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::ok);
}

TEST(HttpProber, TlsThatHangsOrIsNone) {
  FakePeer silent([](FakeConnection& connection) { connection.hang(); });
  auto options = HttpProbe::to("https://127.0.0.1:" + std::to_string(silent.port()));
  HttpProbe patient(options);
  auto observation = test::probe_hostile(patient, 200ms);
  EXPECT_EQ(observation.outcome, Outcome::timeout);
  EXPECT_EQ(observation.phase, Phase::tls);

  FakePeer plain([](FakeConnection& connection) { connection.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  options = HttpProbe::to("https://127.0.0.1:" + std::to_string(plain.port()));
  HttpProbe probe(options);
  observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::tls);
  EXPECT_EQ(observation.phase, Phase::tls);
  EXPECT_FALSE(probe.has("probe_ssl_earliest_cert_expiry"));
  EXPECT_EQ(probe.value("probe_http_ssl"), 0);
}

TEST(HttpProber, RedirectToAnotherOriginTakesNoCredentials) {
  std::promise<std::string> heard;
  FakePeer other([&](FakeConnection& connection) {
    heard.set_value(connection.read_until(blank_line));
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto there = HttpProbe::local(other.port(), "/there?x=1");
  FakePeer peer(
      answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nLocation: " + there + "\r\n\r\n"));
  auto options = local(peer);
  options.user = "me";
  options.password.value = core::Secret("hunter2");
  options.headers.push_back({"X-Api-Key", {}});
  options.headers[0].value.value = core::Secret("k3y");
  HttpProbe probe(options);
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("probe_http_redirects"), 1);
  const auto request = heard.get_future().get();
  EXPECT_NE(request.find("GET /there?x=1 HTTP/1.1\r\n"), std::string::npos);
  EXPECT_NE(request.find("Host: 127.0.0.1:" + std::to_string(other.port())), std::string::npos) << request;
  for (const char* word : {"Authorization", "k3y", "Cookie"})
    EXPECT_EQ(request.find(word), std::string::npos) << request;
}

TEST(HttpProber, EndlessRedirects) {
  FakePeer peer(answer("HTTP/1.1 302 Found\r\nContent-Length: 4\r\nLocation: /again\r\n\r\nagain"));
  HttpProbe probe(local(peer));
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::limit);
  EXPECT_EQ(peer.connections(), 11);
  EXPECT_EQ(probe.value("probe_http_redirects"), 11);
  EXPECT_EQ(probe.value("probe_http_status_code"), 302);
}

TEST(HttpProber, RedirectNowhere) {
  for (const char* location : {"ftp://host/", "http://", "http://[::"}) {
    FakePeer peer(answer(std::string("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ") + location + "\r\n\r\n"));
    EXPECT_EQ(HttpProbe(local(peer))().outcome, Outcome::protocol) << location;
  }
}

TEST(HttpProber, LateIsUnexpected) {
  FakePeer peer([](FakeConnection& connection) {
    connection.read_until(blank_line);
    connection.drip("HTTP/1.1 204 N\r\n\r\n", 2ms);
  });
  auto options = local(peer);
  options.expect.within = 5ms;
  const auto observation = HttpProbe(options)();
  EXPECT_EQ(observation.outcome, Outcome::unexpected);
  EXPECT_EQ(observation.phase, Phase::expect);
}

TEST(HttpProber, MissingSecretFile) {
  FakePeer peer(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const test::TempDir dir;
  auto options = local(peer);
  options.bearer.file = dir / "token";
  HttpProbe probe(options);
  EXPECT_EQ(probe().outcome, Outcome::auth);
  EXPECT_EQ(peer.connections(), 0);
  dir.write("token", "t\n");
  EXPECT_EQ(probe().outcome, Outcome::ok);
}

TEST(HttpProber, EveryAddressMustBeGood) {
  FakePeer peer(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  auto options = HttpProbe::to("http://name.invalid:" + std::to_string(peer.port()) + "/");
  options.addresses = {"127.0.0.1", "127.0.0.2"};  // nothing listens on the second
  HttpProbe probe(options);
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect);
  EXPECT_EQ(observation.detail.substr(0, 11), "127.0.0.2: ");
  EXPECT_EQ(probe.value("tocsin_probe_addresses"), 2);
  EXPECT_EQ(probe.value("tocsin_probe_address_success{ip=\"127.0.0.1\"}"), 1);
  EXPECT_EQ(probe.value("tocsin_probe_address_success{ip=\"127.0.0.2\"}"), 0);
  EXPECT_EQ(probe.value("tocsin_probe_address_http_status_code{ip=\"127.0.0.1\"}"), 200);
  EXPECT_EQ(probe.value("probe_success"), 0);
  EXPECT_EQ(probe.value("probe_http_status_code"), 0);

  options.addresses = {"127.0.0.1"};
  HttpProbe good(options);
  EXPECT_EQ(good().outcome, Outcome::ok);
  EXPECT_EQ(good.value("probe_http_status_code"), 200);
  // One that is made of the name's own, of which there is none.
  options.addresses.clear();
  options.every_address = true;
  HttpProbe nowhere(options);
  EXPECT_EQ(nowhere().outcome, Outcome::resolve);
  EXPECT_EQ(nowhere.value("tocsin_probe_addresses"), 0);
}

TEST(HttpProber, AddressesAreAskedAtTheSameTimeWithinTheDeadline) {
  FakePeer peer([](FakeConnection& connection) { connection.hang(); });
  auto options = local(peer);
  options.addresses = std::vector<std::string>(40, "127.0.0.1");
  HttpProbe probe(options);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(probe(200ms).outcome, Outcome::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(probe.value("tocsin_probe_addresses"), 32);
}

/// Hears what comes, and answers.
struct Hearing {
  std::promise<std::string> heard;
  FakePeer peer;
  explicit Hearing(std::string reply)
      : peer([this, reply = std::move(reply)](FakeConnection& connection) {
          heard.set_value(connection.read_until(blank_line));
          connection.send(reply);
        }) {}
  net::Url url() { return net::parse_url("http://me:pw@127.0.0.1:" + std::to_string(peer.port())).value(); }
};

TEST(HttpProber, GoesThroughAProxy) {
  Hearing proxy("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  auto options = HttpProbe::to("http://name.invalid/path?x");
  options.proxies.http = proxy.url();
  options.proxies.skip_resolve = true;
  HttpProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  const auto request = proxy.heard.get_future().get();
  EXPECT_EQ(request.substr(0, request.find('\r')), "GET http://name.invalid/path?x HTTP/1.1");
  EXPECT_NE(request.find("Proxy-Authorization: Basic"), std::string::npos);
  EXPECT_EQ(probe.value("probe_ip_protocol"), 0);
  // Unless told otherwise the target's name is looked up, as blackbox_exporter does.
  options.proxies.skip_resolve = false;
  EXPECT_EQ(HttpProbe(options)().outcome, Outcome::resolve);
}

TEST(HttpProber, NamesTheProxyThatRefuses) {
  Hearing proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 100\r\n\r\n");
  auto options = HttpProbe::to("https://127.0.0.1:1/");
  options.proxies.https = proxy.url();
  HttpProbe probe(options);
  const auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::auth);
  EXPECT_EQ(observation.phase, Phase::connect);
  EXPECT_EQ(observation.detail.find("pw"), std::string::npos);
  EXPECT_EQ(probe.value("probe_http_status_code"), 0);
  EXPECT_NE(proxy.heard.get_future().get().find("CONNECT 127.0.0.1:1 HTTP/1.1\r\n"), std::string::npos);
}

TEST(HttpProber, ABombIsNotUnpacked) {
  // 64 MiB of nothing in 100 bytes.
  const std::string hex =
      "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcffff"
      "837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffcbffff3ffc1300715800a07bff07";
  std::string body;
  for (std::size_t at = 0; at < hex.size(); at += 2)
    body += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  FakePeer peer(answer("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: " + std::to_string(body.size()) +
                       blank_line.data() + body));
  auto options = local(peer);
  options.compression = net::Encoding::brotli;
  HttpProbe probe(options);
  const auto observation = probe(5s);
  EXPECT_EQ(observation.outcome, Outcome::limit) << observation.detail;
  EXPECT_EQ(probe.value("probe_http_status_code"), 200);
}

}  // namespace
}  // namespace tocsin::probes
