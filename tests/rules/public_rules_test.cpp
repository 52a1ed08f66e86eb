// Rules that people use, as they are: those for which we have the metrics fire on them, and Prometheus's tool agrees.
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

using test::Input;
using test::Scenario;

constexpr const char* one = R"({instance="10.0.0.1:6379",job="cache"})";
constexpr const char* two = R"({instance="10.0.0.2:6379",job="cache"})";

std::string of(const std::string& name, const std::string& labels = one) { return name + labels; }
std::string info(const std::string& host, const std::string& role) {
  return R"(redis_instance_info{instance=")" + host + R"(:6379",job="cache",role=")" + role +
         R"(",redis_version="7.0.15",redis_build_id="a",redis_mode="standalone",os="Linux",maxmemory_policy="noeviction",tcp_port="6379",)"
         R"(run_id="b",process_id="1",master_replid="c"})";
}
std::string web(const std::string& name, const std::string& more = "") {
  return name + R"({instance="https://example.org/",job="web")" + more + "}";
}

TEST(PublicRules, RedisRulesFire) {
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/oliver006-redis-exporter.yml",
      {
          {"RedisDown", {{of("redis_up"), 0}, {of("redis_up", two), 1}}},
          {"RedisMissingMaster", {{info("10.0.0.1", "slave"), 1}}},
          {"RedisTooManyMasters", {{info("10.0.0.1", "master"), 1}, {info("10.0.0.2", "master"), 1}}},
          {"RedisDisconnectedSlaves",
           {{of("redis_connected_slaves"), 1},
            {of("redis_connected_slaves", two), 0},
            {of("redis_connected_slaves", R"({instance="c:1",job="cache"})"), 0}}},
          {"RedisReplicationBroken", {{of("redis_connected_slaves"), 2, 0, 400, 1}}},
          {"RedisClusterFlapping", {{of("redis_connected_slaves"), 1, 1}}},
          {"RedisMissingBackup", {{of("redis_rdb_last_save_timestamp_seconds"), -200'000}}},
          {"RedisOutOfSystemMemory",
           {{of("redis_memory_used_bytes"), 95e8}, {of("redis_total_system_memory_bytes"), 1e10}}},
          {"RedisOutOfConfiguredMaxmemory", {{of("redis_memory_used_bytes"), 95}, {of("redis_memory_max_bytes"), 100}}},
          {"RedisTooManyConnections", {{of("redis_connected_clients"), 95}, {of("redis_config_maxclients"), 100}}},
          {"RedisNotEnoughConnections", {{of("redis_connected_clients"), 4}}},
          {"RedisRejectedConnections", {{of("redis_rejected_connections_total"), 10, 3}}},
      });
}

TEST(PublicRules, BlackboxRulesFire) {
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/blackbox-exporter.yml",
      {
          {"BlackboxProbeFailed", {{web("probe_success"), 0}}},
          {"BlackboxConfigurationReloadFailure",
           {{"blackbox_exporter_config_last_reload_successful{instance=\"a\",job=\"b\"}", 0}}},
          {"BlackboxSlowProbe", {{web("probe_duration_seconds"), 1.5}}},
          {"BlackboxProbeHttpFailure", {{web("probe_http_status_code"), 503}}},
          {"BlackboxSslCertificateWillExpireSoon", {{web("probe_ssl_earliest_cert_expiry"), 864'000}}},
          {"BlackboxSslCertificateWillExpireVerySoon", {{web("probe_ssl_earliest_cert_expiry"), 100'000}}},
          {"BlackboxSslCertificateExpired", {{web("probe_ssl_earliest_cert_expiry"), -10'000}}},
          {"BlackboxProbeSlowHttp",
           {{web("probe_http_duration_seconds", ",phase=\"transfer\""), 1.25},
            {web("probe_http_duration_seconds", ",phase=\"tls\""), 0.1}}},
          {"BlackboxProbeSlowPing", {{web("probe_icmp_duration_seconds", ",phase=\"rtt\""), 2}}},
      });
}

}  // namespace
}  // namespace tocsin::rules
