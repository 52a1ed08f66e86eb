// Replies to what is asked besides INFO, and what becomes of them.
#include "redis/details.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "probes/redis_texts.hpp"
#include "redis/metrics.hpp"

namespace tocsin::probes::redis {
namespace {

using test::bulk;
using test::integer;
using test::list;
using test::ReplyOf;
using namespace std::chrono_literals;

constexpr core::TimePoint asked_at = core::from_millis(1'800'000'000'000);

struct Talk {
  void answer(Question question, const std::string& bytes, std::uint16_t number = 0) {
    const ReplyOf reply(bytes);
    details.answered({question, number}, *reply);
  }
  test::Values values(const InfoReader::Facts& facts = {}) {
    table.begin();
    details.append(table, facts);
    const auto batch = table.take();
    const auto found = test::values(table, batch);
    EXPECT_EQ(found.size(), batch.rows.size()) << "two samples of one series";
    return found;
  }
  CommandNames names;
  RedisLimits limits;
  Details details{core::Labels{}, names, limits, true};
  core::SeriesTable table;
};

TEST(RedisDetails, LatencyEventsAreNamed) {
  Talk talk;
  const auto event = [](const char* name, int when, int latest, int most) {
    return list({bulk(name), integer(when), integer(latest), integer(most)});
  };
  talk.answer(Question::latency_latest, list({event("command", 1'405'067'976, 251, 1001), event("fork", 5, 7, 7)}));
  auto found = talk.values();
  EXPECT_EQ(found.at(R"(redis_latency_spike_last{event_name="command"})"), 1'405'067'976);
  EXPECT_EQ(found.at(R"(redis_latency_spike_duration_seconds{event_name="command"})"), 0.251);
  EXPECT_EQ(found.at(R"(redis_latency_spike_duration_seconds{event_name="fork"})"), 0.007);
  EXPECT_EQ(found.at(R"(tocsin_redis_command_available{command="LATENCY LATEST"})"), 1);
  talk.answer(Question::latency_latest, list({}));  // LATENCY RESET
  found = talk.values();
  EXPECT_FALSE(found.contains(R"(redis_latency_spike_last{event_name="command"})"));
}

std::string histogram(const std::string& command, int calls, const std::vector<std::pair<int, int>>& buckets) {
  std::vector<std::string> numbers;
  for (const auto& [bound, count] : buckets) numbers.insert(numbers.end(), {integer(bound), integer(count)});
  return bulk(command) + list({bulk("calls"), integer(calls), bulk("histogram_usec"), list(numbers)});
}

TEST(RedisDetails, HistogramsAreAsPrometheusHasThem) {
  Talk talk;
  const std::string reply = "*4\r\n" + histogram("set", 100'000, {{1, 99'583}, {2, 99'852}, {1'082'130, 100'000}}) +
                            histogram("config|get", 1, {{33, 1}});
  talk.answer(Question::latency_histogram, reply);
  EXPECT_TRUE(talk.details.histograms_changed());
  EXPECT_FALSE(talk.details.histograms_changed());
  EXPECT_EQ(talk.details.histograms(), (std::vector<std::string>{"set", "config|get"}));
  for (int i = 0; i < 2; ++i) {
    const auto found = talk.values();
    EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_bucket{cmd="set", le="1"})"), 99'583);
    EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_bucket{cmd="set", le="1.08213e+06"})"), 100'000);
    EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_bucket{cmd="set", le="+Inf"})"), 100'000);
    EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_count{cmd="set"})"), 100'000);
    EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_bucket{cmd="config|get", le="33"})"), 1);
    EXPECT_EQ(found.size(), 9U);
    talk.answer(Question::latency_histogram, reply);
    EXPECT_FALSE(talk.details.histograms_changed());
  }
}

TEST(RedisDetails, TheSumOfAHistogramComesFromInfo) {
  InfoReader info{core::Labels{}};
  const auto read = [&info](int usec) {
    core::SeriesTable table;
    table.begin();
    EXPECT_TRUE(info.read("# Commandstats\r\ncmdstat_set:calls=2,usec=" + std::to_string(usec) +
                              ",usec_per_call=1.0\r\ncmdstat_get:calls=2,usec=9,usec_per_call=1.0\r\n",
                          asked_at, 1, table));
    return test::values(table, table.take());
  };
  EXPECT_FALSE(read(5).contains(R"(redis_commands_latencies_usec_sum{cmd="set"})"));
  const std::vector<std::string> commands{"set"};
  info.has_histograms(commands);
  EXPECT_EQ(read(5).at(R"(redis_commands_latencies_usec_sum{cmd="set"})"), 5);
  EXPECT_EQ(read(7).at(R"(redis_commands_latencies_usec_sum{cmd="set"})"), 7);
  EXPECT_FALSE(read(7).contains(R"(redis_commands_latencies_usec_sum{cmd="get"})"));
}

TEST(RedisDetails, TheSlowLog) {
  Talk talk;
  talk.answer(Question::slowlog_len, integer(0));
  talk.answer(Question::slowlog_get, list({}));
  auto found = talk.values();
  EXPECT_EQ(found.at("redis_slowlog_length"), 0);
  EXPECT_EQ(found.at("redis_slowlog_last_id"), 0);
  EXPECT_EQ(found.at("redis_last_slow_execution_duration_seconds"), 0);
  talk.answer(Question::slowlog_len, integer(128));
  talk.answer(Question::slowlog_get, list({list({integer(14), integer(1'309'448'221), integer(15'000),
                                                 list({bulk("ping")}), bulk("127.0.0.1:58217"), bulk("worker")})}));
  found = talk.values();
  EXPECT_EQ(found.at("redis_slowlog_length"), 128);
  EXPECT_EQ(found.at("redis_slowlog_last_id"), 14);
  EXPECT_EQ(found.at("redis_last_slow_execution_duration_seconds"), 0.015);
  talk.details.refused({Question::slowlog_len}, "NOPERM");
  talk.details.refused({Question::slowlog_get}, "NOPERM");
  found = talk.values();
  EXPECT_FALSE(found.contains("redis_slowlog_length"));
  EXPECT_EQ(found.at(R"(tocsin_redis_command_available{command="SLOWLOG LEN"})"), 0);
}

TEST(RedisDetails, ValkeysThreeLogs) {
  Talk talk;
  talk.answer(Question::commandlog_slow, integer(3));
  talk.answer(Question::commandlog_request, integer(4));
  talk.answer(Question::commandlog_reply, integer(5));
  const auto found = talk.values();
  EXPECT_EQ(found.at("redis_commandlog_slow_length"), 3);
  EXPECT_EQ(found.at("redis_commandlog_large_request_length"), 4);
  EXPECT_EQ(found.at("redis_commandlog_large_reply_length"), 5);
}

TEST(RedisDetails, NonsenseGivesNothing) {
  for (const std::string reply :
       {"$-1\r\n", "+OK\r\n", ":1\r\n", "*1\r\n:1\r\n", "*2\r\n$1\r\na\r\n*1\r\n*0\r\n", "*1\r\n*0\r\n"}) {
    Talk talk;
    for (std::uint8_t i = 2; i < 15; ++i) talk.answer(static_cast<Question>(i), reply);
    static_cast<void>(talk.values());
  }
}

TEST(RedisDetails, WhatIsSaidTwiceCountsOnce) {
  Talk talk;
  talk.answer(Question::latency_latest, list({list({bulk("a"), integer(1), integer(1), integer(1)}),
                                              list({bulk("a"), integer(2), integer(2), integer(2)})}));
  talk.answer(Question::latency_histogram,
              "*4\r\n" + histogram("set", 1, {{1, 1}, {1, 2}}) + histogram("set", 7, {{1, 7}}));
  auto found = talk.values();
  EXPECT_EQ(found.at(R"(redis_latency_spike_last{event_name="a"})"), 1);
  EXPECT_EQ(found.at(R"(redis_commands_latencies_usec_bucket{cmd="set", le="1"})"), 1);
  // Two series that change places, and one that takes another's.
  for (const char* first : {"a", "b", "c", "a"}) {
    talk.answer(Question::latency_latest, list({list({bulk(first), integer(1), integer(1), integer(1)}),
                                                list({bulk("b"), integer(2), integer(2), integer(2)})}));
    found = talk.values();
    EXPECT_EQ(found.at("redis_latency_spike_last{event_name=\"" + std::string(first) + "\"}"), 1);
  }
}

TEST(RedisDetails, BoundsWhatAServerSays) {
  Talk talk;
  std::string reply = "*6000\r\n";
  for (int i = 0; i < 3'000; ++i) reply += histogram("command" + std::to_string(i), 1, {{1, 1}});
  talk.answer(Question::latency_histogram, reply);
  EXPECT_LE(talk.values().size(), 3'001U);
  std::vector<std::string> events;
  for (int i = 0; i < 3'000; ++i) events.push_back(list({bulk(std::to_string(i)), integer(1), integer(1), integer(1)}));
  talk.answer(Question::latency_latest, list(events));
  EXPECT_LE(talk.values().size(), 3'600U);
}

TEST(RedisDetails, AsksWhatSuitsTheServer) {
  const auto asked = [](std::string_view info, bool connected = true) {
    const CommandNames names;
    Details details(core::Labels{}, names, {}, true);
    details.begin(asked_at, false);
    std::string all;
    for (const Question question : details.wanted(describe(info), connected)) {
      all += std::string(to_string(question)) + ", ";
    }
    return all;
  };
  const std::string logs = "SLOWLOG LEN, SLOWLOG GET, ";
  EXPECT_EQ(asked("redis_version:5.0.14\r\n"), "CONFIG GET, LATENCY LATEST, " + logs);
  EXPECT_EQ(asked("redis_version:7.0.15\r\n"), "CONFIG GET, LATENCY LATEST, LATENCY HISTOGRAM, " + logs);
  EXPECT_EQ(asked("redis_version:8.0.1\r\ncluster_enabled:1\r\n"),
            "CONFIG GET, CLUSTER INFO, LATENCY LATEST, LATENCY HISTOGRAM, " + logs);
  EXPECT_EQ(asked("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n"),
            "CONFIG GET, LATENCY LATEST, LATENCY HISTOGRAM, " + logs +
                "COMMANDLOG LEN slow, COMMANDLOG LEN large-request, COMMANDLOG LEN large-reply, ");
  EXPECT_EQ(asked("redis_version:7.2.4\r\nvalkey_version:8.0.3\r\n").find("COMMANDLOG"), std::string::npos);
  EXPECT_EQ(asked("redis_version:7.4.0\r\ndragonfly_version:df-v1.27.1\r\n"), "CONFIG GET, " + logs);
  EXPECT_EQ(asked("redis_version:7.0.15\r\nredis_mode:sentinel\r\n"), "SENTINEL MASTERS, ");
  EXPECT_EQ(
      asked("redis_version:9.1.0\r\nvalkey_version:9.1.0\r\ncluster_enabled:1\r\ncluster_state:ok\r\n").find("CLUSTER"),
      std::string::npos)
      << "its INFO has it";
  EXPECT_EQ(asked("redis_version:2.0\r\n"), "CONFIG GET, ");
  EXPECT_EQ(asked("connected_clients:7\r\n"), "") << "who knows what it is";
  EXPECT_EQ(asked("redis_version:x\r\n"), "");
}

TEST(RedisDetails, AsksARefusedCommandLessAndLess) {
  const CommandNames names{{"slowlog", ""}};
  Details details(core::Labels{}, names, {}, false);
  const Server server = describe("redis_version:7.0.15\r\n");
  const auto asks = [&](core::TimePoint at, bool fresh) {
    details.begin(at, fresh);
    const auto wanted = details.wanted(server, false);
    return std::ranges::find(wanted, Question::latency_latest) != wanted.end();
  };
  EXPECT_TRUE(asks(asked_at, false));
  details.refused({Question::latency_latest}, "ERR unknown command");
  EXPECT_FALSE(asks(asked_at + 1h, false));
  int count = 0;
  for (auto at = asked_at; at < asked_at + 24h; at += 5min) {
    if (!asks(at, true)) continue;
    ++count;
    details.refused({Question::latency_latest}, "ERR unknown command");
  }
  EXPECT_GE(count, 24);
  EXPECT_LE(count, 28);
  const auto wanted = details.wanted(server, true);
  EXPECT_EQ(std::ranges::count(wanted, Question::slowlog_len), 0) << "it was turned off by its name";
  EXPECT_EQ(std::ranges::count(wanted, Question::latency_histogram), 0) << "it was turned off";
  details.forget();
  EXPECT_TRUE(asks(asked_at, false)) << "another server";
}

TEST(RedisDetails, AsksConfigOnceAMinute) {
  Talk talk;
  const Server server = describe("redis_version:7.0.15\r\n");
  const auto asks = [&](core::TimePoint at, bool connected) {
    talk.details.begin(at, false);
    return std::ranges::count(talk.details.wanted(server, connected), Question::config) == 1;
  };
  EXPECT_TRUE(asks(asked_at, false));
  talk.answer(Question::config, list({bulk("databases"), bulk("7")}));
  EXPECT_EQ(talk.details.databases(), 7U);
  EXPECT_FALSE(asks(asked_at + 59s, false));
  EXPECT_TRUE(asks(asked_at + 59s, true));
  EXPECT_TRUE(asks(asked_at + 60s, false));
}

struct LimitCase {
  std::string info;
  std::string config;
  double memory, clients;
};

TEST(RedisDetails, LimitsStandForWhatTheServerDoesNotTell) {
  const LimitCase cases[] = {
      {"maxmemory:0\r\nmaxclients:0\r\n", list({}), 1000, 50},
      {"maxmemory:70\r\nmaxclients:9\r\n", list({}), 70, 9},
      {"maxmemory:0\r\nmax_clients:64000\r\n", list({}), 1000, 64000},
      {"a:1\r\n", list({}), 1000, 50},
      {"a:1\r\n", list({bulk("maxmemory"), bulk("80"), bulk("maxclients"), bulk("8")}), 80, 8},
      {"a:1\r\n", list({bulk("maxmemory"), bulk("0"), bulk("maxclients"), bulk("0")}), 1000, 50},
  };
  for (const LimitCase& c : cases) {
    const CommandNames names;
    const RedisLimits limits{1000, 50, 300};
    Details details(core::Labels{}, names, limits, true);
    InfoReader info(core::Labels{}, limits);
    const ReplyOf config(c.config);
    details.answered({Question::config}, *config);
    for (int i = 0; i < 2; ++i) {
      core::SeriesTable table;
      table.begin();
      ASSERT_TRUE(info.read(c.info, asked_at, 1, table));
      details.append(table, info.facts());
      const auto batch = table.take();
      const auto found = test::values(table, batch);
      EXPECT_EQ(found.size(), batch.rows.size()) << c.info;
      EXPECT_EQ(found.at("redis_memory_max_bytes"), c.memory) << c.info;
      EXPECT_EQ(found.at("redis_config_maxclients"), c.clients) << c.info;
      EXPECT_EQ(found.at("tocsin_limit_memory_bytes"), 1000);
      EXPECT_EQ(found.at("tocsin_limit_clients"), 50);
      EXPECT_EQ(found.at("tocsin_limit_network_bytes_per_second"), 300);
    }
  }
}

TEST(RedisDetails, EveryMetricHasItsTypeAndHelp) {
  Talk talk;
  talk.answer(Question::latency_latest, list({list({bulk("a"), integer(1), integer(1), integer(1)})}));
  talk.answer(Question::latency_histogram, "*2\r\n" + histogram("set", 1, {{1, 1}}));
  talk.answer(Question::slowlog_len, integer(0));
  talk.answer(Question::slowlog_get, list({}));
  talk.answer(Question::commandlog_slow, integer(0));
  talk.answer(Question::sentinel_masters,
              list({list({bulk("name"), bulk("m"), bulk("ip"), bulk("::1"), bulk("port"), bulk("6379"), bulk("quorum"),
                          bulk("2"), bulk("last-ok-ping-reply"), bulk("250")})}));
  const std::string suffixes[] = {"", "_bucket", "_count", "_sum"};
  for (const auto& [series, value] : talk.values()) {
    const std::string name = series.substr(0, series.find('{'));
    const bool known = std::ranges::any_of(all_metrics(), [&](const core::MetricMeta& meta) {
      return std::ranges::any_of(suffixes,
                                 [&](const std::string& end) { return std::string(meta.name) + end == name; });
    });
    EXPECT_TRUE(known) << name;
  }
}

}  // namespace
}  // namespace tocsin::probes::redis
