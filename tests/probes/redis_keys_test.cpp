// Key lengths: what is asked and in which order, and real servers.
#include "redis/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "probes/redis_probe.hpp"
#include "probes/redis_texts.hpp"
#include "support/fake_peer.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using redis::KeyLengths;
using test::bulk;
using test::integer;
using test::list;
using test::RedisProbe;
using test::RedisServer;
using test::ReplyOf;
using namespace std::chrono_literals;

TEST(RedisKeyPattern, IsReadAsItIsWritten) {
  struct Case {
    std::string_view text;
    redis::KeyPattern pattern;
  };
  const Case cases[] = {
      {"jobs", {2, "jobs", false}},
      {"queue:*", {2, "queue:*", true}},
      {"db0/jobs", {0, "jobs", false}},
      {"db3=queue:?", {3, "queue:?", true}},
      {"db12/q[ab]", {12, "q[ab]", true}},
      {"database/x", {2, "database/x", false}},
      {"db/x", {2, "db/x", false}},
      {"db0/db3/x", {0, "db3/x", false}},
      {R"(a\*b)", {2, "a*b", false}},
      {R"(a\*b*)", {2, R"(a\*b*)", true}},
      {"db99999999999/x", {2, "db99999999999/x", false}},
  };
  for (const Case& c : cases) {
    const auto found = redis::parse_key_pattern(c.text, 2);
    ASSERT_TRUE(found) << c.text;
    EXPECT_EQ(*found, c.pattern) << c.text << " is " << found->pattern;
  }
  EXPECT_FALSE(redis::parse_key_pattern("", 0));
  EXPECT_FALSE(redis::parse_key_pattern("db3/", 0));
}

/// A pretended server: keys with a type and a length.
struct Keyspace {
  struct Key {
    std::string type;
    int length;
  };
  /// Answers one probe's commands; what was sent, one line each.
  std::string play(KeyLengths& lengths, bool fresh = false, unsigned batches = 100) {
    std::string sent;
    lengths.begin(fresh);
    for (unsigned i = 0; i < 100; ++i) {
      const auto commands = lengths.next(i < batches);
      if (commands.list.empty()) return sent;
      const auto words = split(commands.request);
      EXPECT_EQ(words.size(), commands.list.size());
      for (std::size_t n = 0; n < words.size(); ++n) {
        for (const auto& word : words[n]) sent += word + " ";
        sent.back() = '\n';
        const ReplyOf reply(answer(words[n]));
        lengths.answered(commands.list[n], *reply);
      }
    }
    ADD_FAILURE() << "no end";
    return sent;
  }
  std::string answer(const std::vector<std::string>& words) {
    if (const auto forced = errors.find(words[0]); forced != errors.end()) return "-" + forced->second + "\r\n";
    if (words[0] == "SELECT") {
      database = words[1];
      return "+OK\r\n";
    }
    if (words[0] == "SCAN") return scan(words[1]);
    if (words[0] == "XINFO") return list({});
    const auto found = keys.find(words[1]);
    if (words[0] == "TYPE") return "+" + (found == keys.end() ? "none" : found->second.type) + "\r\n";
    if (found == keys.end()) return integer(0);
    const std::map<std::string, std::string> types{{"LLEN", "list"}, {"SCARD", "set"},   {"ZCARD", "zset"},
                                                   {"HLEN", "hash"}, {"XLEN", "stream"}, {"STRLEN", "string"}};
    if (types.at(words[0]) != found->second.type) return "-WRONGTYPE Operation against a key\r\n";
    return integer(found->second.length);
  }
  std::string scan(const std::string& cursor) {
    const std::size_t at = std::stoul(cursor);
    std::vector<std::string> names;
    for (std::size_t i = at; i < std::min(at + page, scanned.size()); ++i) names.push_back(bulk(scanned[i]));
    const std::size_t next = at + page < scanned.size() ? at + page : 0;
    return list({bulk(std::to_string(next)), list(names)});
  }
  static std::vector<std::vector<std::string>> split(std::string_view request) {
    std::vector<std::vector<std::string>> commands;
    redis::ReplyReader reader(1024 * 1024);
    EXPECT_TRUE(reader.feed(request));
    while (true) {
      const auto command = reader.next();
      if (!command || !*command) return commands;
      commands.emplace_back();
      for (const auto word : **command) commands.back().emplace_back(word.text());
    }
  }
  std::map<std::string, Key> keys;
  std::vector<std::string> scanned;
  std::size_t page = 10;
  std::map<std::string, std::string> errors;
  std::string database = "0";
};

struct Measured {
  explicit Measured(const std::vector<std::string>& patterns, KeyLengths::Bounds bounds = {}, unsigned home = 0)
      : keys(core::Labels{}, names, patterns, bounds, home) {}
  test::Values values() {
    table.begin();
    keys.append(table);
    const auto batch = table.take();
    auto found = test::values(table, batch);
    EXPECT_EQ(found.size(), batch.rows.size());
    return found;
  }
  redis::CommandNames names;
  core::SeriesTable table;
  KeyLengths keys;
};

std::string size_of(const std::string& key, const std::string& db = "db0") {
  return "redis_key_size{db=\"" + db + "\", key=\"" + key + "\"}";
}

TEST(RedisKeys, AsksTheTypeOnce) {
  Measured measured({"jobs", "gone", "set"});
  Keyspace server;
  server.keys = {{"jobs", {"list", 7}}, {"set", {"set", 2}}};
  EXPECT_EQ(server.play(measured.keys), "TYPE jobs\nTYPE gone\nTYPE set\nLLEN jobs\nSCARD set\n");
  auto found = measured.values();
  EXPECT_EQ(found.at(size_of("jobs")), 7);
  EXPECT_EQ(found.at(size_of("set")), 2);
  EXPECT_FALSE(found.contains(size_of("gone"))) << "missing keys are omitted";
  EXPECT_EQ(found.at("tocsin_redis_keys_measured"), 2);
  server.keys["jobs"].length = 8;
  EXPECT_EQ(server.play(measured.keys), "LLEN jobs\nTYPE gone\nSCARD set\n");
  EXPECT_EQ(measured.values().at(size_of("jobs")), 8);
  // Gone, and come back as something else.
  server.keys = {{"set", {"hash", 3}}};
  EXPECT_EQ(server.play(measured.keys), "LLEN jobs\nTYPE gone\nSCARD set\nTYPE set\nHLEN set\n");
  found = measured.values();
  EXPECT_FALSE(found.contains(size_of("jobs")));
  EXPECT_EQ(found.at(size_of("set")), 3);
  EXPECT_EQ(server.play(measured.keys), "TYPE jobs\nTYPE gone\nHLEN set\n");
}

TEST(RedisKeys, AnEmptyStringIsThereAndAMissingOneIsNot) {
  Measured measured({"text", "gone"});
  Keyspace server;
  server.keys = {{"text", {"string", 0}}, {"gone", {"string", 4}}};
  static_cast<void>(server.play(measured.keys));
  server.keys.erase("gone");
  for (int i = 0; i < 2; ++i) {
    static_cast<void>(server.play(measured.keys));
    const auto found = measured.values();
    EXPECT_EQ(found.at(size_of("text")), 0);
    EXPECT_FALSE(found.contains(size_of("gone")));
  }
}

TEST(RedisKeys, LooksIntoOtherDatabases) {
  Measured measured({"here", "db3/there", "db5=q*"}, {}, 1);
  Keyspace server;
  server.keys = {{"here", {"list", 1}}, {"there", {"list", 2}}, {"q1", {"list", 3}}};
  server.scanned = {"q1"};
  EXPECT_EQ(server.play(measured.keys),
            "TYPE here\nSELECT 3\nTYPE there\nSELECT 5\nSCAN 0 MATCH q* COUNT 1000\nSELECT 1\n"
            "LLEN here\nSELECT 3\nLLEN there\nSELECT 5\nTYPE q1\nSELECT 1\nSELECT 5\nLLEN q1\nSELECT 1\n");
  const auto found = measured.values();
  EXPECT_EQ(found.at(size_of("here", "db1")), 1);
  EXPECT_EQ(found.at(size_of("there", "db3")), 2);
  EXPECT_EQ(found.at(size_of("q1", "db5")), 3);
  EXPECT_EQ(found.at(R"(redis_keys_count{db="db5", key="q*"})"), 1);
  EXPECT_EQ(server.database, "1");
}

TEST(RedisKeys, WhatFollowsARefusedSelectIsOfAnotherDatabase) {
  Measured measured({"db99/there", "here"});
  Keyspace server;
  server.keys = {{"there", {"list", 2}}, {"here", {"list", 1}}};
  server.errors = {{"SELECT", "ERR DB index is out of range"}};
  static_cast<void>(server.play(measured.keys));
  auto found = measured.values();
  EXPECT_FALSE(found.contains(size_of("there", "db99")));
  EXPECT_EQ(found.at(size_of("here")), 1);
  EXPECT_EQ(server.play(measured.keys), "LLEN here\n") << "not asked again";
  EXPECT_EQ(measured.values().at(size_of("here")), 1);
  EXPECT_NE(server.play(measured.keys, true).find("SELECT 99"), std::string::npos) << "but by a fresh probe";
}

TEST(RedisKeys, ScansABoundedPartAndGoesOn) {
  Measured measured({"q*"}, {100, 2, 50});
  Keyspace server;
  for (int i = 0; i < 35; ++i) {
    const std::string name = "q" + std::to_string(i);
    server.scanned.push_back(name);
    server.keys[name] = {"list", i + 1};
  }
  auto sent = server.play(measured.keys);
  EXPECT_NE(sent.find("SCAN 10 MATCH q* COUNT 50\n"), std::string::npos);
  EXPECT_EQ(sent.find("SCAN 20 "), std::string::npos) << "two SCANs a probe";
  EXPECT_EQ(measured.values().at(size_of("q5")), 6);
  EXPECT_FALSE(measured.values().contains(R"(redis_keys_count{db="db0", key="q*"})")) << "not through yet";
  sent = server.play(measured.keys);
  EXPECT_EQ(sent.find("SCAN 0 "), std::string::npos);
  EXPECT_NE(sent.find("SCAN 20 "), std::string::npos);
  EXPECT_NE(sent.find("SCAN 30 "), std::string::npos);
  EXPECT_EQ(measured.values().at(R"(redis_keys_count{db="db0", key="q*"})"), 35);
  EXPECT_EQ(measured.values().at("tocsin_redis_keys_measured"), 35);

  // Keys that are gone are given no longer, and forgotten after the next complete scan.
  server.scanned.resize(5);
  for (int i = 5; i < 35; ++i) server.keys.erase("q" + std::to_string(i));
  static_cast<void>(server.play(measured.keys));
  EXPECT_EQ(measured.values().at("tocsin_redis_keys_measured"), 5);
  EXPECT_EQ(measured.values().at(R"(redis_keys_count{db="db0", key="q*"})"), 5);
  sent = server.play(measured.keys);
  EXPECT_EQ(std::count(sent.begin(), sent.end(), '\n'), 6) << sent;
}

TEST(RedisKeys, CountsWhatItLeavesOut) {
  Measured measured({"q*", "named"}, {10, 50, 1'000});
  Keyspace server;
  server.keys["named"] = {"list", 1};
  for (int i = 0; i < 30; ++i) {
    server.scanned.push_back("q" + std::to_string(i));
    server.keys["q" + std::to_string(i)] = {"list", 1};
  }
  server.scanned.push_back(std::string(5'000, 'q'));
  static_cast<void>(server.play(measured.keys));
  const auto found = measured.values();
  EXPECT_EQ(found.at("tocsin_redis_keys_measured"), 10);
  EXPECT_EQ(found.at("tocsin_redis_keys_left_out"), 22);
  EXPECT_EQ(found.at(R"(redis_keys_count{db="db0", key="q*"})"), 31);
  EXPECT_EQ(found.at(size_of("named")), 1);
}

TEST(RedisKeys, AKeyThatScanGivesTwiceIsOne) {
  Measured measured({"q*", "*1"});
  Keyspace server;
  server.scanned = {"q1", "q1", "q2", "q1"};
  server.keys = {{"q1", {"list", 1}}, {"q2", {"list", 2}}};
  static_cast<void>(server.play(measured.keys));
  EXPECT_EQ(measured.values().at(R"(redis_keys_count{db="db0", key="q*"})"), 2);
  EXPECT_EQ(measured.values().at("tocsin_redis_keys_measured"), 2);
}

TEST(RedisKeys, WhatIsRefusedIsAskedAgainByFreshProbesOnly) {
  for (const std::string error : {"NOPERM no permissions", "ERR unknown command", "MOVED 15495 10.0.0.1:6379"}) {
    Measured measured({"a", "q*"});
    Keyspace server;
    server.errors = {{"TYPE", error}, {"SCAN", error}};
    EXPECT_EQ(server.play(measured.keys), "TYPE a\nSCAN 0 MATCH q* COUNT 1000\n");
    EXPECT_EQ(server.play(measured.keys), "");
    EXPECT_EQ(server.play(measured.keys, true), "TYPE a\nSCAN 0 MATCH q* COUNT 1000\n");
  }
  Measured measured({"a", "q*"});
  Keyspace server;
  server.errors = {{"TYPE", "MASTERDOWN Link with MASTER is down"}, {"SCAN", "MASTERDOWN Link"}};
  static_cast<void>(server.play(measured.keys));
  EXPECT_EQ(server.play(measured.keys), "TYPE a\nSCAN 0 MATCH q* COUNT 1000\n") << "that passes by itself";
}

TEST(RedisKeys, SaysWhenTheTimeIsOver) {
  Measured measured({"a"});
  Keyspace server;
  server.keys["a"] = {"list", 1};
  EXPECT_EQ(server.play(measured.keys, false, 1), "TYPE a\n");
  EXPECT_EQ(measured.values().at("tocsin_redis_key_rounds_cut_total"), 1);
  EXPECT_FALSE(measured.values().contains(size_of("a")));
  EXPECT_EQ(server.play(measured.keys, false, 1), "LLEN a\n");
  EXPECT_EQ(measured.values().at("tocsin_redis_key_rounds_cut_total"), 1);
  EXPECT_EQ(measured.values().at(size_of("a")), 1);
}

TEST(RedisKeys, SurvivesNonsense) {
  for (const std::string reply : {"$-1\r\n", "+OK\r\n", ":1\r\n", "*1\r\n:1\r\n", "*2\r\n$1\r\nx\r\n*0\r\n",
                                  "*2\r\n$20\r\n99999999999999999999\r\n*0\r\n", "*2\r\n$1\r\n0\r\n:1\r\n"}) {
    Measured measured({"a", "q*"});
    for (int probe = 0; probe < 3; ++probe) {
      measured.keys.begin(true);
      for (int i = 0; i < 50; ++i) {
        const auto commands = measured.keys.next(true);
        if (commands.list.empty()) break;
        const ReplyOf parsed(reply);
        for (const auto& command : commands.list) measured.keys.answered(command, *parsed);
        ASSERT_LT(i, 49) << reply;
      }
    }
    static_cast<void>(measured.values());
  }
}

TEST(RedisKeys, OnARealServer) {
  const RedisServer server;
  server.cli({"RPUSH", "queue:a", "1", "2", "3"});
  server.cli({"ZADD", "queue:z", "1", "a"});
  server.cli({"-n", "3", "HSET", "h", "a", "1", "b", "2"});
  server.cli({"SET", "text", "hello"});
  server.cli({"XADD", "stream", "1638006862521-0", "f", "v"});
  server.cli({"XADD", "stream", "1638006862999-5", "f", "v"});
  server.cli({"XGROUP", "CREATE", "stream", "workers", "0"});
  server.cli({"XREADGROUP", "GROUP", "workers", "one", "COUNT", "1", "STREAMS", "stream", ">"});
  auto options = RedisProbe::to(server.port());
  options.keys = {"queue:*", "db3/h", "text", "stream", "missing"};
  RedisProbe probe(options);
  std::uint32_t cost = 0;
  for (int i = 0; i < 3; ++i) {
    const auto observation = probe();
    ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
    cost = observation.cost;
  }
  EXPECT_EQ(probe.values.at(size_of("queue:a")), 3);
  EXPECT_EQ(probe.values.at(size_of("queue:z")), 1);
  EXPECT_EQ(probe.values.at(size_of("h", "db3")), 2);
  EXPECT_EQ(probe.values.at(size_of("text")), 5);
  EXPECT_EQ(probe.values.at(size_of("stream")), 2);
  EXPECT_FALSE(probe.has(size_of("missing")));
  EXPECT_EQ(probe.values.at(R"(redis_keys_count{db="db0", key="queue:*"})"), 2);
  const std::string stream = R"({db="db0", stream="stream"})";
  EXPECT_EQ(probe.values.at("redis_stream_length" + stream), 2);
  EXPECT_EQ(probe.values.at("redis_stream_groups" + stream), 1);
  EXPECT_EQ(probe.values.at("redis_stream_first_entry_id" + stream), 1638006862521);
  EXPECT_EQ(probe.values.at("redis_stream_last_entry_id" + stream), 1638006862999);
  EXPECT_EQ(probe.values.at("redis_stream_last_generated_id" + stream), 1638006862999);
  EXPECT_EQ(probe.values.at("redis_stream_entries_added_total" + stream), 2);
  EXPECT_EQ(probe.values.at("redis_stream_max_deleted_entry_id" + stream), 0);
  EXPECT_EQ(probe.values.at("redis_stream_radix_tree_keys" + stream), 1);
  EXPECT_EQ(probe.values.at("redis_stream_radix_tree_nodes" + stream), 2);
  const std::string group = R"({db="db0", group="workers", stream="stream"})";
  EXPECT_EQ(probe.values.at("redis_stream_group_consumers" + group), 1);
  EXPECT_EQ(probe.values.at("redis_stream_group_messages_pending" + group), 1);
  EXPECT_EQ(probe.values.at("redis_stream_group_last_delivered_id" + group), 1638006862521);
  EXPECT_EQ(probe.values.at("redis_stream_group_entries_read" + group), 1);
  EXPECT_EQ(probe.values.at("redis_stream_group_lag" + group), 1);
  // INFO, LATENCY x2, SLOWLOG x2; then five lengths, a type, a scan, SELECT x2; then XINFO x2.
  EXPECT_EQ(cost, 5U + 9U + 2U);
  EXPECT_EQ(probe.find("redis_errors_total{"), "");
}

TEST(RedisKeys, AHangInTheMiddleDoesNotSpoilTheProbe) {
  const test::FakePeer peer([](test::FakeConnection& connection) {
    static_cast<void>(connection.read_until("ALL\r\n"));
    connection.send(bulk("connected_clients:7\r\n"));
    connection.hang();
  });
  auto options = RedisProbe::to(peer.port());
  options.keys = {"a", "q*"};
  RedisProbe probe(options);
  const auto observation = probe(200ms);
  EXPECT_EQ(observation.outcome, Outcome::ok) << "INFO was answered";
  EXPECT_LT(observation.took, 2s);
  EXPECT_EQ(probe.values.at("redis_connected_clients"), 7);
  EXPECT_EQ(probe.values.at("tocsin_redis_key_rounds_cut_total"), 1);
  EXPECT_FALSE(probe.prober().has_sentinel()) << "that connection is of no more use";
}

}  // namespace
}  // namespace tocsin::probes
