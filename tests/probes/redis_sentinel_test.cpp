// Sentinel: replies, and a real one.
#include "redis/sentinel.hpp"

#include <gtest/gtest.h>

#include "probes/redis_probe.hpp"
#include "probes/redis_texts.hpp"
#include "redis/details.hpp"
#include "support/wait_until.hpp"

namespace tocsin::probes {
namespace {

using redis::Question;
using test::bulk;
using test::list;
using test::RedisProbe;
using test::RedisServer;
using test::ReplyOf;

std::string map(const std::vector<std::string>& words) {
  std::vector<std::string> items;
  for (const std::string& word : words) items.push_back(bulk(word));
  return list(items);
}

test::Values append(redis::SentinelReader& reader) {
  core::SeriesTable table;
  table.begin();
  reader.append(table);
  return test::values(table, table.take());
}

TEST(RedisSentinel, CountsThoseThatAreWell) {
  redis::SentinelReader reader{core::Labels{}};
  const ReplyOf primaries(list({map({"name",
                                     "mymaster",
                                     "ip",
                                     "10.0.0.1",
                                     "port",
                                     "6379",
                                     "flags",
                                     "master",
                                     "quorum",
                                     "2",
                                     "failover-timeout",
                                     "180000",
                                     "parallel-syncs",
                                     "1",
                                     "down-after-milliseconds",
                                     "30000",
                                     "config-epoch",
                                     "7",
                                     "last-ok-ping-reply",
                                     "250",
                                     "num-slaves",
                                     "3"}),
                                map({"ip", "10.0.0.9"}), map({"name", "other", "ip", "fd00::1", "port", "6380"})}));
  reader.primaries(*primaries);
  EXPECT_EQ(reader.names(), (std::vector<std::string>{"mymaster", "other"}));
  const ReplyOf replicas(
      list({map({"flags", "slave"}), map({"flags", "s_down,slave,disconnected"}), map({"flags", "slave"})}));
  reader.replicas(0, *replicas);
  const ReplyOf sentinels(list({map({"flags", "sentinel"}), map({"flags", "s_down,sentinel,disconnected"})}));
  reader.sentinels(0, *sentinels);
  reader.quorum(0, true, "OK 2 usable Sentinels. Quorum and failover authorization can be reached");
  reader.quorum(1, false, "NOQUORUM 1 usable Sentinels.");
  reader.quorum(2, true, "nobody asked");
  const auto found = append(reader);
  const std::string of = R"({master_address="10.0.0.1:6379", master_name="mymaster"})";
  EXPECT_EQ(found.at("redis_sentinel_master_ok_slaves" + of), 2);
  EXPECT_EQ(found.at("redis_sentinel_master_ok_sentinels" + of), 2) << "the one asked is one of them";
  EXPECT_EQ(found.at("redis_sentinel_master_setting_ckquorum" + of), 2);
  EXPECT_EQ(found.at("redis_sentinel_master_setting_failover_timeout" + of), 180000);
  EXPECT_EQ(found.at("redis_sentinel_master_setting_parallel_syncs" + of), 1);
  EXPECT_EQ(found.at("redis_sentinel_master_setting_down_after_milliseconds" + of), 30000);
  EXPECT_EQ(found.at("redis_sentinel_master_config_epoch" + of), 7);
  EXPECT_EQ(found.at("redis_sentinel_master_last_ok_ping_reply_seconds" + of), 0.25);
  EXPECT_EQ(found.at("redis_sentinel_master_ckquorum_status{master_name=\"mymaster\", message=\"OK 2 usable Sentinels. "
                     "Quorum and failover authorization can be reached\"}"),
            1);
  EXPECT_EQ(
      found.at(
          "redis_sentinel_master_ckquorum_status{master_name=\"other\", message=\"NOQUORUM 1 usable Sentinels.\"}"),
      0);
  EXPECT_EQ(found.size(), 10U);
}

TEST(RedisSentinel, AnswersAboutAPrimaryThatIsAnotherByNowDoNotCount) {
  const redis::CommandNames names;
  redis::Details details(core::Labels{}, names, {}, true);
  const auto know = [&](const std::string& name) {
    const ReplyOf reply(list({map({"name", name, "ip", "h", "port", "1"})}));
    details.answered({Question::sentinel_masters}, *reply);
  };
  const auto replicas = [&] {
    const ReplyOf reply(list({map({"flags", "slave"})}));
    details.answered({Question::sentinel_replicas, 0}, *reply);
    core::SeriesTable table;
    table.begin();
    details.append(table, {});
    return test::values(table, table.take())
        .contains(R"(redis_sentinel_master_ok_slaves{master_address="h:1", master_name="b"})");
  };
  know("a");
  EXPECT_TRUE(details.sentinel_moved());
  redis::Questions questions(names);
  details.ask_about_primaries(questions);
  EXPECT_EQ(questions.list().size(), 3U);
  EXPECT_FALSE(details.sentinel_moved());
  know("b");
  EXPECT_TRUE(details.sentinel_moved());
  EXPECT_FALSE(replicas());
  details.ask_about_primaries(questions);
  EXPECT_TRUE(replicas());
}

struct SentinelServer {
  SentinelServer(std::uint16_t primary, int quorum)
      : config(
            dir.write("sentinel.conf", "port " + std::to_string(port) +
                                           "\nbind 127.0.0.1\nprotected-mode no\nsentinel monitor mymaster 127.0.0.1 " +
                                           std::to_string(primary) + " " + std::to_string(quorum) + "\n")),
        child({"redis-server", config, "--sentinel", "--dir", dir.path()}) {
    child.wait_for_port(port);
  }
  test::TempDir dir;
  std::uint16_t port = test::free_port();
  std::string config;
  test::Child child;
};

TEST(RedisSentinel, IsAskedWhatItWatches) {
  const RedisServer primary;
  const RedisServer replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())});
  ASSERT_TRUE(test::wait_until([&] {
    return primary.cli({"INFO", "replication"}).find("state=online") != std::string::npos;
  }));
  SentinelServer sentinel(primary.port(), 1);
  RedisProbe probe(RedisProbe::to(sentinel.port));
  const std::string address = "127.0.0.1:" + std::to_string(primary.port());
  const std::string of = "{master_address=\"" + address + "\", master_name=\"mymaster\"}";
  const bool seen = test::wait_until([&] {
    const auto observation = probe();
    EXPECT_EQ(observation.outcome, core::Outcome::ok) << observation.detail;
    return probe.values["redis_sentinel_master_ok_slaves" + of] == 1 &&
           probe.values["redis_sentinel_master_slaves" + of] == 1;
  });
  ASSERT_TRUE(seen);
  EXPECT_EQ(probe.values.at("redis_up"), 1);
  EXPECT_EQ(probe.values.at("redis_sentinel_masters"), 1);
  EXPECT_EQ(probe.values.at("redis_sentinel_tilt"), 0);
  EXPECT_EQ(probe.values.at("redis_sentinel_running_scripts"), 0);
  EXPECT_EQ(probe.values.at("redis_sentinel_master_ok_sentinels" + of), 1);
  EXPECT_EQ(probe.values.at("redis_sentinel_master_sentinels" + of), 1);
  EXPECT_EQ(probe.values.at("redis_sentinel_master_setting_ckquorum" + of), 1);
  EXPECT_EQ(probe.values.at("redis_sentinel_master_setting_down_after_milliseconds" + of), 30000);
  EXPECT_EQ(probe.values[probe.find("redis_sentinel_master_ckquorum_status{master_name=\"mymaster\", message=\"OK 1")],
            1);
  EXPECT_EQ(probe.values[probe.find("redis_sentinel_master_status{master_address=\"" + address)], 1);
  EXPECT_EQ(probe.find("redis_errors_total{"), "") << "nothing was asked that a Sentinel does not know";

  // One more is watched from now on, with a quorum out of reach.
  test::Child client({"redis-cli", "-p", std::to_string(sentinel.port), "SENTINEL", "MONITOR", "second", "127.0.0.1",
                      std::to_string(replica.port()), "2"});
  static_cast<void>(client.wait_exit());
  ASSERT_EQ(probe().outcome, core::Outcome::ok);
  EXPECT_EQ(probe.values.at("redis_sentinel_masters"), 2);
  const auto no_quorum = probe.find("redis_sentinel_master_ckquorum_status{master_name=\"second\", message=\"NOQUORUM");
  ASSERT_NE(no_quorum, "");
  EXPECT_EQ(probe.values.at(no_quorum), 0);
  EXPECT_EQ(probe.values.at(R"(tocsin_redis_command_available{command="SENTINEL CKQUORUM"})"), 1);
}

}  // namespace
}  // namespace tocsin::probes
