// rules/packs/kafka.yml on samples made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

const std::string pack = TOCSIN_SOURCE_DIR "/rules/packs/kafka.yml";

std::string cluster(const std::string& name, const std::string& more = "") {
  return name + R"({instance="confluent",job="messages")" + more + "}";
}
std::string group(const std::string& name, const std::string& more = "") {
  return cluster(name, R"(,consumergroup="billing")" + more);
}

TEST(KafkaPack, AlertsFire) {
  test::expect_agreement(
      pack,
      {
          {"KafkaClusterDown", {{cluster("kafka_up"), 0}}},
          {"KafkaBrokerGone", {{cluster("kafka_brokers"), 3, 0, 210, 2}}},
          {"KafkaPartitionsOffline", {{cluster("tocsin_kafka_offline_partitions"), 2}}},
          {"KafkaPartitionsUnderReplicated", {{cluster("tocsin_kafka_under_replicated_partitions"), 5}}},
          {"KafkaConsumerGroupLate", {{group("kafka_consumergroup_max_lag_seconds"), 400, 7}}},
          {"KafkaConsumerGroupStuck",
           {{group("tocsin_kafka_consumergroup_stalled_seconds"), 500, 7}, {group("kafka_consumergroup_members"), 2}}},
          {"KafkaConsumerGroupDeserted",
           {{group("tocsin_kafka_consumergroup_stalled_seconds"), 700, 7}, {group("kafka_consumergroup_members"), 0}}},
          {"KafkaConsumerGroupAbsent", {{group("tocsin_kafka_consumergroup_present"), 0}}},
      });
}

TEST(KafkaPack, IsQuietWhileAllIsWell) {
  const test::Scenario well{"",
                            {{cluster("kafka_up"), 1},
                             {cluster("kafka_brokers"), 3},
                             {cluster("tocsin_kafka_offline_partitions"), 0},
                             {cluster("tocsin_kafka_under_replicated_partitions"), 0},
                             {group("kafka_consumergroup_max_lag_seconds"), 20},
                             {group("tocsin_kafka_consumergroup_stalled_seconds"), 30},
                             {group("tocsin_kafka_consumergroup_present"), 1},
                             {group("kafka_consumergroup_members"), 2}}};
  for (const auto& [name, alerts] : test::play(well, tocsin::test::read_text(pack)))
    EXPECT_TRUE(alerts.empty()) << name;
}

}  // namespace
}  // namespace tocsin::rules
