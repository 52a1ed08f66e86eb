// Redis in the real daemon: keys and limits on its page, and a cluster found by one seed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

#include "real/house.hpp"

namespace tocsin::test {
namespace {

std::string cli(std::uint16_t port, std::vector<std::string> words) {
  words.insert(words.begin(), {"redis-cli", "-p", std::to_string(port)});
  Child client(std::move(words));
  static_cast<void>(client.wait_exit());
  return client.output();
}

TEST(Redis, GivesWhatIsConfiguredAboutIt) {
  const TempDir folder;
  const std::uint16_t port = free_port();
  const auto server = start_redis(port, folder);
  cli(port, {"RPUSH", "queue:mail", "1", "2", "3"});
  Tocsin tocsin(fmt::format(R"(global: {{probe_interval: 200ms, probe_timeout: 200ms}}
probes:
  - job: cache
    targets: ['redis://127.0.0.1:{}']
    key_lengths: ["queue:*", nothing]
    limits: {{memory: 256MiB, clients: 100, network: 50MiB/s}}
)",
                            port));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("redis_key_size{key=\"queue:mail\"}") == 3; }));
  EXPECT_EQ(tocsin.query("redis_memory_max_bytes"), 268435456) << "the server has no maxmemory";
  EXPECT_EQ(tocsin.query("redis_config_maxclients"), 10000) << "the server does tell";
  EXPECT_EQ(tocsin.query("tocsin_limit_clients"), 100);
  EXPECT_EQ(tocsin.query("redis_slowlog_length"), 0);
  EXPECT_EQ(tocsin.query("count(tocsin_redis_command_available == 1)"), 5);
  EXPECT_TRUE(wait_until([&] {
    return tocsin.query("histogram_quantile(0.99, redis_commands_latencies_usec_bucket{cmd=\"info\"})").value_or(0) > 0;
  }));
  const std::string page = http(tocsin.port(), "/metrics").body;
  EXPECT_THAT(page, testing::HasSubstr("# TYPE redis_commands_latencies_usec histogram\n"));
  EXPECT_THAT(page, testing::HasSubstr("# TYPE redis_key_size gauge\n"));
  cli(port, {"DEL", "queue:mail"});
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(redis_key_size) or vector(0)") == 0; }));
}

TEST(Redis, ABudgetIsSharedByItsName) {
  const TempDir folder;
  const std::uint16_t port = free_port();
  const auto server = start_redis(port, folder);
  Tocsin tocsin(fmt::format(R"(global: {{probe_interval: 100ms, probe_timeout: 100ms, confirm: 0s}}
packs: []
probes:
  - {{job: cache, targets: ['redis://127.0.0.1:{0}', 'redis://localhost:{0}'], budget: {{commands: 3000, per: day, share: plan}}}}
  - {{job: queue, targets: ['redis://127.0.0.1:{0}/1'], budget: {{commands: 3000, per: day, share: plan}}}}
)",
                            port));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("count(redis_up == 1)") == 3; }));
  ASSERT_TRUE(
      wait_until([&] { return tocsin.metric("tocsin_budget_commands_used{share=\"plan\"}").value_or(0) >= 3; }));
  const std::string page = "\n" + http(tocsin.port(), "/metrics").body;
  const auto at_once = [&page](const std::string& name) {  // two pages would not be of one moment
    const std::string key = "\n" + name + "{share=\"plan\"} ";
    const auto at = page.find(key);
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? -1 : std::stod(page.substr(at + key.size(), 20));
  };
  EXPECT_EQ(at_once("tocsin_budget_commands_used") + at_once("tocsin_budget_commands_left"), 3000);
  EXPECT_GT(at_once("tocsin_budget_interval_seconds"), 0);
  // A kill does not give the day its commands anew.
  const double used = *tocsin.metric("tocsin_budget_commands_used{share=\"plan\"}");
  tocsin.child().kill();
  tocsin.restart();
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("count(redis_up == 1)") == 3; }));
  EXPECT_TRUE(
      wait_until([&] { return tocsin.metric("tocsin_budget_commands_used{share=\"plan\"}").value_or(0) > used; }));
  // What is not sold any more is not shown any more.
  tocsin.write_config(fmt::format("probes: [{{job: cache, targets: ['redis://127.0.0.1:{}']}}]\n", port));
  tocsin.child().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return !tocsin.metric("tocsin_budget_commands_used{share=\"plan\"}"); }));
}

TEST(Redis, WhatIsPaidByTheCommandIsAskedForInfoAlone) {
  const TempDir folder;
  const std::uint16_t port = free_port();
  const auto server = start_redis(port, folder);
  Tocsin tocsin(fmt::format(R"(global: {{probe_interval: 100ms, probe_timeout: 100ms, confirm: 0s}}
packs: []
probes: [{{job: cache, targets: ['redis://127.0.0.1:{}'], budget: {{commands: 3000, per: day}}}}]
)",
                            port));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("redis_up") == 1; }));
  EXPECT_EQ(tocsin.query("count(redis_commands_total{cmd=~\"config.*|slowlog.*|latency.*\"}) or vector(0)"), 0);
}

TEST(Redis, AClusterIsFoundByOneSeed) {
  const TempDir folders[3];
  std::vector<std::uint16_t> ports;
  std::vector<std::unique_ptr<Child>> nodes;
  for (const TempDir& folder : folders) {
    std::uint16_t port = free_port();
    while (port > 55'000) port = free_port();
    nodes.push_back(start_redis(port, folder, {"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}));
    ports.push_back(port);
  }
  const char* slots[][2] = {{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}};
  for (std::size_t i = 0; i < 3; ++i) cli(ports[i], {"CLUSTER", "ADDSLOTSRANGE", slots[i][0], slots[i][1]});
  for (std::size_t i = 1; i < 3; ++i) cli(ports[0], {"CLUSTER", "MEET", "127.0.0.1", std::to_string(ports[i])});
  ASSERT_TRUE(wait_until([&] {
    return std::all_of(ports.begin(), ports.end(), [](std::uint16_t port) {
      return cli(port, {"CLUSTER", "INFO"}).find("cluster_state:ok") != std::string::npos;
    });
  }));
  Tocsin tocsin(fmt::format(R"(global: {{probe_interval: 200ms, probe_timeout: 200ms}}
probes:
  - {{job: cluster, targets: ['redis://127.0.0.1:{}'], cluster: true}}
)",
                            ports[1]));
  tocsin.wait_ready();
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(redis_cluster_state{job=\"cluster\"} == 1)") == 3; }));
  for (const std::uint16_t port : ports) {
    EXPECT_EQ(tocsin.query(fmt::format("redis_up{{instance=\"127.0.0.1:{}\"}}", port)), 1);
  }
  nodes[2]->kill();
  EXPECT_TRUE(wait_until([&] {
    return tocsin.query(fmt::format("redis_up{{instance=\"127.0.0.1:{}\"}}", ports[2])) == 0;
  })) << "a node that died is still a target";
}

}  // namespace
}  // namespace tocsin::test
