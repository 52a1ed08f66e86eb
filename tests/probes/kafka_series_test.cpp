// From what a cluster said to series.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "kafka/metric.hpp"
#include "probes/kafka_snapshot.hpp"

namespace tocsin::probes::kafka {
namespace {

using test::at;
using test::group;
using test::Looks;
using test::snapshot;
using test::topic;

SeriesOptions all_names() {
  SeriesOptions options;
  options.naming = {true, true, true, true, true};
  options.cluster = "main";
  return options;
}

Snapshot two_partitions(double seconds, std::int64_t end0, std::int64_t end1, std::int64_t commit0,
                        std::int64_t commit1) {
  return snapshot(seconds, {topic("orders", {end0, end1})}, {group("shop", {{"orders", {commit0, commit1}}})});
}

TEST(KafkaSeries, GivesWhatKafkaExporterGives) {
  Looks looks;
  const auto values = looks.look(two_partitions(0, 100, 200, 90, 150));
  const std::map<std::string, double> expected{
      {R"(kafka_up)", 1},
      {R"(kafka_brokers)", 3},
      {R"(kafka_broker_info{address="b2:9092", id="2"})", 1},
      {R"(kafka_topic_partitions{topic="orders"})", 2},
      {R"(kafka_topic_partition_current_offset{partition="1", topic="orders"})", 200},
      {R"(kafka_topic_partition_oldest_offset{partition="1", topic="orders"})", 0},
      {R"(kafka_topic_partition_leader{partition="1", topic="orders"})", 1},
      {R"(kafka_topic_partition_replicas{partition="1", topic="orders"})", 3},
      {R"(kafka_topic_partition_in_sync_replica{partition="1", topic="orders"})", 3},
      {R"(kafka_topic_partition_leader_is_preferred{partition="1", topic="orders"})", 1},
      {R"(kafka_topic_partition_under_replicated_partition{partition="1", topic="orders"})", 0},
      {R"(kafka_consumergroup_current_offset{consumergroup="shop", partition="0", topic="orders"})", 90},
      {R"(kafka_consumergroup_current_offset_sum{consumergroup="shop", topic="orders"})", 240},
      {R"(kafka_consumergroup_lag{consumergroup="shop", partition="1", topic="orders"})", 50},
      {R"(kafka_consumergroup_lag_sum{consumergroup="shop", topic="orders"})", 60},
      {R"(kafka_consumergroup_members{consumergroup="shop"})", 1},
      {R"(kafka_consumergroup_max_lag{consumergroup="shop"})", 50},
      {R"(tocsin_kafka_offline_partitions)", 0},
      {R"(tocsin_kafka_under_replicated_partitions)", 0},
      {R"(tocsin_kafka_controller_id)", 1},
      {R"(tocsin_kafka_consumergroup_state{consumergroup="shop", state="Stable"})", 1},
      {R"(tocsin_kafka_consumergroup_uncommitted_partitions{consumergroup="shop"})", 0},
      {R"(tocsin_kafka_consumergroup_worst_partition{consumergroup="shop", partition="1", topic="orders"})", 50},
      {R"(tocsin_kafka_consumergroup_lag_seconds_partitions{consumergroup="shop", method="unknown"})", 2},
  };
  for (const auto& [name, value] : expected) {
    const auto it = values.find(name);
    ASSERT_NE(it, values.end()) << name;
    EXPECT_EQ(it->second, value) << name;
  }
  EXPECT_EQ(looks.count("kafka_burrow_partition_lag"), 0U);
  EXPECT_EQ(looks.count("kafka_consumergroup_uncommitted_offsets"), 0U);
  EXPECT_EQ(looks.count("kafka_consumergroup_lag_seconds"), 0U) << "nothing rather than NaN";
}

/// Every line of the contract, with its labels, its type and nothing beside.
TEST(KafkaSeries, KeepsTheContract) {
  std::ifstream file(TOCSIN_SOURCE_DIR "/tests/probes/data/kafka/contract.tsv");
  ASSERT_TRUE(file);
  std::map<std::string, std::set<std::string>> labels_of;
  for (const bool by_switch : {false, true}) {
    Looks looks(by_switch ? all_names() : SeriesOptions{});
    Snapshot two = two_partitions(15, 110, 220, 90, 150);
    two.topics[0].partitions[0].past = {{at(-600), 0}};
    looks.look(two_partitions(0, 100, 200, 90, 150));
    for (const auto& [name, value] : looks.look(two)) {
      EXPECT_FALSE(std::isnan(value)) << name;
      const auto brace = name.find('{');
      std::set<std::string> labels;
      if (brace != std::string::npos) {
        std::istringstream in(name.substr(brace + 1));
        for (std::string pair; std::getline(in, pair, ',');) {
          const auto start = pair.find_first_not_of(' ');
          labels.insert(pair.substr(start, pair.find('=') - start));
        }
      }
      labels_of[(by_switch ? "switch " : "default ") + name.substr(0, brace)] = labels;
    }
    EXPECT_FALSE(looks.doubled_);
  }
  std::map<std::string, core::MetricType> types;
  for (const auto& metric : all_metrics()) types[std::string(metric.name)] = metric.type;
  std::size_t checked = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream in(line);
    std::string name, type, labels, whose, given;
    std::getline(in, name, '\t');
    std::getline(in, type, '\t');
    std::getline(in, labels, '\t');
    std::getline(in, whose, '\t');
    std::getline(in, given, '\t');
    ++checked;
    std::set<std::string> expected;
    std::istringstream list(labels == "-" ? "" : labels);
    for (std::string label; std::getline(list, label, ',');) {
      if (label != "...") expected.insert(label);
    }
    const auto found = labels_of.find((given == "y" ? "default " : "switch ") + name);
    ASSERT_NE(found, labels_of.end()) << name << " is not given";
    EXPECT_EQ(found->second, expected) << name;
    EXPECT_EQ(core::to_string(types[name]), type) << name;
    if (given != "y") {
      EXPECT_FALSE(labels_of.contains("default " + name)) << name << " is given without being asked for";
    }
  }
  EXPECT_GT(checked, 40U);
}

TEST(KafkaSeries, EveryMetricIsDescribedOnce) {
  std::set<std::string_view> names;
  for (const auto& metric : all_metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(core::is_metric_name(metric.name));
    EXPECT_FALSE(metric.help.empty()) << metric.name;
  }
}

TEST(KafkaSeries, LagIsNeverNegative) {
  Looks looks;
  looks.look(two_partitions(0, 100, 200, 120, 150));  // the topic was made anew, or lost records
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_lag{consumergroup="shop", partition="0", topic="orders"})"), 0);
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_lag_sum{consumergroup="shop", topic="orders"})"), 50);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_ahead_partitions{consumergroup="shop"})"), 1);
}

TEST(KafkaSeries, WhatIsNotCommittedIsLeftOutAndCounted) {
  Looks looks;
  auto said = two_partitions(0, 100, 200, 90, -1);
  said.topics.push_back(topic("mails", {5, 6, 7}));
  said.groups[0].members[0].assigned.push_back({"mails", 0});  // joined, and never committed there
  said.groups[0].members[0].assigned.push_back({"mails", 2});
  said.groups[0].members[0].assigned.push_back({"mails", 99});  // there is no such partition
  said.groups[0].members[0].assigned.push_back({"elsewhere", 0});
  for (int i = 0; i < 2; ++i) {
    looks.look(said);
    EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 1U);
    EXPECT_EQ(looks.count("kafka_consumergroup_current_offset"), 1U);
    EXPECT_EQ(looks.value(R"(kafka_consumergroup_current_offset_sum{consumergroup="shop", topic="orders"})"), 90);
    EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_uncommitted_partitions{consumergroup="shop"})"), 3);
  }
  looks.look(two_partitions(15, 100, 200, 90, 0));
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_uncommitted_partitions{consumergroup="shop"})"), 0);
  EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 2U);
}

TEST(KafkaSeries, ShowsOfflineAndUnderReplicatedPartitions) {
  Looks looks;
  auto said = two_partitions(0, 100, 200, 90, 150);
  said.topics[0].partitions[0].leader = -1;
  said.topics[0].partitions[0].isrs.clear();
  said.topics[0].partitions[0].newest.reset();
  said.topics[0].partitions[0].oldest.reset();
  said.topics[0].partitions[0].offset_error = {5, "LEADER_NOT_AVAILABLE"};
  said.topics[0].partitions[1].leader = 2;
  looks.look(said);
  EXPECT_EQ(looks.value(R"(kafka_topic_partition_leader{partition="0", topic="orders"})"), -1);
  EXPECT_EQ(looks.value(R"(kafka_topic_partition_leader_is_preferred{partition="0", topic="orders"})"), 0);
  EXPECT_EQ(looks.value(R"(kafka_topic_partition_leader_is_preferred{partition="1", topic="orders"})"), 0);
  EXPECT_EQ(looks.value(R"(kafka_topic_partition_in_sync_replica{partition="0", topic="orders"})"), 0);
  EXPECT_EQ(looks.value(R"(kafka_topic_partition_under_replicated_partition{partition="0", topic="orders"})"), 1);
  EXPECT_EQ(looks.value("tocsin_kafka_offline_partitions"), 1);
  EXPECT_EQ(looks.value("tocsin_kafka_under_replicated_partitions"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_errors{part="offsets"})"), 1);
  EXPECT_EQ(looks.count("kafka_topic_partition_current_offset"), 1U) << "no offset is better than a wrong one";
  EXPECT_EQ(looks.count("kafka_consumergroup_current_offset"), 2U) << "the coordinator knows the commit all the same";
  EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 1U);
}

TEST(KafkaSeries, TellsAStuckGroupFromAnAbsentOne) {
  SeriesOptions options = all_names();
  options.expected_groups = {"shop", "mail"};
  options.expected_topics = {"orders", "mails"};
  Looks looks(options);
  for (int look = 0; look < 12; ++look) {
    auto said = two_partitions(look * 15.0, 100 + look, 200 + look, 90, 195 + look);
    if (look >= 11) said.groups[0].members.clear();
    looks.look(said);
  }
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_stalled_seconds{consumergroup="shop"})"), 165);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_present{consumergroup="shop"})"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_present{consumergroup="mail"})"), 0);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_topic_present{topic="orders"})"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_topic_present{topic="mails"})"), 0);
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_members{consumergroup="shop"})"), 0);
  EXPECT_EQ(
      looks.value(R"(kafka_burrow_partition_status{cluster="main", group="shop", partition="0", topic="orders"})"), 5);
  EXPECT_EQ(
      looks.value(R"(kafka_burrow_partition_status{cluster="main", group="shop", partition="1", topic="orders"})"), 2);
  EXPECT_EQ(looks.value(R"(kafka_burrow_status{cluster="main", group="shop"})"), 4);
  EXPECT_EQ(looks.value(R"(kafka_burrow_status{cluster="main", group="mail"})"), 1);
  EXPECT_EQ(looks.value(R"(burrow_kafka_consumer_status{cluster="main", consumer_group="shop"})"), 3);

  auto said = two_partitions(180, 111, 211, 90, 206);
  said.groups.clear();
  looks.look(said);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_present{consumergroup="shop"})"), 0);
  EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 0U) << "a group that is gone has no lag";
  said.groups_error = {7, "_TIMED_OUT"};
  looks.look(said);
  EXPECT_EQ(looks.count("tocsin_kafka_consumergroup_present"), 0U) << "a part of the list is missing: who knows";
  EXPECT_EQ(looks.value(R"(tocsin_kafka_errors{part="groups"})"), 1);
  said.groups_known = false;
  looks.look(said);
  EXPECT_EQ(looks.count("tocsin_kafka_consumergroup_present"), 0U);
}

TEST(KafkaSeries, GivesLagInSecondsByEachName) {
  Looks looks(all_names());
  for (int look = 0; look <= 4; ++look) looks.look(two_partitions(look * 15.0, look * 150, 100, look * 75, 40));
  const std::string where = R"(consumergroup="shop", partition="0", topic="orders"})";
  EXPECT_EQ(looks.value("kafka_consumergroup_lag_seconds{" + where), 30);
  EXPECT_EQ(looks.value("kafka_consumer_lag_millis{" + where), 30'000);
  EXPECT_EQ(looks.value("kafka_consumer_lag_interpolation{" + where), 1);
  EXPECT_EQ(looks.count("kafka_consumer_lag_extrapolation"), 0U);
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_max_lag_seconds{consumergroup="shop"})"), 60) << "at least";
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_group_max_lag_seconds{cluster_name="main", group="shop"})"), 60);
  EXPECT_EQ(
      looks.value(R"(tocsin_kafka_consumergroup_lag_seconds_partitions{consumergroup="shop", method="at_least"})"), 1);
  EXPECT_EQ(
      looks.value(R"(tocsin_kafka_consumergroup_lag_seconds_partitions{consumergroup="shop", method="interpolated"})"),
      1);

  SeriesOptions without;
  without.lag_seconds = false;
  Looks plain(without);
  for (int look = 0; look <= 4; ++look) plain.look(two_partitions(look * 15.0, look * 150, 100, look * 75, 40));
  EXPECT_EQ(plain.count("kafka_consumergroup_lag_seconds"), 0U);
  EXPECT_TRUE(plain.series().histories().empty());
}

TEST(KafkaSeries, SeedsGiveLagInSecondsAtTheFirstLook) {
  Looks looks;
  auto said = two_partitions(0, 1000, 100, 450, 100);
  said.topics[0].partitions[0].past = {{at(-3600), 0}, {at(-300), 900}, {at(-60), 980}};
  looks.look(said);
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_lag_seconds{consumergroup="shop", partition="0", topic="orders"})"),
            1950);
}

TEST(KafkaSeries, TheWorstPartitionDoesNotFlicker) {
  Looks looks;
  const auto worst = [&](std::int64_t lag0, std::int64_t lag1) {
    static int look = 0;
    looks.look(two_partitions(++look * 15.0, 1000, 1000, 1000 - lag0, 1000 - lag1));
    return looks
               .value(
                   R"(tocsin_kafka_consumergroup_worst_partition{consumergroup="shop", partition="0", topic="orders"})")
               .value_or(0) -
           looks
               .value(
                   R"(tocsin_kafka_consumergroup_worst_partition{consumergroup="shop", partition="1", topic="orders"})")
               .value_or(0);
  };
  EXPECT_EQ(worst(100, 90), 100);
  EXPECT_EQ(worst(100, 110), 100) << "not by that little";
  EXPECT_EQ(worst(100, 200), -200);
  EXPECT_EQ(worst(190, 200), -200);
  EXPECT_EQ(worst(190, 0), 190);
  EXPECT_EQ(worst(0, 0), 0);
  EXPECT_EQ(looks.count("tocsin_kafka_consumergroup_worst_partition"), 0U);
}

TEST(KafkaSeries, AMemberThatChangesIsANewSeriesOfKafkaLagExporter) {
  Looks looks(all_names());
  auto said = two_partitions(0, 100, 200, 90, 150);
  looks.look(said);
  const auto of = [](const std::string& member) {
    return R"(kafka_consumergroup_group_lag{client_id="app", cluster_name="main", consumer_id=")" + member +
           R"(", group="shop", member_host="/10.0.0.7", partition="0", topic="orders"})";
  };
  EXPECT_EQ(looks.value(of("m-1")), 10);
  said.groups[0].members[0].id = "m-2";
  looks.look(said);
  EXPECT_EQ(looks.value(of("m-2")), 10);
  EXPECT_FALSE(looks.value(of("m-1")));
  said.groups[0].members.clear();
  looks.look(said);
  EXPECT_EQ(
      looks.value(R"(kafka_consumergroup_group_lag{cluster_name="main", group="shop", partition="0", topic="orders"})"),
      10);
  EXPECT_EQ(looks.count("kafka_consumergroup_group_lag"), 2U);
}

TEST(KafkaSeries, PartsThatAreMissingAreSaid) {
  Looks looks;
  auto said = two_partitions(0, 100, 200, 90, 150);
  said.groups[0].commits_error = {15, "COORDINATOR_NOT_AVAILABLE"};
  said.groups.push_back(group("new", {}));
  said.groups[1].described = false;
  said.groups[1].kind = GroupKind::consumer;
  said.groups[1].describe_error = {69, "GROUP_ID_NOT_FOUND"};
  said.topics.push_back(Topic{"secret", false, {29, "TOPIC_AUTHORIZATION_FAILED"}, {}});
  said.topics_left_out = 7;
  looks.look(said);
  EXPECT_EQ(looks.value(R"(kafka_consumergroup_members{consumergroup="shop"})"), 1);
  EXPECT_FALSE(looks.value(R"(kafka_consumergroup_members{consumergroup="new"})")) << "not known is not zero";
  EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 0U);
  EXPECT_FALSE(looks.value(R"(tocsin_kafka_consumergroup_uncommitted_partitions{consumergroup="shop"})"));
  EXPECT_FALSE(looks.value(R"(kafka_topic_partitions{topic="secret"})"));
  EXPECT_EQ(looks.value(R"(tocsin_kafka_errors{part="topics"})"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_errors{part="describe"})"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_errors{part="commits"})"), 1);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_left_out{part="topics"})"), 7);
}

TEST(KafkaSeries, KeepsTheLimitOfSeriesAndSaysSo) {
  SeriesOptions options;
  options.max_series = 12;
  options.expected_groups = {"shop", "nobody"};
  Looks looks(options);
  looks.look(two_partitions(0, 100, 200, 90, 150));
  EXPECT_EQ(looks.value("kafka_up"), 1);
  EXPECT_EQ(looks.value("kafka_brokers"), 3);
  EXPECT_EQ(looks.value(R"(tocsin_kafka_consumergroup_present{consumergroup="nobody"})"), 0);
  EXPECT_EQ(looks.count("kafka_broker_info") + looks.count("kafka_topic_partitions"), 4U);
  EXPECT_EQ(looks.count("kafka_consumergroup_lag"), 0U);
  const auto refused = looks.value("tocsin_kafka_series_refused_total").value_or(0);
  EXPECT_GT(refused, 10);
  looks.look(two_partitions(15, 100, 200, 90, 150));
  EXPECT_GE(looks.value("tocsin_kafka_series_refused_total"), 2 * refused);
}

TEST(KafkaSeries, DownIsSaidAndNothingElse) {
  Looks looks;
  looks.look(two_partitions(0, 100, 200, 90, 150));
  EXPECT_EQ(looks.down(), (std::map<std::string, double>{{"kafka_up", 0}}));
  looks.look(two_partitions(30, 130, 230, 90, 150));
  EXPECT_EQ(looks.value("kafka_up"), 1);
  EXPECT_EQ(looks.fresh(), 3U) << "lag in seconds, and the largest, can be told now; all else is known";
}

TEST(KafkaSeries, ForgetsWhatIsGone) {
  Looks looks(all_names());
  looks.look(two_partitions(0, 100, 200, 90, 150));
  for (int look = 1; look < 40; ++look) looks.look(snapshot(look * 15.0, {topic("other", {1})}, {}));
  EXPECT_EQ(looks.series().histories().size(), 1U);
}

TEST(KafkaSeries, NamesOfClustersAreNoTrouble) {
  Looks looks;
  auto said = two_partitions(0, 100, 200, 90, 150);
  said.groups[0].name = std::string(300, 'x') + "1";
  said.groups.push_back(group(std::string(300, 'x') + "2", {{"orders", {1, 2}}}));
  said.groups.push_back(group("bad\xff", {{"orders", {1, 2}}}));
  said.groups.push_back(group("bad\xfe", {{"orders", {1, 2}}}));
  said.brokers[0].host = "::1";
  looks.look(said);
  EXPECT_FALSE(looks.doubled_) << "long and broken names stay apart";
  EXPECT_EQ(looks.count("kafka_consumergroup_members"), 4U);
  EXPECT_EQ(looks.value(R"(kafka_broker_info{address="[::1]:9092", id="1"})"), 1);
}

}  // namespace
}  // namespace tocsin::probes::kafka
