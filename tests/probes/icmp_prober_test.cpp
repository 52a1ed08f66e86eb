// Pings on loopback, unprivileged and raw, and side by side with blackbox_exporter.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "probes/probe_runner.hpp"
#include "support/blackbox.hpp"
#include "support/hostile.hpp"
#include "support/ping_allowed.hpp"
#include "tocsin/probes/icmp.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::NetworkOfOurOwn;
using test::ProbeRunner;
using namespace std::chrono_literals;

ProbeRunner::Make icmp(IcmpOptions options) {
  return [options](net::Connector& connector, const net::Executor& executor, Identity identity) {
    return make_icmp_prober(connector, executor, std::move(identity), options);
  };
}

IcmpOptions to(std::string host) {
  IcmpOptions options;
  options.host = std::move(host);
  return options;
}

/// Runs the body in a network of its own; its return value is a complaint, or empty.
void unprivileged(const std::function<std::string()>& body) {
  const auto result = test::in_own_network(true, [&body] {
    const auto complaint = body();
    if (!complaint.empty()) std::fprintf(stderr, "%s\n", complaint.c_str());
    return complaint.empty();
  });
  if (result == NetworkOfOurOwn::refused) GTEST_SKIP() << "no network namespace of our own";
  EXPECT_EQ(result, NetworkOfOurOwn::ran);
}

TEST(IcmpProber, PingsWithoutPrivileges) {
  unprivileged([]() -> std::string {
    for (const char* host : {"127.0.0.1", "127.0.0.9", "::1"}) {
      for (const std::size_t size : {0U, 3U, 28U, 9000U}) {
        auto options = to(host);
        options.payload_size = size;
        ProbeRunner probe(icmp(options));
        for (int i = 0; i < 3; ++i) {
          const auto observation = probe();
          if (!observation.good()) return std::string(host) + ": " + observation.detail;
          if (probe.value("probe_icmp_duration_seconds{phase=\"rtt\"}") <= 0) return "no time";
          if (probe.value("probe_icmp_reply_hop_limit") != 64) return "no hop limit";
          if (i > 0 && !observation.batch.fresh.empty()) return "something new";
        }
      }
    }
    return {};
  });
}

TEST(IcmpProber, WaitsNoLongerThanTheDeadline) {
  unprivileged([]() -> std::string {
    std::ofstream("/proc/sys/net/ipv4/icmp_echo_ignore_all") << "1";
    ProbeRunner probe(icmp(to("127.0.0.1")));
    const auto observation = test::probe_hostile(probe, 200ms);
    if (testing::Test::HasFailure()) return "it took too long, or too much";
    if (observation.outcome != Outcome::timeout || observation.phase != Phase::receive) return observation.detail;
    if (probe.value("probe_success") != 0 || probe.has("probe_icmp_reply_hop_limit")) return "wrong metrics";
    if (probe.value("probe_icmp_duration_seconds{phase=\"rtt\"}") != 0) return "a round trip of nothing";
    return {};
  });
}

TEST(IcmpProber, SaysThatThereIsNoWay) {
  unprivileged([]() -> std::string {
    ProbeRunner probe(icmp(to("192.0.2.1")));
    const auto observation = probe();
    if (observation.outcome != Outcome::connect) return observation.detail;
    return observation.detail.find("unreachable") == std::string::npos ? observation.detail : "";
  });
}

TEST(IcmpProber, MustFitIntoOnePacket) {
  unprivileged([]() -> std::string {
    if (!test::set_loopback_mtu(1500)) return "no MTU";
    for (const char* host : {"127.0.0.1", "::1"}) {
      auto options = to(host);
      options.payload_size = 1600;
      ProbeRunner whole(icmp(options));
      if (const auto observation = whole(); !observation.good()) return host + (": " + observation.detail);
      options.dont_fragment = true;
      ProbeRunner probe(icmp(options));
      const auto observation = probe();
      if (observation.outcome != Outcome::limit) return host + (": " + observation.detail);
    }
    return {};
  });
}

TEST(IcmpProber, UsesAnAddressOfOurs) {
  unprivileged([]() -> std::string {
    auto options = to("127.0.0.1");
    net::Endpoint source;
    source.bytes = {127, 0, 0, 5};
    options.source = source;
    options.ttl = 1;
    ProbeRunner probe(icmp(options));
    return probe().detail;
  });
}

TEST(IcmpProber, NameWithoutAddress) {
  ProbeRunner probe(icmp(to("name.invalid")));
  const auto observation = probe();
  test::expect_failed(probe, observation, Outcome::resolve, Phase::resolve);
}

TEST(IcmpProber, RawSocketsTellRepliesApart) {
  if (!test::may_open(SOCK_RAW)) GTEST_SKIP() << "no CAP_NET_RAW";
  std::vector<std::unique_ptr<ProbeRunner>> probes;
  for (int i = 0; i < 5; ++i) probes.push_back(std::make_unique<ProbeRunner>(icmp(to("127.0.0.1"))));
  std::vector<std::thread> threads;
  std::vector<std::string> complaints(probes.size());
  for (std::size_t i = 0; i < probes.size(); ++i) {
    threads.emplace_back([&probe = *probes[i], &complaint = complaints[i]] {
      for (int round = 0; round < 20 && complaint.empty(); ++round) complaint = probe().detail;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& complaint : complaints) EXPECT_EQ(complaint, "");
}

TEST(IcmpBlackbox, SaysTheSame) {
  if (!test::Blackbox::installed()) GTEST_SKIP() << "not installed";
  if (!test::may_ping()) GTEST_SKIP() << "may not ping";
  test::Blackbox blackbox(
      "  ping: {prober: icmp, timeout: 2s}\n"
      "  large: {prober: icmp, timeout: 2s, icmp: {payload_size: 4000}}\n");
  const auto compare = [&blackbox](const std::string& module, const IcmpOptions& options) {
    SCOPED_TRACE(module + " " + options.host);
    const auto text = blackbox.ask(module, options.host);
    ProbeRunner probe(icmp(options));
    const auto observation = probe();
    test::expect_same_series(probe.values, text, icmp_metadata(), {"probe_timeout_seconds"});
    if (testing::Test::HasFailure()) ADD_FAILURE() << observation.detail << "\n" << text;
  };
  compare("ping", to("127.0.0.1"));
  compare("ping", to("::1"));
  compare("ping", to("name.invalid"));
  auto large = to("127.0.0.1");
  large.payload_size = 4000;
  compare("large", large);
}

}  // namespace
}  // namespace tocsin::probes
