// Scraping over HTTP: real servers, and peers that do what those will not.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#include "probes/http_nginx.hpp"
#include "support/fake_peer.hpp"
#include "support/hostile.hpp"
#include "support/one_prober.hpp"
#include "tocsin/probes/metrics.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::OneProber;

MetricsOptions options_for(const std::string& url) {
  MetricsOptions options;
  options.http.url = net::parse_url(url).value();
  return options;
}
MetricsOptions options_for(const FakePeer& peer) {
  return options_for("http://127.0.0.1:" + std::to_string(peer.port()) + "/metrics");
}
OneProber::Make metrics_prober(MetricsOptions options) {
  return [options = std::move(options)](net::Connector& connector, net::Executor executor, probes::Identity identity) {
    return make_metrics_prober(connector, std::move(executor), std::move(identity), options);
  };
}
std::string answer(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(MetricsProber, AsksAsPrometheusAsksOnOneConnection) {
  std::string asked;
  FakePeer peer([&asked](FakeConnection& c) {
    for (int n = 1;; ++n) {
      std::string request = c.read_until("\r\n\r\n");
      if (request.empty()) return;
      asked = request;
      c.send(answer("# TYPE a gauge\na{x=\"y\"} " + std::to_string(n) + "\n"));
    }
  });
  OneProber probe(metrics_prober(options_for(peer)), core::Labels{{"job", "app"}});
  for (int n = 1; n <= 3; ++n) {
    const auto seen = probe();
    ASSERT_EQ(seen.outcome, Outcome::ok) << seen.detail;
    EXPECT_EQ(probe.value("a{job=\"app\",x=\"y\"}"), n);
    EXPECT_EQ(probe.value("up{job=\"app\"}"), 1);
    EXPECT_EQ(probe.value("scrape_samples_scraped{job=\"app\"}"), 1);
    EXPECT_EQ(probe.value("scrape_samples_post_metric_relabeling{job=\"app\"}"), 1);
    EXPECT_EQ(probe.value("scrape_series_added{job=\"app\"}"), n == 1 ? 1 : 0);
    EXPECT_GT(probe.value("scrape_duration_seconds{job=\"app\"}"), 0);
    EXPECT_EQ(probe.value("tocsin_probe_success{job=\"app\"}"), 1);
    EXPECT_EQ(seen.described.size(), n == 1 ? 1U : 0U);
  }
  EXPECT_EQ(peer.connections(), 1);
  EXPECT_NE(asked.find("Accept: application/openmetrics-text;version=1.0.0"), std::string::npos) << asked;
  EXPECT_NE(asked.find("Accept-Encoding: gzip"), std::string::npos);
  EXPECT_NE(asked.find("X-Prometheus-Scrape-Timeout-Seconds: 4.9"), std::string::npos) << asked;
  EXPECT_EQ(asked.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(probe.twice.empty());
}

TEST(MetricsProber, OpenMetricsByItsContentType) {
  const std::string type = "Content-Type: application/openmetrics-text; version=1.0.0\r\n";
  std::atomic<bool> whole = true;
  FakePeer peer([&](FakeConnection& c) {
    while (!c.read_until("\r\n\r\n").empty())
      c.send(answer(whole ? "a_total 1 # {id=\"x\"} 1\n# EOF\n" : "a_total 1\n", type));
  });
  OneProber probe(metrics_prober(options_for(peer)));
  EXPECT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("a_total"), 1);
  whole = false;
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::protocol);
  EXPECT_EQ(seen.detail, "line 2: the text does not end with # EOF");
  EXPECT_FALSE(probe.has("a_total")) << "a refused text ends its series";
  EXPECT_EQ(probe.value("up"), 0);
  EXPECT_EQ(probe.value("scrape_samples_scraped"), 0);
}

class MetricsNginx : public test::HttpNginx {
 protected:
  static MetricsOptions local(const std::string& path) {
    return options_for("http://127.0.0.1:" + std::to_string(server_->plain) + path);
  }
};

TEST_F(MetricsNginx, FollowsRedirectsUnpacksAndProvesItself) {
  server_->nginx.dir().write("www/health.json", "# TYPE packed gauge\npacked 1\n");
  OneProber packed(metrics_prober(local("/packed")));
  auto seen = packed();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  EXPECT_EQ(packed.value("packed"), 1);
  OneProber moved(metrics_prober(local("/permanent")));
  seen = moved();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  EXPECT_EQ(moved.value("packed"), 1);
  auto stay = local("/permanent");
  stay.http.follow_redirects = false;
  OneProber staying(metrics_prober(stay));
  EXPECT_EQ(staying().outcome, Outcome::unexpected);
  OneProber endless(metrics_prober(local("/loop")));
  EXPECT_EQ(endless().outcome, Outcome::limit);
  OneProber locked(metrics_prober(local("/auth")));
  EXPECT_EQ(locked().outcome, Outcome::auth);
  OneProber busy(metrics_prober(local("/busy")));
  EXPECT_EQ(busy().outcome, Outcome::throttled);
  OneProber bad(metrics_prober(local("/bad")));
  seen = bad();
  EXPECT_EQ(seen.outcome, Outcome::unexpected);
  EXPECT_EQ(seen.detail, "status 503, expected 200");
  server_->nginx.dir().write("www/index.html", "<html></html>\n");
  OneProber page(metrics_prober(local("/")));
  seen = page();
  EXPECT_EQ(seen.outcome, Outcome::protocol);
  EXPECT_EQ(seen.detail, "line 1: a line does not begin with the name of a metric");
  auto known = local("/auth");
  known.http.user = "me";
  known.http.password.value = core::Secret("pw");
  server_->nginx.dir().write("www/index.html", "inside 1\n");
  OneProber inside(metrics_prober(known));
  seen = inside();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
}

TEST_F(MetricsNginx, OverTls) {
  server_->nginx.dir().write("www/index.html", "inside 1\n");
  auto options = options_for("https://localhost:" + std::to_string(server_->good) + "/");
  options.http.tls.ca_file = server_->certificates.ca_file();
  OneProber good(metrics_prober(options));
  const auto seen = good();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  options.http.url = net::parse_url("https://localhost:" + std::to_string(server_->expired) + "/").value();
  OneProber expired(metrics_prober(options));
  EXPECT_EQ(expired().outcome, Outcome::tls);
}

struct Sick {
  const char* name;
  std::function<void(FakeConnection&)> script;
  Outcome outcome;
  Phase phase;
  bool tls = false;
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }
class MetricsSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(MetricsSickPeer, IsNamedInTime) {
  FakePeer peer(GetParam().script);
  auto options = options_for(peer);
  options.http.max_body = 100'000;
  if (GetParam().tls) options.http.url = net::parse_url("https://127.0.0.1:" + std::to_string(peer.port())).value();
  OneProber probe(metrics_prober(options));
  const auto seen = test::probe_hostile(probe, test::patience(GetParam().outcome));
  EXPECT_EQ(seen.outcome, GetParam().outcome) << core::to_string(seen.outcome) << ": " << seen.detail;
  EXPECT_EQ(seen.phase, GetParam().phase) << core::to_string(seen.phase);
  EXPECT_EQ(probe.value("up"), 0);
  EXPECT_FALSE(probe.has("a"));
}

const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    All, MetricsSickPeer,
    testing::Values(Sick{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::receive},
                    Sick{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::tls, true},
                    Sick{"headers_without_end",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send("HTTP/1.1 200 OK\r\n");
                           while (c.send("X-Header: " + std::string(1000, 'x') + "\r\n")) {
                           }
                         },
                         Outcome::limit, Phase::receive},
                    Sick{"freeze", [](FakeConnection& c) { c.freeze(); }, Outcome::timeout, Phase::receive},
                    Sick{"hang_in_body",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send(head + "a 1\n");
                           c.hang();
                         },
                         Outcome::timeout, Phase::receive},
                    Sick{"drip",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.drip(head + std::string(100, '\n'), 20ms);
                         },
                         Outcome::timeout, Phase::receive},
                    Sick{"garbage",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send(std::string(200, '\xff'));
                           c.hang();
                         },
                         Outcome::protocol, Phase::receive},
                    Sick{"garbage_in_the_body",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send(answer("a 1\n" + std::string(50, '\xff')));
                           c.hang();
                         },
                         Outcome::protocol, Phase::parse},
                    Sick{"huge_length",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\na 1\n");
                           c.hang();
                         },
                         Outcome::limit, Phase::receive},
                    Sick{"endless_chunks",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                           const std::string chunk = "1000\r\n" + std::string(0x1000, '\n') + "\r\n";
                           while (c.send(chunk)) {
                           }
                         },
                         Outcome::limit, Phase::receive},
                    Sick{"not_gzip",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send(answer("a 1\n", "Content-Encoding: gzip\r\n"));
                           c.hang();
                         },
                         Outcome::protocol, Phase::receive},
                    Sick{"closes",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.send(head + "a 1\n");
                         },
                         Outcome::closed, Phase::receive},
                    Sick{"reset",
                         [](FakeConnection& c) {
                           c.read_until("\r\n\r\n");
                           c.reset();
                         },
                         Outcome::closed, Phase::receive}),
    [](const auto& param) { return std::string(param.param.name); });

// A few kilobytes of gzip that stand for more than is allowed.
TEST(MetricsProber, ABombDoesNotGrow) {
  const test::TempDir dir;
  const std::string file = dir / "bomb.gz";
  ASSERT_EQ(std::system(("head -c 100000000 /dev/zero | gzip -9 > " + file).c_str()), 0);
  const std::string bomb = test::read_text(file);
  ASSERT_LT(bomb.size(), 200'000U);
  FakePeer peer([&](FakeConnection& c) {
    c.read_until("\r\n\r\n");
    c.send(answer(bomb, "Content-Encoding: gzip\r\n"));
    c.hang();
  });
  auto options = options_for(peer);
  options.http.max_body = 1'000'000;
  OneProber probe(metrics_prober(options));
  EXPECT_EQ(test::probe_hostile(probe, 5s).outcome, Outcome::limit);
}

TEST(MetricsProber, WhatTheTargetSaysLeavesRoomForWhatWeSayOfIt) {
  FakePeer peer([](FakeConnection& c) {
    std::string body = "up 0\n";
    for (int i = 0; i < 200; ++i) body += "a" + std::to_string(i) + " 1\n";
    while (!c.read_until("\r\n\r\n").empty()) c.send(answer(body));
  });
  auto options = options_for(peer);
  options.max_series = 50;
  OneProber probe(metrics_prober(options));
  for (int round = 1; round <= 3; ++round) {
    const auto seen = probe();
    ASSERT_EQ(seen.outcome, Outcome::ok) << seen.detail;
    EXPECT_EQ(probe.value("up"), 1);
    EXPECT_EQ(probe.value("tocsin_probe_success"), 1);
    EXPECT_EQ(probe.value("scrape_samples_scraped"), 201);
    EXPECT_EQ(probe.value("tocsin_scrape_series_refused_total"), 150 * round);
    EXPECT_TRUE(probe.has("a49"));
    EXPECT_FALSE(probe.has("a50"));
    EXPECT_TRUE(probe.twice.empty());
  }
}

TEST(MetricsProber, BadRelabellingIsRefused) {
  MetricsOptions options = options_for("http://127.0.0.1:1/");
  options.rules.metric_relabel.emplace_back();
  EXPECT_THROW(OneProber{metrics_prober(options)}, std::invalid_argument);
}

}  // namespace
}  // namespace tocsin::probes
