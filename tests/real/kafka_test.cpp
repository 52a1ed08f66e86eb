// A Kafka cluster in the real daemon: on its page, in its rules, and when it dies.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "real/house.hpp"
#include "support/kafka.hpp"
#include "support/kafka_client.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

class Kafka : public KafkaTest {};

TEST_F(Kafka, IsProbedWatchedAndJudged) {
  KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 1);
  client.produce("orders", 0, 9);
  client.commit("shop", "orders", {{0, 4}});
  Tocsin tocsin(fmt::format(R"(global: {{probe_interval: 20s, probe_timeout: 5s, confirm: 100ms}}
probes:
  - job: messages
    kind: kafka
    name: main
    brokers: ['{}']
    consumer_groups: [billing, shop]
    metric_names: [kafka_exporter, burrow_exporter, grafana]
)",
                            brokers.bootstrap()));
  tocsin.wait_ready();
  ASSERT_TRUE(wait_until([&] { return tocsin.query("kafka_brokers{instance=\"main\"}") == 1; }));
  EXPECT_EQ(tocsin.query("tocsin_kafka_consumergroup_present{consumergroup=\"billing\"}"), 0);
  // Whosever names are asked for, from one look.
  EXPECT_EQ(tocsin.query("kafka_consumergroup_lag{consumergroup=\"shop\"}"), 5);
  EXPECT_EQ(tocsin.query("kafka_consumergroup_uncommitted_offsets{consumergroup=\"shop\"}"), 5);
  EXPECT_EQ(tocsin.query("kafka_burrow_partition_current_offset{group=\"shop\",cluster=\"main\"}"), 4);
  EXPECT_TRUE(wait_until([&] { return tocsin.metric("kafka_brokers{instance=\"main\",job=\"messages\"}") == 1; }));
  EXPECT_THAT(http(tocsin.port(), "/metrics").body, testing::HasSubstr("# TYPE kafka_brokers gauge\n"));
  // The next probe is 20 s away: it is the watched connection that tells.
  brokers.kill();
  const auto killed = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_until([&] { return tocsin.query("count(ALERTS{alertname=\"KafkaClusterDown\"})") == 1; }));
  EXPECT_LT(std::chrono::steady_clock::now() - killed, 5s);
}

TEST_F(Kafka, IsProbedOnceFromTheCommandLine) {
  const KafkaBrokers brokers;
  const TempDir folder;
  const std::string config =
      folder.write("t.yml", fmt::format("probes: [{{job: messages, targets: ['kafka://{}']}}]\n", brokers.bootstrap()));
  const auto [status, output] = run_tocsin({"probe", "--config", config, "messages"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, testing::HasSubstr("kafka_up{"));
}

}  // namespace
}  // namespace tocsin::test
