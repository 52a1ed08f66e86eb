// TCP, WebSocket, DNS and ICMP probes in the real daemon, among real servers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "real/house.hpp"
#include "support/dnsmasq.hpp"
#include "support/ping_allowed.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

void wait_for(const Tocsin& tocsin, const std::string& expression, double value) {
  EXPECT_TRUE(wait_until([&] { return tocsin.query(expression) == value; }))
      << expression << " is " << tocsin.query(expression).value_or(-1);
}

TEST(Network, TcpDnsIcmpAndWebsocketTargets) {
  const TempDir folder;
  const auto redis_port = free_port();
  const auto redis = start_redis(redis_port, folder);
  const auto web_port = free_port();
  const auto nginx = start_nginx(web_port);
  const Dnsmasq names({"--host-record=a.test,127.0.0.1"});
  const bool pings = may_ping();
  const std::string config = fmt::format(
      "global: {{probe_interval: 300ms, probe_timeout: 300ms, confirm: 0s}}\n"
      "probes:\n"
      "  - job: port\n"
      "    targets: ['tcp://127.0.0.1:{0}']\n"
      "    dialog: [{{send: PING}}, {{expect: '^\\+(PONG)$', labels: {{said: $1}}}}]\n"
      "  - {{job: name, targets: ['dns://127.0.0.1:{1}/a.test', 'dns+tcp://127.0.0.1:{1}/nothing.test']}}\n"
      "  - {{job: chat, targets: ['ws://127.0.0.1:{2}/health']}}\n"
      "  - {{job: host, targets: ['icmp://127.0.0.1']}}\n",
      redis_port, names.port(), web_port);
  Tocsin tocsin(config);
  tocsin.wait_ready();
  wait_for(tocsin, "probe_success{job=\"port\"}", 1);
  wait_for(tocsin, "probe_expect_info{said=\"PONG\"}", 1);
  wait_for(tocsin, "probe_dns_answer_rrs{instance=~\".*/a.test.*\"}", 1);
  wait_for(tocsin, "probe_success{instance=~\".*/nothing.test.*\"}", 0);
  // nginx speaks no WebSocket: the upgrade is not refused, it is passed over.
  wait_for(tocsin, "probe_websocket_connection_upgraded", 0);
  wait_for(tocsin, "probe_websocket_status_code", 200);
  if (pings) wait_for(tocsin, "probe_icmp_reply_hop_limit", 64);
  wait_for(tocsin, "count(tocsin_probe_success)", 5);
  const std::string page = http(tocsin.port(), "/metrics").body;
  for (const char* name : {"probe_failed_due_to_bytes", "probe_dns_query_succeeded", "probe_websocket_duration_seconds",
                           "probe_icmp_duration_seconds"}) {
    EXPECT_NE(page.find(std::string("# TYPE ") + name + " gauge\n"), std::string::npos) << name;
  }
}

TEST(Network, GrpcHealth) {
  if (std::system("/usr/bin/python3 -c 'import grpc' >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3-grpcio";
  Child server({"/usr/bin/python3", TOCSIN_SOURCE_DIR "/tests/probes/data/grpc/health_server.py"});
  server.wait_for_output("listening");
  const std::string greeting = server.output();
  const int port = std::stoi(greeting.substr(greeting.find("port ") + 5));
  Tocsin tocsin(
      fmt::format("global: {{probe_interval: 300ms, probe_timeout: 300ms, confirm: 0s}}\n"
                  "probes: [{{job: rpc, targets: ['grpc://localhost:{0}', 'grpc://localhost:{0}/good', "
                  "'grpc://localhost:{0}/bad']}}]\n",
                  port));
  tocsin.wait_ready();
  wait_for(tocsin, "sum(probe_success{job=\"rpc\"})", 2);
  wait_for(tocsin, "probe_grpc_healthcheck_response{instance=~\".*/bad\",serving_status=\"NOT_SERVING\"}", 1);
  wait_for(tocsin, "tocsin_probe_failures_total{class=\"unexpected\",instance=~\".*/bad\"} > bool 0", 1);
}

TEST(Network, OneProbeByItsUrl) {
  const Dnsmasq names({"--host-record=a.test,127.0.0.1"});
  const auto [status, said] =
      run_tocsin({"probe", "dns://127.0.0.1:" + std::to_string(names.port()) + "/a.test?type=A"});
  EXPECT_EQ(status, 0) << said;
  EXPECT_NE(said.find("probe_dns_answer_rrs"), std::string::npos) << said;
  const auto [refused, why] = run_tocsin({"probe", "tcp://127.0.0.1:" + std::to_string(free_port())});
  EXPECT_EQ(refused, 1) << why;
  EXPECT_NE(why.find("refused the connection"), std::string::npos) << why;
  const auto [unknown, what] = run_tocsin({"probe", "tpc://127.0.0.1:1"});
  EXPECT_EQ(unknown, 1);
  EXPECT_NE(what.find("did you mean tcp://?"), std::string::npos) << what;
}

TEST(Network, OneProbeByItsUrlIsAsConfigured) {
  const Dnsmasq names({"--host-record=a.test,127.0.0.1"});
  const std::string url = "dns://127.0.0.1:" + std::to_string(names.port()) + "/a.test";
  const TempDir folder;
  const auto config =
      folder.write("t.yml", "packs: [http]\nprobes: [{job: names, targets: ['" + url + "'], labels: {site: here}}]\n");
  const auto [status, said] = run_tocsin({"probe", "--config", config, url});
  EXPECT_EQ(status, 0) << said;
  EXPECT_NE(said.find("site=\"here\""), std::string::npos) << said;
  const auto [absent, why] = run_tocsin({"probe", "--config", folder / "absent.yml", url});
  EXPECT_EQ(absent, 1) << why;
}

}  // namespace
}  // namespace tocsin::test
