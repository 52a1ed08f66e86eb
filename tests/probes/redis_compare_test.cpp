// tocsin beside redis_exporter on the same servers: names, labels and types must be the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "probes/redis_probe.hpp"
#include "support/wait_until.hpp"

namespace tocsin::probes {
namespace {

using test::RedisProbe;
using test::RedisServer;

struct Exposition {
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;
};

/// Drops the labels without a value: to Prometheus they are not there.
std::string without_empty_labels(std::string series) {
  for (auto at = series.find("=\"\""); at != std::string::npos; at = series.find("=\"\"")) {
    const auto begin = series.find_last_of("{,", at) + 1;
    const bool more = series[at + 3] == ',';
    const std::size_t end = at + (more ? 4 : 3);
    series.erase(begin, end - begin);
    if (!more && series[begin - 1] == ',') series.erase(begin - 1, 1);
  }
  const auto none = series.find("{}");
  return none == std::string::npos ? series : series.substr(0, none);
}

Exposition parse(const std::string& text) {
  Exposition found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE redis_")) {
      const auto space = line.rfind(' ');
      found.types[line.substr(7, space - 7)] = line.substr(space + 1);
    } else if (line.starts_with("redis_")) {
      const auto space = line.rfind(' ');
      found.samples[without_empty_labels(line.substr(0, space))] = std::strtod(line.c_str() + space, nullptr);
    }
  }
  return found;
}

Exposition exporter(std::uint16_t server, const std::vector<std::string>& flags = {}) {
  const std::uint16_t port = test::free_port();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  std::vector<std::string> argv{
      "prometheus-redis-exporter", "-redis.addr", "redis://127.0.0.1:" + std::to_string(server),
      "-web.listen-address",       address,       "-redis-only-metrics",
      "-include-system-metrics"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  test::Child child(std::move(argv));
  child.wait_for_port(port);
  test::Child scrape({"curl", "-s", "http://" + address + "/metrics"});
  static_cast<void>(scrape.wait_exit());
  return parse(scrape.output());
}

/// Ours are printed with a space after the comma.
std::string as_exposed(std::string series) {
  for (auto at = series.find("\", "); at != std::string::npos; at = series.find("\", ")) series.erase(at + 2, 1);
  return series;
}

/// redis_exporter 1.45, the version of Debian 12, has one label less.
std::string as_debian_has_it(std::string series) {
  const auto begin = series.find("master_replid=");
  if (begin != std::string::npos) series.erase(begin, series.find(',', begin) + 1 - begin);
  return series;
}

std::string name_of(const std::string& series) { return series.substr(0, series.find('{')); }

/// What is not given, or with other labels: docs/compatibility.md has the reasons.
bool differs(const std::string& name) {
  return name == "redis_exporter_build_info" || name == "redis_last_key_groups_scrape_duration_milliseconds";
}

void compare(std::uint16_t server, const std::vector<std::string>& keys = {}) {
  std::vector<std::string> flags;
  for (const std::string& key : keys)
    flags.insert(flags.end(), {"-check-single-keys", key, "-check-single-streams", key});
  const auto theirs = exporter(server, flags);
  ASSERT_GT(theirs.samples.size(), 70U);
  auto options = RedisProbe::to(server);
  options.keys = keys;
  RedisProbe probe(options);
  ASSERT_TRUE(probe().good());
  std::map<std::string, double> ours;
  for (const auto& [series, value] : probe.values) ours[as_debian_has_it(as_exposed(series))] = value;

  std::set<std::string> missing;
  for (const auto& [series, value] : theirs.samples) {
    if (!ours.contains(series) && !differs(name_of(series))) missing.insert(series);
  }
  EXPECT_EQ(missing, std::set<std::string>{});

  std::map<std::string_view, std::string_view> types;
  for (const auto& meta : redis_metadata()) types[meta.name] = core::to_string(meta.type);
  for (const auto& [name, type] : theirs.types) {
    if (!differs(name) && name != "redis_expired_time_cap_reached_total") {  // a counter since
      EXPECT_EQ(types[name], type) << name;
    }
  }

  // Values that nothing changed between the two.
  for (const std::string name : {"redis_up",
                                 "redis_total_system_memory_bytes",
                                 "redis_memory_max_bytes",
                                 "redis_config_maxclients",
                                 "redis_config_maxmemory",
                                 "redis_max_clients",
                                 "redis_db_keys",
                                 "redis_db_keys_expiring",
                                 "redis_instance_info",
                                 "redis_slave_info",
                                 "redis_connected_slaves",
                                 "redis_replication_backlog_bytes",
                                 "redis_keyspace_hits_total",
                                 "redis_rdb_last_bgsave_status",
                                 "redis_slowlog_length",
                                 "redis_slowlog_last_id",
                                 "redis_last_slow_execution_duration_seconds",
                                 "redis_latency_spike_last",
                                 "redis_latency_spike_duration_seconds",
                                 "redis_key_size",
                                 "redis_stream_length",
                                 "redis_stream_groups",
                                 "redis_stream_last_generated_id",
                                 "redis_stream_group_consumers",
                                 "redis_stream_group_messages_pending",
                                 "redis_cluster_known_nodes",
                                 "redis_cluster_slots_ok",
                                 "redis_sentinel_master_ok_slaves",
                                 "redis_sentinel_master_ok_sentinels",
                                 "redis_sentinel_masters",
                                 "redis_sentinel_master_status",
                                 "redis_sentinel_master_slaves",
                                 "redis_sentinel_master_sentinels",
                                 "redis_target_scrape_request_errors_total",
                                 "redis_slave_priority",
                                 "redis_process_id",
                                 "redis_latest_fork_seconds"}) {
    for (auto it = theirs.samples.lower_bound(name); it != theirs.samples.end() && name_of(it->first) == name; ++it) {
      if (!keys.empty() && name == "redis_keyspace_hits_total") continue;  // looking at keys counts
      EXPECT_EQ(ours[it->first], it->second) << it->first;
    }
  }
}

TEST(RedisCompare, APrimaryAndItsReplicaLookAsRedisExporterShowsThem) {
  const RedisServer primary;
  const RedisServer replica({"--replicaof", "127.0.0.1", std::to_string(primary.port())});
  primary.cli({"SET", "a", "b", "EX", "1000"});
  primary.cli({"HGET", "a", "b"});
  primary.cli({"GET", "a"});
  primary.cli({"-n", "5", "LPUSH", "l", "1"});
  ASSERT_TRUE(test::wait_until([&] {
    return primary.cli({"INFO", "replication"}).find("state=online") != std::string::npos;
  }));
  compare(primary.port());
  compare(replica.port());
}

TEST(RedisCompare, SlowCommandsSpikesKeysAndStreamsToo) {
  // So slow that nothing else is, however busy the machine.
  const RedisServer server({"--slowlog-log-slower-than", "50000", "--latency-monitor-threshold", "50"});
  const std::vector<std::string> slow{"EVAL", "local x = 0 for i = 1, 2e7 do x = x + i end return 1", "0"};
  EXPECT_EQ(server.cli(slow), "1\n");
  server.cli({"RPUSH", "list", "1", "2"});
  server.cli({"XADD", "stream", "1638006862521-0", "f", "v"});
  server.cli({"XGROUP", "CREATE", "stream", "workers", "0"});
  server.cli({"SLOWLOG", "RESET"});
  server.cli(slow);
  ASSERT_EQ(server.cli({"SLOWLOG", "LEN"}), "1\n");
  compare(server.port(), {"db0=list"});
  compare(server.port(), {"db0=stream"});
}

TEST(RedisCompare, ASentinelLooksAsRedisExporterShowsIt) {
  const RedisServer primary;
  const test::TempDir dir;
  const std::uint16_t port = test::free_port();
  const std::string config = "port " + std::to_string(port) + "\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 " +
                             std::to_string(primary.port()) + " 1\n";
  test::Child sentinel({"redis-server", dir.write("sentinel.conf", config), "--sentinel", "--dir", dir.path()});
  sentinel.wait_for_port(port);
  compare(port);
}

TEST(RedisCompare, AClusterLooksAsRedisExporterShowsIt) {
  const RedisServer server({"--cluster-enabled", "yes"});
  compare(server.port());
}

}  // namespace
}  // namespace tocsin::probes
