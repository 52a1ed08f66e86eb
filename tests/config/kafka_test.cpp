// What a job of a Kafka cluster may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

using probes::KafkaMechanism;
using probes::KafkaOptions;
using probes::KafkaSecurity;
using testing::ElementsAre;
using testing::HasSubstr;

struct LoadedCluster {
  std::optional<Config> config;
  std::string said;
};
LoadedCluster load_cluster(const std::string& more) {
  const test::TempDir dir;
  dir.write("ca.pem", "");
  core::Diagnostics diagnostics;
  const std::string text = "probes:\n  - job: messages\n    kind: kafka\n" + more;
  LoadedCluster loaded{load_config(dir.write("t.yml", text), {{}, true}, {}, diagnostics), {}};
  loaded.said = diagnostics.render();
  return loaded;
}
KafkaOptions options_of(const LoadedCluster& loaded) {
  EXPECT_TRUE(loaded.config) << loaded.said;
  if (!loaded.config) return {};
  EXPECT_EQ(loaded.config->targets.size(), 1U);
  return std::get<KafkaOptions>(*loaded.config->targets.at(0).options);
}

TEST(KafkaConfig, IsAClusterByItsBrokers) {
  const auto loaded = load_cluster(
      "    name: confluent\n    brokers: [b1:9092, b2, \"[::1]:9999\"]\n    security: sasl_ssl\n"
      "    sasl: {mechanism: PLAIN, username: key, password: s3cret}\n    tls: {ca_file: ca.pem}\n"
      "    consumer_groups: [\"delivery-*\", \"!*-test\"]\n    topics: [orders]\n"
      "    metric_names: [kafka_exporter, burrow_exporter]\n    isolation: read_committed\n    max_series: 5000\n");
  const auto options = options_of(loaded);
  EXPECT_EQ(options.name, "confluent");
  ASSERT_EQ(options.brokers.size(), 3U);
  EXPECT_EQ(options.brokers[0].to_string(), "b1:9092");
  EXPECT_EQ(options.brokers[1].to_string(), "b2:9092");
  EXPECT_EQ(options.brokers[2].to_string(), "[::1]:9999");
  EXPECT_EQ(options.security, KafkaSecurity::sasl_ssl);
  EXPECT_EQ(options.sasl.mechanism, KafkaMechanism::plain);
  EXPECT_EQ(options.sasl.username, "key");
  EXPECT_EQ(options.sasl.password.value.reveal(), "s3cret");
  EXPECT_TRUE(options.tls.ca_file.ends_with("/ca.pem")) << options.tls.ca_file;
  EXPECT_THAT(options.consumer_groups, ElementsAre("delivery-*", "!*-test"));
  EXPECT_THAT(options.topics, ElementsAre("orders"));
  EXPECT_TRUE(options.names.kafka_exporter);
  EXPECT_TRUE(options.names.burrow_exporter);
  EXPECT_FALSE(options.names.grafana);
  EXPECT_TRUE(options.read_committed);
  EXPECT_EQ(options.max_series, 5000U);
  const TargetConfig& target = loaded.config->targets[0];
  EXPECT_EQ(target.kind, "kafka");
  EXPECT_EQ(target.display, "kafka://confluent");
  EXPECT_EQ(target.labels.get("instance"), "confluent");
  EXPECT_TRUE(target.sentinel);
}

TEST(KafkaConfig, HasDefaults) {
  const auto loaded = load_cluster("    targets: [\"kafka://b1,b2:9093\"]\n");
  const auto options = options_of(loaded);
  ASSERT_EQ(options.brokers.size(), 2U);
  EXPECT_EQ(options.brokers[1].to_string(), "b2:9093");
  EXPECT_EQ(options.name, "b1:9092");
  EXPECT_EQ(options.security, KafkaSecurity::plaintext);
  EXPECT_TRUE(options.offsets && options.groups && options.lag_seconds && !options.read_committed);
  EXPECT_TRUE(options.names.kafka_exporter);
  EXPECT_EQ(options_of(load_cluster("    brokers: b1\n    tls: {}\n")).security, KafkaSecurity::ssl);
  const std::string sasl = "    brokers: b1\n    sasl: {mechanism: SCRAM-SHA-512, username: u, password: p}\n";
  EXPECT_EQ(options_of(load_cluster(sasl)).security, KafkaSecurity::sasl_ssl);
  EXPECT_FALSE(options_of(load_cluster("    brokers: b1\n    collect: offsets\n")).groups);
}

TEST(KafkaConfig, SaysWhatIsWrong) {
  const std::string plain = "    brokers: b1\n    security: sasl_plaintext\n";
  const std::string user = "mechanism: PLAIN, username: u, password: s3cret";
  const std::pair<std::string, std::string> cases[] = {
      {plain + "    sasl: {" + user + "}\n", "in the open"},
      {plain, "sasl needs a user name"},
      {"    brokers: b1\n    security: plaintext\n    sasl: {" + user + "}\n", "sasl needs security"},
      {"    brokers: b1\n    security: plaintext\n    tls: {}\n", "needs security: ssl"},
      {"    brokers: b1\n    tls: {server_name: other}\n", "server_name"},
      {"    brokers: [\"b1:x\"]\n", "not the host:port"},
      {"    targets: [\"redis://b1\"]\n", "redis"},
      {"    brokers: b1\n    topics: [\"/(/\"]\n", "regular expression"},
      {"    brokers: b1\n    metric_names: [sarama]\n", "sarama"},
  };
  for (const auto& [text, words] : cases) {
    const auto loaded = load_cluster(text);
    EXPECT_FALSE(loaded.config) << text;
    EXPECT_THAT(loaded.said, HasSubstr(words)) << text;
    EXPECT_THAT(loaded.said, testing::Not(HasSubstr("s3cret")));
  }
  EXPECT_TRUE(load_cluster(plain + "    sasl: {" + user + ", allow_plaintext_password: true}\n").config);
}

}  // namespace
}  // namespace tocsin::daemon
