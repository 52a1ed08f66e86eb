// INFO texts in, samples out.
#include "redis/info.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <sstream>

#include "probes/redis_texts.hpp"
#include "redis/metrics.hpp"
#include "redis/number.hpp"
#include "redis/series.hpp"

namespace tocsin::probes::redis {
namespace {

using test::redis_text;
using test::Values;

constexpr core::TimePoint read_at = core::from_millis(1'800'000'000'500);

struct Reading {
  core::SeriesTable table;
  InfoReader reader{core::Labels{}};

  Values read(std::string_view text, core::TimePoint at = read_at, unsigned databases = 16) {
    table.begin();
    good = reader.read(text, at, databases, table);
    batch = table.take();
    return test::values(table, batch);
  }
  bool good = false;
  core::Batch batch;
};

Values read(std::string_view name, unsigned databases = 16) {
  Reading reading;
  auto found = reading.read(redis_text(name), read_at, databases);
  EXPECT_TRUE(reading.good) << name;
  return found;
}

TEST(RedisNumber, IsWhatFromCharsSays) {
  const std::string_view texts[] = {"0",
                                    "1",
                                    "-1",
                                    "10.5",
                                    "-0.25",
                                    "100.19",
                                    "123456789012345",
                                    "1234567890123456",
                                    "18446744073709551615",
                                    "0.1",
                                    "0.000007",
                                    "1e5",
                                    "1.5E-3",
                                    "2.",
                                    ".5",
                                    "nan",
                                    "-nan",
                                    "inf",
                                    "99.9",
                                    "1234567.8901234",
                                    "12345678901.23456",
                                    "9007199254740993",
                                    "-",
                                    "",
                                    "x",
                                    "1e999",
                                    "+1",
                                    "1.7976931348623157e308",
                                    "5e-324",
                                    "007",
                                    "-0"};
  for (const auto text : texts) {
    double expected = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), expected);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    const auto found = whole_number(text);
    ASSERT_EQ(found.has_value(), is_number) << text;
    if (found && expected == expected) {
      EXPECT_EQ(*found, expected) << text;
    }
  }
}

TEST(RedisNumber, RandomDecimalsAreRoundedAsFromCharsRoundsThem) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = std::to_string(random() >> (random() % 60));
    if (random() % 2 != 0) text.insert(random() % text.size() + 1, ".");
    double expected = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), expected).ptr;
    double value = 0;
    ASSERT_EQ(read_number(text.data(), text.data() + text.size(), value), end) << text;
    ASSERT_EQ(value, expected) << text;
  }
}

TEST(RedisInfo, EveryFieldOfTheContractBecomesItsMetric) {
  std::istringstream table(redis_text("fields.tsv"));
  std::string section, field, metric, type, value;
  std::string line;
  std::getline(table, line);
  std::size_t count = 0;
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::getline(columns, section, '\t');
    std::getline(columns, field, '\t');
    std::getline(columns, metric, '\t');
    columns >> type >> value;
    Reading reading;
    const auto found = reading.read("# " + section + "\r\n" + field + ":7\r\n");
    ASSERT_TRUE(found.contains(metric)) << field;
    EXPECT_EQ(found.at(metric), std::stod(value)) << field;
    const auto meta = std::ranges::find(all_metrics(), metric, &core::MetricMeta::name);
    ASSERT_NE(meta, all_metrics().end()) << metric;
    EXPECT_EQ(core::to_string(meta->type), type) << metric;
    EXPECT_FALSE(meta->help.empty()) << metric;
    ++count;
  }
  EXPECT_GT(count, 180U);
}

TEST(RedisInfo, MetadataNamesEachMetricOnce) {
  std::map<std::string_view, int> seen;
  for (const auto& meta : all_metrics()) EXPECT_EQ(++seen[meta.name], 1) << meta.name;
}

TEST(RedisInfo, ReadsAPrimaryOf70) {
  const auto found = read("redis_7.0_primary.txt");
  EXPECT_EQ(found.at("redis_uptime_in_seconds"), 2);
  EXPECT_EQ(found.at("redis_start_time_seconds"), 1'800'000'000 - 2);
  EXPECT_EQ(found.at("redis_connected_slaves"), 1);
  EXPECT_EQ(found.at("redis_total_system_memory_bytes"), 25276514304);
  EXPECT_EQ(found.at("redis_config_maxclients"), 10000);
  EXPECT_EQ(found.at("redis_max_clients"), 10000);
  EXPECT_EQ(found.at("redis_config_maxmemory"), 0);
  EXPECT_EQ(found.at("redis_memory_max_bytes"), 0);
  EXPECT_EQ(found.at("redis_rdb_last_bgsave_status"), 1);
  EXPECT_EQ(found.at("redis_cluster_enabled"), 0);
  EXPECT_EQ(
      found.at(R"(redis_connected_slave_offset_bytes{slave_ip="127.0.0.1", slave_port="16402", slave_state="online"})"),
      670);
  EXPECT_EQ(
      found.at(R"(redis_connected_slave_lag_seconds{slave_ip="127.0.0.1", slave_port="16402", slave_state="online"})"),
      1);
  EXPECT_EQ(found.at(R"(redis_db_keys{db="db0"})"), 5);
  EXPECT_EQ(found.at(R"(redis_db_keys_expiring{db="db0"})"), 5);
  EXPECT_EQ(found.at(R"(redis_db_keys{db="db3"})"), 5);
  EXPECT_EQ(found.at(R"(redis_db_keys{db="db15"})"), 0);
  EXPECT_FALSE(found.contains(R"(redis_db_keys{db="db16"})"));
  EXPECT_FALSE(found.contains(R"(redis_db_avg_ttl_seconds{db="db1"})"));
  EXPECT_EQ(found.at(R"(redis_commands_total{cmd="set"})"), 5);
  EXPECT_EQ(found.at(R"(redis_commands_total{cmd="config|get"})"), 5);
  EXPECT_EQ(found.at(R"(redis_commands_failed_calls_total{cmd="hget"})"), 5);
  EXPECT_EQ(found.at(R"(redis_commands_rejected_calls_total{cmd="hget"})"), 0);
  EXPECT_EQ(found.at(R"(redis_errors_total{err="WRONGTYPE"})"), 5);
  EXPECT_TRUE(found.contains(R"(redis_latency_percentiles_usec{cmd="set", quantile="99.9"})"));
  EXPECT_TRUE(found.contains(R"(redis_latency_percentiles_usec{cmd="set", quantile="50"})"));
  EXPECT_EQ(found.at(R"(redis_latency_percentiles_usec_count{cmd="set"})"), 5);
  EXPECT_DOUBLE_EQ(found.at(R"(redis_latency_percentiles_usec_sum{cmd="set"})"),
                   found.at(R"(redis_commands_duration_seconds_total{cmd="set"})") * 1e6);
  const auto info = found.lower_bound("redis_instance_info");
  EXPECT_EQ(info->first.find("redis_instance_info{"), 0U);
  EXPECT_EQ(info->second, 1);
  for (const std::string_view part :
       {R"(role="master")", R"(redis_version="7.0.15")", R"(redis_mode="standalone")", R"(tcp_port="16401")",
        R"(maxmemory_policy="noeviction")", R"(os="Linux 6.1.0-18-amd64 x86_64")",
        "run_id=", "process_id=", "master_replid=", "redis_build_id="}) {
    EXPECT_NE(info->first.find(part), std::string::npos) << part << " in " << info->first;
  }
  EXPECT_FALSE(found.contains("redis_slave_info")) << "primaries have none";
  EXPECT_GT(found.size(), 200U);
}

TEST(RedisInfo, ReadsAReplica) {
  const auto found = read("redis_7.0_replica.txt");
  EXPECT_EQ(found.at(R"(redis_slave_info{master_host="127.0.0.1", master_port="16401", read_only="1"})"), 1);
  EXPECT_EQ(found.at(R"(redis_master_link_up{master_host="127.0.0.1", master_port="16401"})"), 1);
  EXPECT_EQ(found.at(R"(redis_master_last_io_seconds_ago{master_host="127.0.0.1", master_port="16401"})"), 3);
  EXPECT_EQ(found.at(R"(redis_master_sync_in_progress{master_host="127.0.0.1", master_port="16401"})"), 0);
  EXPECT_EQ(found.at(R"(redis_slave_repl_offset{master_host="127.0.0.1", master_port="16401"})"), 1);
  EXPECT_EQ(found.at("redis_slave_priority"), 100);
}

TEST(RedisInfo, ReadsAnOldServer) {
  const auto found = read("redis_2.8.txt");
  EXPECT_EQ(found.at("redis_rdb_last_bgsave_status"), 0);
  EXPECT_EQ(found.at("redis_latest_fork_seconds"), 0.00025);
  EXPECT_EQ(found.at("redis_client_longest_output_list"), 3);
  EXPECT_EQ(found.at(R"(redis_db_avg_ttl_seconds{db="db0"})"), 2.5);
  EXPECT_EQ(found.at(R"(redis_commands_total{cmd="get"})"), 21);
  EXPECT_FALSE(found.contains(R"(redis_commands_failed_calls_total{cmd="get"})"));
  EXPECT_FALSE(found.contains("redis_config_maxclients")) << "its INFO does not tell";
}

TEST(RedisInfo, ReadsWhatSpeaksLikeRedis) {
  const auto upstash = read("upstash.txt");
  EXPECT_EQ(upstash.at("redis_memory_max_bytes"), 268435456);
  EXPECT_EQ(upstash.at("redis_config_maxclients"), 1000);
  EXPECT_EQ(upstash.at(R"(redis_db_keys_expiring{db="db0"})"), 3);
  EXPECT_FALSE(upstash.contains(R"(redis_db_avg_ttl_seconds{db="db0"})"));

  const auto dragonfly = read("dragonfly.txt");
  EXPECT_EQ(dragonfly.at("redis_config_maxclients"), 64000);
  EXPECT_EQ(dragonfly.at("redis_config_maxmemory"), 8589934592);
  EXPECT_EQ(dragonfly.at(
                R"(redis_connected_slave_lag_seconds{slave_ip="10.0.0.7", slave_port="6380", slave_state="online"})"),
            0);
  EXPECT_EQ(dragonfly.at("redis_cpu_user_seconds_total"), 2.25);

  const auto keydb = read("keydb.txt");
  EXPECT_EQ(keydb.at(R"(redis_master_link_up{master_host="kdb0.server.local", master_port="6377"})"), 1);
  EXPECT_EQ(keydb.at(R"(redis_master_link_up{master_host="kdb1.server.local", master_port="6378"})"), 0);
  EXPECT_EQ(keydb.at(R"(redis_master_last_io_seconds_ago{master_host="kdb1.server.local", master_port="6378"})"), 9);
  EXPECT_EQ(keydb.at(R"(redis_slave_repl_offset{master_host="kdb1.server.local", master_port="6378"})"), 200);
  EXPECT_EQ(keydb.at("redis_server_threads_total"), 2);
  EXPECT_EQ(keydb.at(R"(redis_db_keys_cached{db="db0"})"), 4);

  const auto valkey = read("valkey_9.1.txt");
  EXPECT_EQ(valkey.at(R"(redis_active_time_io_thread_seconds_total{thread="2"})"), 4.5);
  EXPECT_EQ(valkey.at("redis_cluster_enabled"), 1);
  EXPECT_EQ(valkey.at("redis_cluster_state"), 1);
  EXPECT_FALSE(valkey.contains(R"(redis_db_keys{db="db1"})")) << "a cluster has one database";
  const auto info = valkey.lower_bound("redis_instance_info");
  for (const std::string_view part :
       {R"(redis_mode="cluster")", R"(valkey_version="9.1.0")", R"(valkey_release_stage="ga")"}) {
    EXPECT_NE(info->first.find(part), std::string::npos) << part;
  }

  const auto sentinel = read("sentinel.txt");
  EXPECT_EQ(sentinel.at("redis_sentinel_masters"), 2);
  EXPECT_EQ(
      sentinel.at(
          R"(redis_sentinel_master_status{master_address="10.0.0.2:6379", master_name="other", master_status="odown"})"),
      0);
  EXPECT_EQ(sentinel.at(R"(redis_sentinel_master_sentinels{master_address="10.0.0.1:6379", master_name="mymaster"})"),
            3);
}

TEST(RedisInfo, ReadsClusterInfo) {
  const auto found = read("cluster_info.txt", 0);
  EXPECT_EQ(found.at("redis_cluster_state"), 0);
  EXPECT_EQ(found.at("redis_cluster_slots_fail"), 184);
  EXPECT_EQ(found.at("redis_cluster_messages_sent_total"), 1500);
  EXPECT_EQ(found.at("redis_cluster_stats_messages_ping_sent"), 1000) << "passes through under its own name";
  EXPECT_EQ(found.size(), 12U);
}

TEST(RedisInfo, TakesBareNewlinesAndAMissingLastOne) {
  Reading reading;
  const auto found = reading.read("# Server\nuptime_in_seconds:5\n# Clients\nconnected_clients:9");
  EXPECT_EQ(found.at("redis_connected_clients"), 9);
  EXPECT_EQ(found.at("redis_uptime_in_seconds"), 5);
}

TEST(RedisInfo, RefusesWhatHasNoFields) {
  for (const std::string_view text : {"", "\r\n", "OK", "# Server\r\n", ":::::", "hello world\r\n"}) {
    Reading reading;
    EXPECT_TRUE(reading.read(text).empty());
    EXPECT_FALSE(reading.good) << text;
  }
}

TEST(RedisInfo, GivesASeriesOneSampleWhateverTheServerRepeats) {
  Reading reading;
  const auto found = reading.read(
      "connected_clients:1\r\nconnected_clients:2\r\n# Errorstats\r\nerrorstat_A:count=1\r\nerrorstat_A:count=2\r\n");
  EXPECT_EQ(reading.batch.rows.size(), found.size());
  EXPECT_EQ(found.at("redis_connected_clients"), 1);
}

TEST(RedisInfo, LeavesOutWhatIsNoNumber) {
  Reading reading;
  const auto found = reading.read("connected_clients:many\r\nused_memory:\r\nblocked_clients:1 2\r\nmaxclients:5x\r\n");
  EXPECT_EQ(found.count("redis_connected_clients") + found.count("redis_memory_used_bytes") +
                found.count("redis_blocked_clients") + found.count("redis_max_clients"),
            0U);
}

TEST(RedisInfo, KeepsTheTargetsLabelsAndCleansTheServers) {
  core::SeriesTable table;
  InfoReader reader(core::Labels{{"job", "cache"}, {"err", "mine"}});
  table.begin();
  ASSERT_TRUE(reader.read("# Errorstats\r\nerrorstat_\xff\x41:count=1\r\n", read_at, 16, table));
  const auto found = test::values(table, table.take());
  EXPECT_EQ(found.at(R"(redis_errors_total{err="mine", exported_err="?A", job="cache"})"), 1);
}

TEST(RedisInfo, LabelTextIsShortUtf8) {
  EXPECT_EQ(label_text("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(label_text("\xc0\x80\xed\xa0\x80\xf5!\xe2\x82"),
            "?????"
            "?!?"
            "?");
  EXPECT_EQ(label_text(std::string(1000, 'a')).size(), 256U);
  EXPECT_EQ(label_text(std::string(255, 'a') + "\xc3\xbc").size(), 255U) << "no half characters";
}

TEST(RedisInfo, HoldsTheStartTimeThatOnlyRoundingMoves) {
  Reading reading;
  const std::string text = "# Server\r\nuptime_in_seconds:";
  EXPECT_EQ(reading.read(text + "100\r\n").at("redis_start_time_seconds"), 1'799'999'900);
  EXPECT_EQ(reading.read(text + "101\r\n").at("redis_start_time_seconds"), 1'799'999'900);
  EXPECT_EQ(reading.read(text + "99\r\n").at("redis_start_time_seconds"), 1'799'999'900);
  EXPECT_EQ(reading.read(text + "0\r\n").at("redis_start_time_seconds"), 1'800'000'000) << "a restart shows";
}

TEST(RedisInfo, BoundsTheSeriesOfOneServer) {
  std::string text = "# Commandstats\r\n";
  for (int i = 0; i < 30'000; ++i) text += "cmdstat_c" + std::to_string(i) + ":calls=1,usec=2,usec_per_call=2.00\r\n";
  core::SeriesTable table(25'000);
  InfoReader reader(core::Labels{});
  table.begin();
  EXPECT_TRUE(reader.read(text, read_at, 16, table));
  EXPECT_TRUE(reader.facts().cut);
  EXPECT_EQ(table.take().rows.size(), 20'000U);
}

TEST(RedisInfo, KnowsATextOfTheSameShape) {
  Reading reading;
  std::string text = redis_text("redis_7.0_primary.txt");
  static_cast<void>(reading.read(text));
  EXPECT_FALSE(reading.reader.was_familiar());
  const auto again = reading.read(text);
  EXPECT_TRUE(reading.reader.was_familiar());
  EXPECT_TRUE(reading.batch.fresh.empty());
  text.replace(text.find("connected_clients:"), 19, "connected_clients:98");
  EXPECT_EQ(reading.read(text).at("redis_connected_clients"), 98);
  EXPECT_TRUE(reading.reader.was_familiar());
  text.replace(text.find("role:master"), 11, "role:slave");
  EXPECT_TRUE(reading.read(text).contains("redis_slave_info"));
  EXPECT_FALSE(reading.reader.was_familiar()) << "its labels change";
  EXPECT_EQ(reading.read(text, read_at, 4).count(R"(redis_db_keys{db="db4"})"), 0U);
  EXPECT_FALSE(reading.reader.was_familiar()) << "another number of databases";
}

TEST(RedisInfo, FindsSlotsThatWereTakenForOthersMeanwhile) {
  core::SeriesTable table(1000, 2);
  InfoReader reader(core::Labels{});
  const std::string text = redis_text("upstash.txt");
  const auto read_once = [&] {
    table.begin();
    EXPECT_TRUE(reader.read(text, read_at, 16, table));
    return test::values(table, table.take());
  };
  const auto first = read_once();
  for (int round = 0; round < 5; ++round) {
    table.begin();
    for (int i = 0; i < 20; ++i)
      table.add(core::Labels{{"__name__", "other"}, {"n", std::to_string(round * 100 + i)}}, 1);
    static_cast<void>(table.take());
  }
  EXPECT_EQ(read_once(), first);
}

// Whatever the texts are: a reader that knows the shape of the one before gives what a new reader gives.
TEST(RedisInfo, TheFastWayGivesWhatTheSlowWayGives) {
  std::mt19937 random(42);
  const auto below = [&random](std::size_t n) { return n == 0 ? std::size_t{0} : random() % n; };
  const std::string_view pieces[] = {"0",
                                     "7",
                                     "99",
                                     "-1",
                                     ".",
                                     ",",
                                     "=",
                                     ":",
                                     "\r\n",
                                     "\n",
                                     "ok",
                                     "err",
                                     "x",
                                     " ",
                                     "nan",
                                     "1e3",
                                     "# Keyspace\r\n",
                                     "# Replication\r\n",
                                     "slave0:ip=1,port=2,state=online,offset=3,lag=4\r\n",
                                     "db7:keys=1,expires=2,avg_ttl=3\r\n",
                                     "cmdstat_x:calls=1,usec=2\r\n",
                                     "12345678901234567890"};
  std::size_t familiar = 0;
  for (const std::string_view name :
       {"redis_7.0_primary.txt", "redis_7.0_replica.txt", "keydb.txt", "valkey_9.1.txt", "sentinel.txt"}) {
    const std::string original = redis_text(name);
    Reading kept;
    std::string text = original;
    for (int i = 0; i < 400; ++i) {
      if (below(20) == 0) text = original;
      const std::size_t at = below(text.size());
      const std::size_t digit = std::min(text.find_first_of("0123456789", at), text.size() - 1);
      if (below(3) != 0) {
        text[digit] = static_cast<char>('0' + below(10));
      } else {
        text.replace(at, below(4), pieces[below(std::size(pieces))]);
      }
      Reading fresh;
      auto expected = fresh.read(text);
      auto found = kept.read(text);
      ASSERT_EQ(kept.good, fresh.good);
      expected.erase("redis_start_time_seconds");  // held over small changes
      found.erase("redis_start_time_seconds");
      ASSERT_EQ(found.size(), expected.size()) << text;
      for (auto a = expected.begin(), b = found.begin(); a != expected.end(); ++a, ++b) {
        ASSERT_EQ(a->first, b->first);
        if (a->second == a->second) {
          ASSERT_EQ(a->second, b->second) << a->first;
        }
      }
      familiar += kept.reader.was_familiar() ? 1 : 0;
    }
  }
  EXPECT_GT(familiar, 300U) << "the fast way is tested too";
}

TEST(RedisInfo, ServersOfOneVersionHaveTheirShapeInCommon) {
  const auto texts = std::make_shared<core::TextPool>();
  const auto server = [](int n, int keys) {
    const std::string id = std::to_string(n);
    return "# Server\r\nredis_version:7.0.15\r\nrun_id:run" + id + "\r\nuptime_in_seconds:" + id +
           "\r\n\r\n# Memory\r\nused_memory:1000\r\nmaxmemory:5\r\n\r\n# Keyspace\r\ndb0:keys=" + std::to_string(keys) +
           ",expires=0,avg_ttl=0\r\n";
  };
  std::vector<std::unique_ptr<InfoReader>> readers;
  std::vector<core::SeriesTable> tables(20);
  std::size_t of_one = 0;
  for (int n = 0; n < 20; ++n) {
    readers.push_back(
        std::make_unique<InfoReader>(core::Labels{{"instance", std::to_string(n)}}, RedisLimits{}, 20'000, texts));
    for (int keys = 1; keys < 3; ++keys) {
      tables[static_cast<std::size_t>(n)].begin();
      ASSERT_TRUE(readers.back()->read(server(n, keys), read_at, 16, tables[static_cast<std::size_t>(n)]));
      EXPECT_EQ(readers.back()->was_familiar(), keys == 2) << n;
      const auto batch = tables[static_cast<std::size_t>(n)].take();
      const auto keys_of = std::find_if(batch.rows.begin(), batch.rows.end(), [&](const core::Row& row) {
        const auto labels = tables[static_cast<std::size_t>(n)].labels(row.slot);
        return labels.metric_name() == "redis_db_keys" && labels.get("db") == "db0";
      });
      ASSERT_NE(keys_of, batch.rows.end());
      EXPECT_EQ(keys_of->value, keys);
    }
    if (n == 0) of_one = texts->size();
  }
  EXPECT_GT(of_one, 3U);
  EXPECT_LE(texts->size(), of_one + 19) << "the section that has the run's id, and no more";
}

}  // namespace
}  // namespace tocsin::probes::redis
