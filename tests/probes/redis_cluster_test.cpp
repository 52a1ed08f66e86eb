// Finding the nodes of a cluster: what servers say, and a real cluster.
#include "redis/cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "probes/redis_probe.hpp"
#include "probes/redis_texts.hpp"
#include "support/certificates.hpp"
#include "support/fake_peer.hpp"
#include "support/wait_until.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using redis_cluster::Node;
using test::bulk;
using test::integer;
using test::list;
using test::RedisProbe;
using test::RedisServer;
using test::ReplyOf;
using namespace std::chrono_literals;

redis::Reached reached(const std::string& host, bool tls = false) { return {{host, 7000, false}, tls}; }

std::string text(const redis::Nodes& nodes) {
  std::string all;
  for (const Node& node : nodes) {
    all += node.address.to_string() + " " + (node.primary ? "primary" : "replica of " + node.primary_id) +
           (node.failed ? " failed" : "") + " " + node.id + "\n";
  }
  return all;
}

TEST(RedisCluster, ReadsNodes) {
  // The lines are those of the documentation of CLUSTER NODES, with what later versions added.
  const std::string_view lines =
      "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,hostname4 slave "
      "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n"
      "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 "
      "127.0.0.1:30002@31002,,tls-port=30102,shard-id=69bc080733d1355567173199cff4a6a039a2f024 master "
      "- 0 1426238316232 2 connected 5461-10922\n"
      "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f fd00::7:30003@31003 master,fail? - 0 1426238318243 3 connected "
      "10923-16383\n"
      "6ec23923021cf3ffec47632106199cb7f496ce01 :30005@31005 myself,slave 67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 0 "
      "1426238316232 5 connected\n"
      "824fe116063bc5fcf9f4ffd895bc17aee7731ac3 127.0.0.1:30006@31006 slave,fail "
      "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 0 1426238317741 6 disconnected\n"
      "1111111111111111111111111111111111111111 :0@0 master,noaddr - 0 0 0 disconnected\n"
      "2222222222222222222222222222222222222222 10.0.0.9:30009@31009 handshake - 0 0 0 connected\n"
      "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001 master - 0 0 1 connected 0-5460\r\n"
      "garbage\n\n1 2 3\n";
  const auto nodes = redis::nodes_of_text(lines, reached("seed.example"));
  EXPECT_EQ(
      text(nodes),
      "127.0.0.1:30001 primary e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca\n"
      "127.0.0.1:30002 primary 67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1\n"
      "127.0.0.1:30004 replica of e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 07c37dfeb235213a872192d90877d0cd55635b91\n"
      "127.0.0.1:30006 replica of 292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f failed "
      "824fe116063bc5fcf9f4ffd895bc17aee7731ac3\n"
      "[fd00::7]:30003 primary 292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f\n"
      "seed.example:30005 replica of 67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 "
      "6ec23923021cf3ffec47632106199cb7f496ce01\n");
  const auto over_tls = redis::nodes_of_text(lines, reached("seed.example", true));
  EXPECT_EQ(over_tls[1].address.port, 30004);
  EXPECT_EQ(over_tls[3].address.port, 30102) << "the port that is for TLS";
}

std::string node(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::string> items;
  for (const auto& [name, value] : fields) items.insert(items.end(), {bulk(name), value});
  return list(items);
}

TEST(RedisCluster, ReadsShards) {
  const auto one = [](const std::string& id, const std::string& endpoint, const std::string& role,
                      const std::string& health) {
    return node({{"id", bulk(id)},
                 {"port", integer(30001)},
                 {"tls-port", integer(30101)},
                 {"ip", bulk("10.0.0.1")},
                 {"endpoint", endpoint},
                 {"hostname", bulk("a.example")},
                 {"role", bulk(role)},
                 {"replication-offset", integer(1)},
                 {"health", bulk(health)}});
  };
  const ReplyOf reply(list(
      {list({bulk("slots"), list({integer(0), integer(5460)}), bulk("nodes"),
             list({one("r1", bulk("b.example"), "replica", "online"), one("m1", bulk("a.example"), "master", "online"),
                   one("r2", bulk("c.example"), "replica", "fail")})}),
       list({bulk("slots"), list({}), bulk("nodes"),
             list({one("m2", "$-1\r\n", "master", "online"), one("m3", bulk(""), "master", "loading"),
                   one("m4", bulk("?"), "master", "online"),
                   node({{"id", bulk("t")},
                         {"tls-port", integer(30999)},
                         {"ip", bulk("fd00::1")},
                         {"endpoint", bulk("fd00::1")},
                         {"role", bulk("master")}}),
                   node({{"id", bulk("none")}, {"endpoint", bulk("x")}}), list({}), integer(3)})})}));
  EXPECT_EQ(text(redis::nodes_of_shards(*reply, reached("seed"))),
            "10.0.0.1:30001 primary m3\n"
            "a.example:30001 primary m1\n"
            "b.example:30001 replica of m1 r1\n"
            "c.example:30001 replica of m1 failed r2\n"
            "[fd00::1]:30999 primary t\n"
            "seed:30001 primary m2\n");
  const auto over_tls = redis::nodes_of_shards(*reply, reached("seed", true));
  EXPECT_EQ(over_tls.at(1).address.to_string(), "a.example:30101");
}

TEST(RedisCluster, ReadsSlots) {
  const auto at = [](const std::string& host, int port, const std::string& id) {
    return list({host, integer(port), bulk(id), list({bulk("hostname"), bulk("h")})});
  };
  const ReplyOf reply(
      list({list({integer(0), integer(5), at(bulk("10.0.0.1"), 7001, "m1"), at(bulk("10.0.0.2"), 7002, "r1")}),
            list({integer(9), integer(10), at(bulk("10.0.0.1"), 7001, "m1")}),
            list({integer(6), integer(8), at("$-1\r\n", 7003, "m2"), at(bulk("fd00::2"), 7004, "r2"), list({bulk("x")}),
                  integer(1)}),
            integer(5)}));
  EXPECT_EQ(text(redis::nodes_of_slots(*reply, reached("seed"))),
            "10.0.0.1:7001 primary m1\n10.0.0.2:7002 replica of m1 r1\n[fd00::2]:7004 replica of m2 r2\nseed:7003 "
            "primary m2\n");
  const ReplyOf old(list({list({integer(0), integer(5), list({bulk("127.0.0.1"), integer(7001)})})}));
  EXPECT_EQ(text(redis::nodes_of_slots(*old, reached("seed"))), "127.0.0.1:7001 primary \n");
}

TEST(RedisCluster, TakesNoHostThatIsNone) {
  const std::string_view hosts[] = {"a b", "a/b", "a@b:1", std::string_view("a\0b", 3), "a\nb", "\xff\xfe"};
  for (const auto host : hosts) {
    const ReplyOf reply(list({list({integer(0), integer(5), list({bulk(host), integer(7001), bulk("m1")})})}));
    EXPECT_TRUE(redis::nodes_of_slots(*reply, reached("seed")).empty()) << host;
  }
}

TEST(RedisCluster, BoundsTheNodes) {
  std::string lines;
  for (int i = 1; i < 5'000; ++i) lines += "id 10.0.0.1:" + std::to_string(i) + "@1 master - 0 0 0 connected\n";
  EXPECT_EQ(redis::nodes_of_text(lines, reached("seed")).size(), 1'000U);
}

/// Asks for the nodes as the daemon does.
core::Result<std::vector<Node>> discover(RedisOptions options, std::chrono::milliseconds timeout = 5s) {
  net::BlockingPool pool(1);
  net::Connector connector(pool);
  test::TestLoop loop;
  return loop.run(redis_cluster::discover(connector, std::move(options), test::TestLoop::in(timeout)));
}

struct ThreeNodes {
  explicit ThreeNodes(const std::vector<std::string>& options = {}) {
    std::vector<std::string> all{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"};
    all.insert(all.end(), options.begin(), options.end());
    for (int i = 0; i < 3; ++i) nodes.push_back(std::make_unique<RedisServer>(all));
    const char* slots[][2] = {{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}};
    for (std::size_t i = 0; i < 3; ++i) nodes[i]->cli({"CLUSTER", "ADDSLOTSRANGE", slots[i][0], slots[i][1]});
    for (std::size_t i = 1; i < 3; ++i)
      nodes[0]->cli({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes[i]->port())});
    joined = test::wait_until([this] {
      return std::ranges::all_of(nodes, [](const auto& node) {
        const auto info = node->cli({"CLUSTER", "INFO"});
        return info.find("cluster_state:ok") != std::string::npos &&
               info.find("cluster_known_nodes:3") != std::string::npos;
      });
    });
  }
  [[nodiscard]] std::set<std::string> addresses() const {
    std::set<std::string> all;
    for (const auto& node : nodes) all.insert("127.0.0.1:" + std::to_string(node->port()));
    return all;
  }
  std::vector<std::unique_ptr<RedisServer>> nodes;
  bool joined = false;
};

TEST(RedisCluster, OneSeedTellsOfThreeNodes) {
  ThreeNodes cluster;
  ASSERT_TRUE(cluster.joined);
  const auto found = discover(RedisProbe::to(cluster.nodes[1]->port()));
  ASSERT_TRUE(found) << found.error().detail;
  std::set<std::string> addresses;
  for (const Node& node : *found) {
    addresses.insert(node.address.to_string());
    EXPECT_TRUE(node.primary);
    EXPECT_FALSE(node.failed);
    EXPECT_EQ(node.id.size(), 40U);
  }
  EXPECT_EQ(addresses, cluster.addresses());

  RedisProbe probe(RedisProbe::to(cluster.nodes[0]->port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at("redis_cluster_enabled"), 1);
  EXPECT_EQ(probe.values.at("redis_cluster_state"), 1);
  EXPECT_EQ(probe.values.at("redis_cluster_slots_assigned"), 16384);
  EXPECT_EQ(probe.values.at("redis_cluster_slots_ok"), 16384);
  EXPECT_EQ(probe.values.at("redis_cluster_slots_pfail"), 0);
  EXPECT_EQ(probe.values.at("redis_cluster_slots_fail"), 0);
  EXPECT_EQ(probe.values.at("redis_cluster_known_nodes"), 3);
  EXPECT_EQ(probe.values.at("redis_cluster_size"), 3);
  EXPECT_GT(probe.values.at("redis_cluster_current_epoch"), 0);
  EXPECT_TRUE(probe.has("redis_cluster_my_epoch"));
  EXPECT_GT(probe.values.at("redis_cluster_messages_sent_total"), 0);
  EXPECT_GT(probe.values.at("redis_cluster_messages_received_total"), 0);
  EXPECT_GT(probe.values.at("redis_cluster_stats_messages_ping_sent"), 0);
  EXPECT_EQ(probe.values.at(R"(tocsin_redis_command_available{command="CLUSTER INFO"})"), 1);

  // A key of another node is not asked for again and again.
  auto options = RedisProbe::to(cluster.nodes[0]->port());
  options.keys = {"a", "b", "c"};
  for (const auto& node : cluster.nodes) {
    for (const char* key : {"a", "b", "c"}) node->cli({"RPUSH", key, "1", "2"});
  }
  RedisProbe keys(options);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(keys().outcome, Outcome::ok);
  // a: slot 15495, b: 3300, c: 7365.
  EXPECT_EQ(keys.values.at(R"(redis_key_size{db="db0", key="b"})"), 2);
  EXPECT_FALSE(keys.has(R"(redis_key_size{db="db0", key="a"})"));
  const auto moved = keys.values.at(R"(redis_errors_total{err="MOVED"})");
  ASSERT_EQ(keys().outcome, Outcome::ok);
  EXPECT_EQ(keys.values.at(R"(redis_errors_total{err="MOVED"})"), moved);

  // One dies: it is listed on, as failed.
  const auto dead = "127.0.0.1:" + std::to_string(cluster.nodes[2]->port());
  cluster.nodes[2]->child().kill();
  EXPECT_TRUE(test::wait_until([&] {
    const auto now = discover(RedisProbe::to(cluster.nodes[0]->port()));
    if (!now || now->size() != 3) return false;
    return std::ranges::any_of(*now, [&](const Node& node) { return node.failed && node.address.to_string() == dead; });
  }));
}

TEST(RedisCluster, AServerThatIsNoneSaysSo) {
  const RedisServer server;
  const auto found = discover(RedisProbe::to(server.port()));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().outcome, Outcome::unexpected) << found.error().detail;
  EXPECT_EQ(found.error().detail, "the server is no node of a cluster");
}

TEST(RedisCluster, AWrongPasswordIsAnAuthFailure) {
  const RedisServer server({"--cluster-enabled", "yes", "--requirepass", "s3cret"}, "s3cret");
  auto options = RedisProbe::to(server.port());
  options.password.value = core::Secret("wr0ng");
  auto found = discover(options);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().outcome, Outcome::auth);
  EXPECT_EQ(found.error().detail.find("wr0ng"), std::string::npos);
  options.password.value = core::Secret("s3cret");
  found = discover(options);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->size(), 1U) << "a node without slots, too";
  EXPECT_EQ(found->front().address.to_string(), "127.0.0.1:" + std::to_string(server.port()));
  options.password.value = {};
  EXPECT_EQ(discover(options).error().outcome, Outcome::auth);
}

TEST(RedisCluster, SpeaksTls) {
  test::Certificates certificates;
  const auto files = certificates.issue();
  const std::uint16_t port = test::free_port();
  const RedisServer server({"--cluster-enabled", "yes", "--tls-cluster", "yes", "--tls-port", std::to_string(port),
                            "--tls-cert-file", files.cert, "--tls-key-file", files.key, "--tls-ca-cert-file",
                            certificates.ca_file(), "--cluster-port", std::to_string(test::free_port())});
  auto options = RedisProbe::to(port);
  options.tls.emplace();
  options.tls->ca_file = certificates.ca_file();
  options.tls->cert_file = files.cert;
  options.tls->key_file = files.key;
  const auto found = discover(options);
  ASSERT_TRUE(found) << found.error().detail;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().address.port, port);
}

TEST(RedisCluster, FallsBackToWhatTheServerKnows) {
  for (const bool nodes : {true, false}) {
    const test::FakePeer peer([nodes](test::FakeConnection& connection) {
      static_cast<void>(connection.read_until("SLOTS\r\n"));
      connection.send("-ERR Unknown subcommand or wrong number of arguments for 'SHARDS'.\r\n");
      connection.send(nodes ? bulk("a 10.0.0.1:7000@1 myself,master - 0 0 1 connected 0-5\n")
                            : std::string("-ERR unknown command\r\n"));
      connection.send(list({list({integer(0), integer(5), list({bulk("10.0.0.2"), integer(7000)})})}));
      connection.hang();
    });
    const auto found = discover(RedisProbe::to(peer.port()));
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->front().address.host, nodes ? "10.0.0.1" : "10.0.0.2");
  }
}

TEST(RedisCluster, EndsByItsDeadline) {
  struct Case {
    test::FakePeer::Script script;
    Outcome outcome;
  };
  const Case cases[] = {
      {[](test::FakeConnection& peer) { peer.hang(); }, Outcome::timeout},
      {[](test::FakeConnection& peer) { peer.drip("*1000\r\n" + std::string(1000, ':'), 5ms); }, Outcome::timeout},
      {[](test::FakeConnection& peer) {
         static_cast<void>(peer.read_until("SLOTS\r\n"));
         peer.send("HTTP/1.1 400\r\n");
         peer.hang();
       },
       Outcome::protocol},
      {[](test::FakeConnection& peer) {
         static_cast<void>(peer.read_until("SLOTS\r\n"));
         peer.send("$1000000000\r\n");
         peer.hang();
       },
       Outcome::limit},
      {[](test::FakeConnection& peer) { static_cast<void>(peer.read_until("SLOTS\r\n")); }, Outcome::closed},
      {[](test::FakeConnection& peer) {
         static_cast<void>(peer.read_until("SLOTS\r\n"));
         peer.send("*0\r\n$0\r\n\r\n*0\r\n");
         peer.hang();
       },
       Outcome::unexpected},
      {[](test::FakeConnection& peer) { peer.send("-ERR max number of clients reached\r\n"); }, Outcome::throttled},
  };
  for (const Case& c : cases) {
    const test::FakePeer peer(c.script);
    const auto begun = std::chrono::steady_clock::now();
    const auto found = discover(RedisProbe::to(peer.port()), 150ms);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().outcome, c.outcome) << found.error().detail;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  }
}

}  // namespace
}  // namespace tocsin::probes
