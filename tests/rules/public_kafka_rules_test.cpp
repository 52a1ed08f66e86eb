// The public rules on Kafka, with the labels that our samples have: they fire, and Prometheus's tool agrees.
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

using test::Scenario;

std::string of_kafka(const std::string& name, const std::string& labels) {
  return name + R"({instance="messages",job="kafka",)" + labels + "}";
}

TEST(PublicRules, KafkaExporterRulesFire) {
  const auto in_sync = [](const std::string& partition) {
    return of_kafka("kafka_topic_partition_in_sync_replica", R"(topic="orders",partition=")" + partition + "\"");
  };
  const auto lag = [](const std::string& group, const std::string& partition) {
    return of_kafka("kafka_consumergroup_lag",
                    R"(consumergroup=")" + group + R"(",topic="orders",partition=")" + partition + "\"");
  };
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/danielqsj-kafka-exporter.yml",
      {
          {"KafkaTopicsReplicas", {{in_sync("0"), 3}, {in_sync("1"), 3, 0, 200, 2}}},
          {"KafkaConsumerGroupLag", {{lag("mail", "0"), 6000, 10}, {lag("mail", "1"), 4000}, {lag("shop", "0"), 9000}}},
      });
}

TEST(PublicRules, BurrowExporterRulesFire) {
  const auto end = [](const std::string& partition) {
    return of_kafka("kafka_burrow_topic_partition_offset",
                    R"(cluster="messages",topic="orders",partition=")" + partition + "\"");
  };
  const auto commit = [](const std::string& group, const std::string& partition) {
    return of_kafka("kafka_burrow_partition_current_offset",
                    R"(cluster="messages",group=")" + group + R"(",topic="orders",partition=")" + partition + "\"");
  };
  test::expect_agreement(
      TOCSIN_SOURCE_DIR "/tests/rules/public/linkedin-kafka-exporter.yml",
      {
          {"KafkaTopicOffsetDecreased",
           {{end("0"), 1000, 5}, {commit("shop", "0"), 900, 5, 399, 300}, {commit("mail", "0"), 1000, 5}}},
          // A quarter of an hour to look back on, and another for which it must hold.
          {"KafkaConsumerLag",
           {{end("0"), 1000, 50}, {commit("shop", "0"), 900, 20}, {end("1"), 500, 50}, {commit("shop", "1"), 500, 50}},
           2100},
      });
}

}  // namespace
}  // namespace tocsin::rules
