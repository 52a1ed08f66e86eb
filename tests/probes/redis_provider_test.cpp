// Servers that cannot be had here, played from what they print and refuse: each is asked what suits it, and no more.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>

#include "probes/redis_probe.hpp"
#include "probes/redis_texts.hpp"
#include "support/fake_peer.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using test::bulk;
using test::integer;
using test::list;
using test::redis_text;
using test::RedisProbe;

/// Answers commands from a table of what is said to which; INFO with a recorded text, all else as unknown.
class Provider {
 public:
  Provider(const std::string& text, std::map<std::string, std::string> answers)
      : info_(bulk(redis_text(text))),
        answers_(std::move(answers)),
        peer_([this](test::FakeConnection& connection) { serve(connection); }) {}
  [[nodiscard]] std::uint16_t port() const { return peer_.port(); }
  [[nodiscard]] int refused() {
    const std::scoped_lock lock(mutex_);
    return refused_;
  }
  [[nodiscard]] int asked(const std::string& command) {
    const std::scoped_lock lock(mutex_);
    return asked_[command];
  }

 private:
  void serve(test::FakeConnection& connection) {
    while (true) {
      const std::string count = connection.read_until("\r\n");
      if (count.empty()) return;
      std::string command;
      for (int i = 0; i < std::stoi(count.substr(1)); ++i) {
        const auto size = std::stoul(connection.read_until("\r\n").substr(1));
        command += (i == 0 ? "" : " ") + connection.read(size + 2).substr(0, size);
      }
      connection.send(answer(command));
    }
  }
  std::string answer(const std::string& command) {
    const std::scoped_lock lock(mutex_);
    ++asked_[command];
    if (command == "INFO ALL") return info_;
    for (const auto& [beginning, reply] : answers_) {
      if (!command.starts_with(beginning)) continue;
      if (reply.starts_with("-")) ++refused_;
      return reply;
    }
    ++refused_;
    return "-ERR unknown command '" + command.substr(0, command.find(' ')) + "', with args beginning with: \r\n";
  }

  std::mutex mutex_;
  int refused_ = 0;
  std::map<std::string, int> asked_;
  std::string info_;
  std::map<std::string, std::string> answers_;
  test::FakePeer peer_;
};

struct Case {
  std::string text;
  std::map<std::string, std::string> answers;
  RedisLimits limits;
  int refused;                           // commands, in ten probes
  std::map<std::string, double> values;  // that it must give
  std::vector<std::string> absent;
};

const std::string histogram = list({bulk("get"), list({bulk("calls"), integer(4), bulk("histogram_usec"),
                                                       list({integer(8), integer(1), integer(16), integer(4)})})});
const std::map<std::string, std::string> whole_redis{
    {"CONFIG GET", list({bulk("maxclients"), bulk("10000"), bulk("databases"), bulk("16"), bulk("io-threads"),
                         bulk("2"), bulk("commandlog-slow-execution-max-len"), bulk("128")})},
    {"LATENCY LATEST", list({})},
    {"LATENCY HISTOGRAM", histogram},
    {"SLOWLOG LEN", integer(1)},
    {"SLOWLOG GET 1", list({list({integer(3), integer(1'750'000'000), integer(20'000), list({bulk("keys")})})})},
    {"COMMANDLOG LEN slow", integer(1)},
    {"COMMANDLOG LEN large-request", integer(2)},
    {"COMMANDLOG LEN large-reply", integer(3)},
};

std::vector<Case> cases() {
  return {
      {"redis_8.0.txt",
       whole_redis,
       {},
       0,
       {{"redis_pubsub_clients", 1},
        {"redis_watching_clients", 2},
        {"redis_expired_subkeys_total", 5},
        {"redis_evicted_scripts_total", 7},
        {"redis_config_io_threads", 2},
        {R"(redis_db_keys{db="db0"})", 1},
        {"redis_slowlog_last_id", 3},
        {"redis_last_slow_execution_duration_seconds", 0.02}},
       {"redis_commandlog_slow_length"}},
      {"valkey_8.1.txt",
       whole_redis,
       {},
       0,
       {{"redis_commandlog_slow_length", 1},
        {"redis_commandlog_large_request_length", 2},
        {"redis_commandlog_large_reply_length", 3},
        {"redis_commandlog_slow_execution_max_len", 128},
        {R"(redis_commands_latencies_usec_bucket{cmd="get", le="16"})", 4},
        {R"(redis_commands_latencies_usec_sum{cmd="get"})", 44},
        {R"(redis_active_time_io_thread_seconds_total{thread="1"})", 0.5}},
       {}},
      {"keydb.txt",
       whole_redis,
       {},
       0,
       {{"redis_server_threads_total", 2}, {"redis_slowlog_length", 1}},
       {R"(redis_commands_latencies_usec_count{cmd="get"})"}},
      // CONFIG GET answers with nothing, which is no refusal; there is no LATENCY and no SLOWLOG.
      {"upstash.txt",
       {{"CONFIG GET", list({})},
        {"LATENCY", "-ERR Command is not available: 'LATENCY'. See https://docs.example/commands\r\n"},
        {"SLOWLOG", "-ERR Command is not available: 'SLOWLOG'. See https://docs.example/commands\r\n"}},
       {256.0 * 1024 * 1024, {}, 50.0 * 1024 * 1024},
       3,
       {{"redis_memory_max_bytes", 268435456},
        {"redis_config_maxclients", 1000},
        {"tocsin_limit_network_bytes_per_second", 52428800},
        {R"(tocsin_redis_command_available{command="CONFIG GET"})", 1},
        {R"(tocsin_redis_command_available{command="LATENCY LATEST"})", 0},
        {R"(tocsin_redis_command_available{command="SLOWLOG LEN"})", 0}},
       {"redis_slowlog_length", "redis_connected_slaves"}},
      {"dragonfly.txt",
       {{"CONFIG GET", list({bulk("maxmemory"), bulk("8589934592")})},
        {"SLOWLOG LEN", integer(0)},
        {"SLOWLOG GET", list({})}},
       {},
       0,
       {{"redis_config_maxclients", 64000}, {"redis_slowlog_length", 0}},
       {R"(tocsin_redis_command_available{command="LATENCY HISTOGRAM"})"}},
      {"dragonfly_replica.txt",
       {{"CONFIG GET", list({})}, {"SLOWLOG LEN", integer(0)}, {"SLOWLOG GET", list({})}},
       {},
       0,
       {{"redis_rdb_last_save_timestamp_seconds", 1750000000},
        {R"(redis_slave_info{master_host="10.0.0.6", master_port="6379", read_only="1"})", 1},
        {R"(redis_master_link_up{master_host="10.0.0.6", master_port="6379"})", 1}},
       {}},
      // CONFIG is hidden, and its INFO does not know maxclients: what is sold is configured.
      {"elasticache_5.0.txt",
       {{"CLUSTER INFO", bulk("cluster_state:ok\r\ncluster_slots_assigned:16384\r\n")},
        {"LATENCY LATEST", list({})},
        {"SLOWLOG LEN", integer(0)},
        {"SLOWLOG GET", list({})}},
       {{}, 65000, {}},
       1,
       {{"redis_config_maxclients", 65000},
        {"redis_memory_max_bytes", 436469760},
        {"redis_cluster_state", 1},
        {"tocsin_limit_clients", 65000},
        {R"(redis_db_keys{db="db0"})", 100},
        {R"(tocsin_redis_command_available{command="CONFIG GET"})", 0},
        {R"(tocsin_redis_command_available{command="CLUSTER INFO"})", 1}},
       {R"(redis_db_keys{db="db1"})", R"(tocsin_redis_command_available{command="LATENCY HISTOGRAM"})"}},
  };
}

TEST(RedisProvider, IsAskedWhatSuitsIt) {
  for (const Case& c : cases()) {
    Provider provider(c.text, c.answers);
    auto options = RedisProbe::to(provider.port());
    options.limits = c.limits;
    RedisProbe probe(options);
    for (int i = 0; i < 10; ++i) {
      const auto observation = probe();
      ASSERT_EQ(observation.outcome, Outcome::ok) << c.text << ": " << observation.detail;
    }
    EXPECT_EQ(provider.refused(), c.refused) << c.text;
    EXPECT_EQ(provider.asked("INFO ALL"), 10) << c.text;
    for (const auto& [series, value] : c.values) {
      ASSERT_TRUE(probe.has(series)) << c.text << ": " << series;
      EXPECT_EQ(probe.values.at(series), value) << c.text << ": " << series;
    }
    for (const std::string& series : c.absent) EXPECT_FALSE(probe.has(series)) << c.text << ": " << series;
  }
}

TEST(RedisProvider, ThatIsPaidByTheCommandIsAskedOneOnly) {
  Provider provider("upstash.txt", {});
  auto options = RedisProbe::to(provider.port());
  options.minimal = true;
  RedisProbe probe(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(probe().cost, 1U);
  EXPECT_EQ(provider.refused(), 0);
  EXPECT_EQ(provider.asked("INFO ALL"), 3);
  EXPECT_EQ(probe.values.at("redis_memory_max_bytes"), 268435456);
  EXPECT_EQ(probe.values.at("redis_config_maxclients"), 1000);
}

TEST(RedisProvider, RenamedCommandsAreAskedByTheirNames) {
  auto answers = whole_redis;
  answers.erase("CONFIG GET");
  answers["CONFIG-a1b2 GET"] = whole_redis.at("CONFIG GET");
  Provider provider("redis_8.0.txt", answers);
  auto options = RedisProbe::to(provider.port());
  options.commands = {{"config", "CONFIG-a1b2"}, {"slowlog", ""}};
  RedisProbe probe(options);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(provider.refused(), 0);
  EXPECT_EQ(probe.values.at("redis_config_io_threads"), 2);
  EXPECT_FALSE(probe.has("redis_slowlog_length")) << "turned off";
  EXPECT_EQ(provider.asked("SLOWLOG LEN"), 0);
}

TEST(RedisProvider, AnotherServerAtTheSameAddressIsMetAnew) {
  auto first = std::make_unique<Provider>("upstash.txt", std::map<std::string, std::string>{{"CONFIG GET", list({})}});
  const auto port = first->port();
  RedisProbe probe(RedisProbe::to(port));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at(R"(tocsin_redis_command_available{command="SLOWLOG LEN"})"), 0);
  first.reset();
  ASSERT_NE(probe().outcome, Outcome::ok);
  const test::RedisServer second({"--port", std::to_string(port)});
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.values.at(R"(tocsin_redis_command_available{command="SLOWLOG LEN"})"), 1);
  EXPECT_EQ(probe.values.at("redis_slowlog_length"), 0);
}

}  // namespace
}  // namespace tocsin::probes
