// The Kafka probe against real brokers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "probes/kafka_probe.hpp"
#include "support/kafka.hpp"
#include "support/kafka_client.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using core::Phase;
using test::KafkaBrokers;
using test::KafkaClient;
using test::KafkaProbe;
using namespace std::chrono_literals;

class KafkaServer : public test::KafkaTest {};

TEST_F(KafkaServer, TopicsOffsetsGroupsAndLag) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 3);
  client.create_topic("quiet", 1);
  client.produce("orders", 0, 10);
  client.produce("orders", 1, 5);
  client.commit("billing", "orders", {{0, 4}, {1, 5}});

  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  const auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("kafka_brokers"), 1);
  EXPECT_EQ(probe.value("kafka_broker_info{address=\"" + brokers.bootstrap() + "\", id=\"1\"}"), 1) << probe.all();
  EXPECT_EQ(probe.value(R"(kafka_topic_partitions{topic="orders"})"), 3);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_current_offset{partition="0", topic="orders"})"), 10);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_oldest_offset{partition="0", topic="orders"})"), 0);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_current_offset{partition="2", topic="orders"})"), 0);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_leader{partition="0", topic="orders"})"), 1);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_in_sync_replica{partition="0", topic="orders"})"), 1);
  EXPECT_EQ(probe.value(R"(kafka_topic_partition_under_replicated_partition{partition="0", topic="orders"})"), 0);
  const std::string in_orders = R"({consumergroup="billing", partition="0", topic="orders"})";
  EXPECT_EQ(probe.value("kafka_consumergroup_current_offset" + in_orders), 4);
  EXPECT_EQ(probe.value("kafka_consumergroup_lag" + in_orders), 6);
  EXPECT_EQ(probe.value(R"(kafka_consumergroup_lag_sum{consumergroup="billing", topic="orders"})"), 6);
  EXPECT_EQ(probe.value(R"(kafka_consumergroup_members{consumergroup="billing"})"), 0);

  {
    const auto member = client.join("readers", "orders");
    ASSERT_EQ(probe().outcome, Outcome::ok);
    EXPECT_EQ(probe.value(R"(kafka_consumergroup_members{consumergroup="readers"})"), 1) << probe.all();
  }
  client.produce("orders", 0, 7);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_EQ(probe.value("kafka_consumergroup_lag" + in_orders), 13);
  client.delete_topic("quiet");
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_FALSE(probe.has(R"(kafka_topic_partitions{topic="quiet"})"));
}

/// What was written before the first look is asked for by its time: -1 h, -5 min, -1 min.
TEST_F(KafkaServer, KnowsLagInSecondsAtTheFirstLook) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 1);
  client.produce("orders", 0, 10, 30min);
  client.produce("orders", 0, 5, 2min);
  client.produce("orders", 0, 5);
  const std::pair<const char*, std::int64_t> groups[] = {{"late", 4}, {"behind", 10}, {"near", 15}, {"there", 20}};
  for (const auto& [group, offset] : groups) client.commit(group, "orders", {{0, offset}});
  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  const auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  const auto lag = [&](const std::string& group) {
    return probe.value("kafka_consumergroup_lag_seconds{consumergroup=\"" + group +
                       "\", partition=\"0\", topic=\"orders\"}");
  };
  EXPECT_NEAR(lag("late"), 3600 - 0.4 * 3300, 5) << probe.all();
  EXPECT_NEAR(lag("behind"), 300, 5);
  EXPECT_NEAR(lag("near"), 60, 5);
  EXPECT_EQ(lag("there"), 0);
  EXPECT_EQ(probe.value(R"(kafka_consumergroup_max_lag_seconds{consumergroup="late"})"), lag("late"));
}

TEST_F(KafkaServer, ChoosesTopicsAndGroups) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  for (const char* const topic : {"orders", "audit", "scratch"}) client.create_topic(topic, 1);
  for (const char* const group : {"billing", "billing-test", "other"}) client.commit(group, "orders", {{0, 0}});
  auto options = KafkaProbe::to(brokers.port());
  options.topics = {"orders", "a*", "!scratch"};
  options.consumer_groups = {"billing*", "!*-test"};
  KafkaProbe probe(options);
  ASSERT_EQ(probe().outcome, Outcome::ok);
  EXPECT_TRUE(probe.has(R"(kafka_topic_partitions{topic="orders"})"));
  EXPECT_TRUE(probe.has(R"(kafka_topic_partitions{topic="audit"})"));
  EXPECT_FALSE(probe.has(R"(kafka_topic_partitions{topic="scratch"})"));
  EXPECT_FALSE(probe.has(R"(kafka_topic_partitions{topic="__consumer_offsets"})"));
  EXPECT_TRUE(probe.has(R"(kafka_consumergroup_members{consumergroup="billing"})"));
  EXPECT_FALSE(probe.has(R"(kafka_consumergroup_members{consumergroup="billing-test"})"));
  EXPECT_FALSE(probe.has(R"(kafka_consumergroup_members{consumergroup="other"})"));

  options.max_series = 5;
  KafkaProbe cut(options);
  ASSERT_EQ(cut().outcome, Outcome::ok);
  EXPECT_EQ(cut.value("kafka_up"), 1);
  EXPECT_EQ(cut.value("tocsin_probe_success"), 1);
  EXPECT_GT(cut.value("tocsin_kafka_series_refused_total"), 5);

  options.max_series = 100;
  options.groups = false;
  options.offsets = false;
  KafkaProbe few(options);
  ASSERT_EQ(few().outcome, Outcome::ok);
  EXPECT_TRUE(few.has(R"(kafka_topic_partitions{topic="orders"})"));
  EXPECT_FALSE(few.has(R"(kafka_topic_partition_current_offset{partition="0", topic="orders"})"));
  EXPECT_FALSE(few.has(R"(kafka_consumergroup_members{consumergroup="billing"})"));
}

KafkaOptions secured(const KafkaBrokers& brokers, KafkaMechanism mechanism) {
  auto options = KafkaProbe::to(brokers.sasl_tls_port());
  options.security = KafkaSecurity::sasl_ssl;
  options.sasl.mechanism = mechanism;
  options.sasl.username = test::kafka_user;
  options.sasl.password.value = core::Secret(test::kafka_password);
  options.tls.ca_file = brokers.ca_file();
  return options;
}

core::Observation once(const KafkaOptions& options, std::chrono::milliseconds timeout = 10s) {
  KafkaProbe probe(options);
  auto observation = probe(timeout);
  EXPECT_EQ(observation.detail.find("scout-secret"), std::string::npos);
  EXPECT_LT(observation.took, timeout + 50ms);
  EXPECT_EQ(probe.value("kafka_brokers"), observation.good() ? 1 : -12345);
  return observation;
}

TEST_F(KafkaServer, SaslAndTls) {
  need(test::kafka_lenient);
  if (IsSkipped()) return;
  test::KafkaWish wish;
  wish.secure = true;
  wish.version = test::kafka_lenient;
  const KafkaBrokers brokers(wish);
  for (const auto mechanism : {KafkaMechanism::plain, KafkaMechanism::scram_sha_256, KafkaMechanism::scram_sha_512}) {
    auto options = secured(brokers, mechanism);
    const auto welcome = once(options);
    EXPECT_EQ(welcome.outcome, Outcome::ok) << welcome.detail;
    options.sasl.password.value = core::Secret("wrong");
    const auto refused = once(options);
    EXPECT_EQ(refused.outcome, Outcome::auth) << refused.detail;
    EXPECT_EQ(refused.phase, Phase::auth);
    EXPECT_LT(refused.took, 5s) << "a refusal needs no deadline";
  }
  auto stranger = secured(brokers, KafkaMechanism::scram_sha_512);
  test::Certificates other;
  stranger.tls.ca_file = other.ca_file();
  auto observation = once(stranger);
  EXPECT_EQ(observation.outcome, Outcome::tls) << observation.detail;
  stranger.tls.insecure_skip_verify = true;
  EXPECT_EQ(once(stranger).outcome, Outcome::ok);

  auto scram = secured(brokers, KafkaMechanism::scram_sha_256);
  scram.brokers[0].port = brokers.sasl_plain_port();
  scram.security = KafkaSecurity::sasl_plaintext;
  EXPECT_EQ(once(scram).outcome, Outcome::ok);
  scram.sasl.mechanism = KafkaMechanism::plain;
  EXPECT_THROW(KafkaProbe{scram}, std::invalid_argument);
  scram.allow_plaintext_password = true;
  EXPECT_EQ(once(scram).outcome, Outcome::ok);
}

TEST_F(KafkaServer, CertificatesAndWrongDoors) {
  test::KafkaWish wish;
  wish.secure = true;
  const KafkaBrokers brokers(wish);
  auto options = KafkaProbe::to(brokers.tls_port());
  options.security = KafkaSecurity::ssl;
  options.tls.ca_file = brokers.ca_file();
  const auto without = once(options);
  EXPECT_EQ(without.outcome, Outcome::tls) << without.detail;
  EXPECT_LT(without.took, 5s);
  options.tls.cert_file = brokers.client_certificate().cert;
  options.tls.key_file = brokers.client_certificate().key;
  EXPECT_EQ(once(options).outcome, Outcome::ok);

  auto plain = KafkaProbe::to(brokers.tls_port());  // TLS is spoken there
  const auto confused = once(plain);
  EXPECT_EQ(confused.outcome, Outcome::protocol) << confused.detail;
  EXPECT_LT(confused.took, 5s);
  plain = KafkaProbe::to(brokers.sasl_plain_port());  // where a user name is wanted
  const auto nameless = once(plain);
  EXPECT_FALSE(nameless.good()) << nameless.detail;
  EXPECT_LT(nameless.took, 5s);
  // SCRAM of a librdkafka before 2.6.1 is refused by Kafka 4: the probe says why. PLAIN is not.
  EXPECT_EQ(once(secured(brokers, KafkaMechanism::plain)).outcome, Outcome::ok);
  const auto scram = once(secured(brokers, KafkaMechanism::scram_sha_512));
  if (rd_kafka_version() < 0x02060100) {
    EXPECT_EQ(scram.outcome, Outcome::auth);
    EXPECT_THAT(scram.detail, testing::HasSubstr("2.6.1"));
  } else {
    EXPECT_EQ(scram.outcome, Outcome::ok) << scram.detail;
  }
  options.brokers[0].port = brokers.port();  // and here it is not
  EXPECT_EQ(once(options).outcome, Outcome::tls);
}

TEST_F(KafkaServer, IsSeenToDieAndToComeBack) {
  KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 1);
  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  ASSERT_TRUE(probe.prober().has_sentinel());

  std::thread killer([&brokers] { brokers.kill(); });
  EXPECT_TRUE(probe.loop().run(probe.prober().watch()));
  killer.join();
  auto observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect) << observation.detail;
  EXPECT_LT(observation.took, 500ms);
  EXPECT_FALSE(probe.prober().has_sentinel());
  observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::connect) << observation.detail;
  EXPECT_LT(observation.took, 500ms);

  brokers.start();
  observation = probe();
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_TRUE(probe.has(R"(kafka_topic_partitions{topic="orders"})"));
}

TEST_F(KafkaServer, HangsAndGoesOn) {
  KafkaBrokers brokers;
  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  ASSERT_EQ(probe().outcome, Outcome::ok);
  brokers.child().signal(SIGSTOP);
  for (int i = 0; i < 2; ++i) {
    const auto observation = probe(400ms);
    EXPECT_EQ(observation.outcome, Outcome::timeout) << observation.detail;
    EXPECT_LT(observation.took, 450ms);
  }
  brokers.child().signal(SIGCONT);
  EXPECT_EQ(probe().outcome, Outcome::ok);
}

TEST_F(KafkaServer, GivesTheRestWhenOneBrokerIsDown) {
  test::KafkaWish wish;
  wish.nodes = 3;
  KafkaBrokers brokers(wish);
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("safe", 3, 3);
  client.create_topic("single", 3, 1);
  for (int p = 0; p < 3; ++p) client.produce("safe", p, 4);
  client.commit("billing", "safe", {{0, 1}, {1, 1}, {2, 1}});
  auto options = KafkaProbe::to(brokers.port());
  KafkaProbe probe(options);
  auto observation = probe();
  ASSERT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_EQ(probe.value("kafka_brokers"), 3);

  brokers.kill(2);
  // At once, while the cluster does not know it yet.
  observation = probe(2s);
  EXPECT_EQ(observation.outcome, Outcome::ok) << observation.detail;
  EXPECT_LT(observation.took, 2050ms);
  const auto under_replicated = [&] {
    return probe.value(R"(kafka_topic_partition_under_replicated_partition{partition="0", topic="safe"})") == 1;
  };
  EXPECT_TRUE(test::wait_until([&] { return probe(2s).good() && under_replicated(); }, 20s)) << probe.all();
  EXPECT_EQ(probe.value("kafka_brokers"), 2);
  for (const char* const partition : {"0", "1", "2"}) {
    const std::string labels = std::string("{partition=\"") + partition + "\", topic=\"safe\"}";
    EXPECT_EQ(probe.value("kafka_topic_partition_current_offset" + labels), 4) << labels;
  }
  int offline = 0;
  for (const char* const partition : {"0", "1", "2"}) {
    offline += probe.value(std::string("kafka_topic_partition_leader{partition=\"") + partition +
                           "\", topic=\"single\"}") == -1
                   ? 1
                   : 0;
  }
  EXPECT_EQ(offline, 1) << probe.all();
  EXPECT_LT(probe().took, 1s) << "the dead are forgotten";
}

TEST_F(KafkaServer, SaysWhereBrokersAreNot) {
  // The usual mistake of containers: brokers give clients an address that is none for them.
  test::KafkaWish wish;
  wish.advertised_port = test::free_port();
  const KafkaBrokers brokers(wish);
  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  const auto observation = probe(2s);
  EXPECT_LT(observation.took, 2050ms);
  EXPECT_EQ(probe.value("kafka_up"), 1);
  EXPECT_EQ(probe.value("kafka_brokers"), 1);
  EXPECT_THAT(observation.detail, testing::HasSubstr("groups: "));
  EXPECT_THAT(observation.detail,
              testing::HasSubstr(std::to_string(wish.advertised_port) + " failed: Connection refused"));
}

/// A consumer of Java's client, which alone speaks KIP-848's protocol among those at hand.
std::vector<std::string> modern_consumer(const std::string& bootstrap) {
  std::vector<std::string> argv{"java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"};
  argv.insert(argv.end(), {"-cp", test::kafka_folder() + "/*", "org.apache.kafka.tools.consumer.ConsoleConsumer"});
  argv.insert(argv.end(),
              {"--bootstrap-server", bootstrap, "--topic", "orders", "--group", "modern", "--from-beginning"});
  for (const char* const property : {"group.protocol=consumer", "auto.commit.interval.ms=100"}) {
    argv.insert(argv.end(), {"--consumer-property", property});
  }
  return argv;
}

TEST_F(KafkaServer, SeesGroupsOfTheNewProtocol) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 1);
  client.produce("orders", 0, 10);
  test::Child consumer(modern_consumer(brokers.bootstrap()));
  KafkaProbe probe(KafkaProbe::to(brokers.port()));
  const std::string where = R"({consumergroup="modern", partition="0", topic="orders"})";
  EXPECT_TRUE(
      test::wait_until([&] { return probe().good() && probe.value("kafka_consumergroup_lag" + where) == 0; }, 20s))
      << probe.all() << consumer.output();
  EXPECT_EQ(probe.value("kafka_consumergroup_current_offset" + where), 10);
  EXPECT_EQ(probe.value(R"(tocsin_kafka_consumergroup_state{consumergroup="modern", state="Stable"})"), 1)
      << probe.all();
  consumer.kill();
  client.produce("orders", 0, 3);
  EXPECT_TRUE(probe().good());
  EXPECT_EQ(probe.value("kafka_consumergroup_lag" + where), 3);
}

TEST_F(KafkaServer, EndsWhereAConsumerOfFinishedTransactionsDoes) {
  const KafkaBrokers brokers;
  const KafkaClient client(brokers.bootstrap());
  client.create_topic("orders", 1);
  client.produce("orders", 0, 5);
  const KafkaClient writer(brokers.bootstrap(), {{"transactional.id", "writer"}});
  const auto good = [](rd_kafka_error_t* error) {
    const std::string text = error == nullptr ? "" : rd_kafka_error_string(error);
    if (error != nullptr) rd_kafka_error_destroy(error);
    return text;
  };
  ASSERT_EQ(good(rd_kafka_init_transactions(writer.producer(), 20'000)), "");
  ASSERT_EQ(good(rd_kafka_begin_transaction(writer.producer())), "");
  writer.produce("orders", 0, 7);
  auto options = KafkaProbe::to(brokers.port());
  const std::string end = R"(kafka_topic_partition_current_offset{partition="0", topic="orders"})";
  KafkaProbe all(options);
  ASSERT_TRUE(all().good());
  EXPECT_EQ(all.value(end), 12);
  options.read_committed = true;
  KafkaProbe finished(options);
  ASSERT_TRUE(finished().good());
  EXPECT_EQ(finished.value(end), 5);
  ASSERT_EQ(good(rd_kafka_commit_transaction(writer.producer(), 20'000)), "");
  EXPECT_TRUE(test::wait_until([&] { return finished().good() && finished.value(end) == 13; }))
      << "records and a marker";
}

}  // namespace
}  // namespace tocsin::probes
