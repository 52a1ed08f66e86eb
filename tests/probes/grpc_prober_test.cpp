// The gRPC probe against a real server, and against peers that are none.
#include <gtest/gtest.h>

#include <memory>

#include "probes/grpc_server.hpp"
#include "support/certificates.hpp"
#include "support/fake_peer.hpp"
#include "support/free_port.hpp"
#include "support/hostile.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using core::Outcome;
using core::Phase;
using test::FakeConnection;
using test::FakePeer;
using test::grpc_options;
using test::grpc_prober;
using test::GrpcServer;
using test::OneProber;

class GrpcReal : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::has_grpc()) server_ = std::make_unique<GrpcServer>();
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_) GTEST_SKIP() << "python3-grpcio is not installed";
  }
  static std::unique_ptr<GrpcServer> server_;
};
std::unique_ptr<GrpcServer> GrpcReal::server_;

TEST_F(GrpcReal, AServerThatServes) {
  OneProber probe(grpc_prober(grpc_options(server_->port())), core::Labels{{"job", "j"}});
  for (int round = 0; round < 2; ++round) {
    const auto seen = probe();
    EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
    EXPECT_EQ(seen.target, 7U);
    EXPECT_EQ(probe.value("probe_success{job=\"j\"}"), 1);
    EXPECT_EQ(probe.value("probe_grpc_status_code{job=\"j\"}"), 0);
    EXPECT_EQ(probe.value("probe_grpc_ssl{job=\"j\"}"), 0);
    EXPECT_EQ(probe.value("probe_grpc_healthcheck_response{job=\"j\",serving_status=\"SERVING\"}"), 1);
    EXPECT_EQ(probe.value("probe_grpc_healthcheck_response{job=\"j\",serving_status=\"NOT_SERVING\"}"), 0);
    EXPECT_GT(probe.value("probe_grpc_duration_seconds{job=\"j\",phase=\"check\"}"), 0);
    EXPECT_GE(probe.value("probe_grpc_duration_seconds{job=\"j\",phase=\"resolve\"}"), 0);
    EXPECT_EQ(probe.value("tocsin_probe_success{job=\"j\"}"), 1);
  }
}

TEST_F(GrpcReal, EveryServiceHasItsAnswer) {
  struct Case {
    const char* service;
    Outcome outcome;
    double code;
    const char* serving;
  };
  for (const Case& c :
       {Case{"good", Outcome::ok, 0, "SERVING"}, Case{"bad", Outcome::unexpected, 0, "NOT_SERVING"},
        Case{"unsure", Outcome::unexpected, 0, "UNKNOWN"}, Case{"nobody", Outcome::unexpected, 0, "SERVICE_UNKNOWN"},
        Case{"absent", Outcome::unexpected, 5, ""}, Case{"locked", Outcome::auth, 16, ""},
        Case{"full", Outcome::throttled, 8, ""}}) {
    OneProber probe(grpc_prober(grpc_options(server_->port(), c.service)));
    const auto seen = probe();
    EXPECT_EQ(seen.outcome, c.outcome) << c.service << ": " << seen.detail;
    EXPECT_EQ(probe.value("probe_grpc_status_code"), c.code) << c.service;
    for (const char* word : {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}) {
      EXPECT_EQ(probe.value("probe_grpc_healthcheck_response{serving_status=\"" + std::string(word) + "\"}"),
                word == std::string(c.serving) ? 1 : 0)
          << c.service;
    }
  }
}

TEST_F(GrpcReal, MetadataOpensTheDoor) {
  const test::TempDir dir;
  auto options = grpc_options(server_->port(), "locked");
  MetadataSource token;
  token.name = "Authorization";
  token.value.file = dir.write("token", "Bearer let-me-in\n");
  options.metadata.push_back(token);
  OneProber probe(grpc_prober(options));
  auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  dir.write("token", "Bearer something-else\n");
  seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::auth);
  EXPECT_EQ(seen.detail.find("something-else"), std::string::npos);
  dir.write("token", "two\nlines\n");
  seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::auth);
  EXPECT_EQ(seen.detail.find("lines"), std::string::npos);
}

TEST_F(GrpcReal, TheDeadlineHolds) {
  OneProber probe(grpc_prober(grpc_options(server_->port(), "slow")));
  const auto seen = test::probe_hostile(probe, 300ms);
  EXPECT_EQ(seen.outcome, Outcome::timeout) << seen.detail;
  EXPECT_EQ(probe.value("probe_grpc_status_code"), 4);
}

TEST_F(GrpcReal, AServerWithoutHealthChecks) {
  const GrpcServer server({"--without-health"});
  OneProber probe(grpc_prober(grpc_options(server.port())));
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::refused_command) << seen.detail;
  EXPECT_EQ(probe.value("probe_grpc_status_code"), 12);
}

TEST_F(GrpcReal, OverTls) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  const GrpcServer server({files.cert, files.key});
  auto options = grpc_options(server.port());
  options.tls = net::TlsOptions{};
  options.tls->ca_file = certificates.ca_file();
  OneProber probe(grpc_prober(options));
  const auto seen = probe();
  EXPECT_EQ(seen.outcome, Outcome::ok) << seen.detail;
  EXPECT_EQ(probe.value("probe_grpc_ssl"), 1);
  EXPECT_GT(probe.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
  EXPECT_TRUE(probe.has("probe_tls_version_info{version=\"TLS 1.3\"}"));

  // Not trusted: what the certificate says is there all the same.
  options.tls->ca_file.clear();
  OneProber strict(grpc_prober(options));
  EXPECT_EQ(strict().outcome, Outcome::tls);
  EXPECT_EQ(strict.value("probe_grpc_status_code"), 14);
  EXPECT_GT(strict.value("probe_ssl_earliest_cert_expiry"), 1.7e9);
}

struct Sick {
  const char* name;
  std::function<void(FakeConnection&)> script;
  Outcome outcome;
  Phase phase;
  double code;
  bool tls = false;
};
void PrintTo(const Sick& sick, std::ostream* out) { *out << sick.name; }
class GrpcSickPeer : public testing::TestWithParam<Sick> {};

TEST_P(GrpcSickPeer, IsNamedInTime) {
  FakePeer peer(GetParam().script);
  auto options = grpc_options(peer.port());
  options.address.host = "127.0.0.1";
  if (GetParam().tls) options.tls = net::TlsOptions{};
  OneProber probe(grpc_prober(options));
  const auto seen = test::probe_hostile(probe, test::patience(GetParam().outcome));
  EXPECT_EQ(seen.outcome, GetParam().outcome) << core::to_string(seen.outcome) << ": " << seen.detail;
  EXPECT_EQ(seen.phase, GetParam().phase) << core::to_string(seen.phase);
  EXPECT_EQ(probe.value("probe_success"), 0);
  EXPECT_EQ(probe.value("probe_grpc_status_code"), GetParam().code);
  EXPECT_EQ(probe.value("probe_grpc_healthcheck_response{serving_status=\"SERVING\"}"), 0);
}

std::string settings() { return {"\0\0\0\4\0\0\0\0\0", 9}; }
/// A frame of headers or data on stream 1.
std::string frame(char type, char flags, const std::string& payload) {
  std::string out{static_cast<char>(payload.size() >> 16U),
                  static_cast<char>(payload.size() >> 8U),
                  static_cast<char>(payload.size()),
                  type,
                  flags,
                  0,
                  0,
                  0,
                  1};
  return out + payload;
}

INSTANTIATE_TEST_SUITE_P(
    All, GrpcSickPeer,
    testing::Values(Sick{"hang", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::receive, 4},
                    Sick{"freeze", [](FakeConnection& c) { c.freeze(); }, Outcome::timeout, Phase::receive, 4},
                    Sick{"hang_after_settings",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.hang();
                         },
                         Outcome::timeout, Phase::receive, 4},
                    Sick{"hang_in_body",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.read(24);
                           // :status 200 of the static table, and a message that does not end.
                           c.send(frame(1, 4, "\x88") + frame(0, 0, std::string("\0\0", 2)));
                           c.hang();
                         },
                         Outcome::timeout, Phase::receive, 4},
                    Sick{"drip", [](FakeConnection& c) { c.drip(settings() + std::string(1000, '\0'), 20ms); },
                         Outcome::timeout, Phase::receive, 4},
                    Sick{"garbage",
                         [](FakeConnection& c) {
                           c.send(std::string(100, '\xff'));
                           c.hang();
                         },
                         Outcome::protocol, Phase::receive, 14},
                    Sick{"http1",
                         [](FakeConnection& c) {
                           c.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
                           c.hang();
                         },
                         Outcome::protocol, Phase::receive, 14},
                    Sick{"huge_body",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.read(24);
                           c.send(frame(1, 4, "\x88"));
                           for (int i = 0; i < 100; ++i) c.send(frame(0, 0, std::string(16'000, 'x')));
                           c.hang();
                         },
                         Outcome::limit, Phase::receive, 8},
                    Sick{"frames_for_ever",
                         [](FakeConnection& c) {
                           std::string flood;  // of a type that nobody knows
                           for (int i = 0; i < 100; ++i) flood += frame('\x70', 0, std::string(100, 'x'));
                           c.send(settings());
                           while (c.send(flood)) {
                           }
                         },
                         Outcome::limit, Phase::receive, 8},
                    Sick{"headers_without_end",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.read(24);
                           c.send(frame(1, 0, "\x88"));
                           // CONTINUATION frames, each with a literal header.
                           const std::string more = std::string("\x00\x01y\x7f\x81\x06", 6) + std::string(256, 'x');
                           while (c.send(frame(9, 0, more))) {
                           }
                         },
                         Outcome::protocol, Phase::receive, 14},
                    Sick{"hang_in_tls", [](FakeConnection& c) { c.hang(); }, Outcome::timeout, Phase::tls, 4, true},
                    Sick{"no_tls",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.hang();
                         },
                         Outcome::tls, Phase::tls, 14, true},
                    Sick{"reset",
                         [](FakeConnection& c) {
                           c.read(24);
                           c.reset();
                         },
                         Outcome::closed, Phase::receive, 14},
                    Sick{"closes", [](FakeConnection& c) { c.read(24); }, Outcome::closed, Phase::receive, 14},
                    Sick{"goaway",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.read(24);
                           c.send(std::string("\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\xb", 17));
                           c.hang();
                         },
                         Outcome::throttled, Phase::receive, 14},
                    Sick{"a_web_page",
                         [](FakeConnection& c) {
                           c.send(settings());
                           c.read(24);
                           c.send(frame(1, 5, "\x88"));
                           c.hang();
                         },
                         Outcome::protocol, Phase::parse, 2}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(GrpcProber, NobodyListens) {
  OneProber probe(grpc_prober(grpc_options(test::free_port())));
  const auto seen = probe(1s);
  EXPECT_EQ(seen.outcome, Outcome::connect);
  EXPECT_EQ(probe.value("probe_grpc_status_code"), 14);
  EXPECT_TRUE(probe.twice.empty());
}

TEST(GrpcProber, EveryMetricIsDescribed) {
  OneProber probe(grpc_prober(grpc_options(test::free_port())));
  static_cast<void>(probe(1s));
  for (const auto& [series, value] : probe.values) {
    const std::string name = series.substr(0, series.find('{'));
    if (name.starts_with("tocsin_")) continue;
    EXPECT_TRUE(std::any_of(grpc_metadata().begin(), grpc_metadata().end(), [&](const core::MetricMeta& meta) {
      return meta.name == name;
    })) << name;
  }
}

}  // namespace
}  // namespace tocsin::probes
