// A Kafka client that fills brokers for tests: topics, records, commits, members of groups.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/wait_until.hpp"

namespace tocsin::test {

class KafkaClient {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  explicit KafkaClient(std::string bootstrap, Settings settings = {})
      : bootstrap_(std::move(bootstrap)), producer_(make(RD_KAFKA_PRODUCER, std::move(settings))) {}

  /// Makes a topic and waits until its partitions have leaders.
  void create_topic(const std::string& name, int partitions, int replicas = 1) const {
    char error[256] = {};
    rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(name.c_str(), partitions, replicas, error, sizeof error);
    const Queue queue(rd_kafka_queue_new(producer_.get()));
    rd_kafka_CreateTopics(producer_.get(), &topic, 1, nullptr, queue.get());
    const Event event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_NewTopic_destroy(topic);
    check(event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT, "create " + name);
    std::size_t count = 0;
    const auto* const results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) check(rd_kafka_topic_result_error(results[i]), "create " + name);
    if (!wait_until([&] { return leaders(name) == partitions; })) throw std::runtime_error(name + " has no leaders");
  }
  void delete_topic(const std::string& name) const {
    rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
    const Queue queue(rd_kafka_queue_new(producer_.get()));
    rd_kafka_DeleteTopics(producer_.get(), &topic, 1, nullptr, queue.get());
    const Event event(rd_kafka_queue_poll(queue.get(), 20'000));
    rd_kafka_DeleteTopic_destroy(topic);
    check(event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT, "delete " + name);
  }
  /// Writes records to one partition and waits until the broker has them. `age` goes into their timestamps.
  void produce(const std::string& topic, int partition, int count, std::chrono::milliseconds age = {}) const {
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    char body[] = "record";
    for (int i = 0; i < count; ++i) {
      rd_kafka_vu_t fields[4];
      fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
      fields[0].u.cstr = topic.c_str();
      fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
      fields[1].u.i32 = partition;
      fields[2].vtype = RD_KAFKA_VTYPE_VALUE;
      fields[2].u.mem = {body, 6};
      fields[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
      fields[3].u.i64 = (now - age).count();
      rd_kafka_error_t* const error = rd_kafka_produceva(producer_.get(), fields, 4);
      const auto code = error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
      if (error != nullptr) rd_kafka_error_destroy(error);
      check(code, "produce to " + topic);
    }
    check(rd_kafka_flush(producer_.get(), 20'000), "flush " + topic);
  }
  /// Commits for a group that nobody is in.
  void commit(const std::string& group, const std::string& topic,
              const std::vector<std::pair<int, std::int64_t>>& offsets) const {
    const Client client = make(RD_KAFKA_CONSUMER, {{"group.id", group}});
    const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [partition, offset] : offsets) {
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
    }
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    // A coordinator that is still being made says so, for a while.
    const bool done = wait_until(
        [&] { return (result = rd_kafka_commit(client.get(), list.get(), 0)) == RD_KAFKA_RESP_ERR_NO_ERROR; },
        std::chrono::seconds(20));
    if (!done) check(result, "commit for " + group);
  }

  struct Free {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }
    void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
    void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
  };
  using Client = std::unique_ptr<rd_kafka_t, Free>;

  /// A member of a group, subscribed to a topic and with its partitions assigned; it leaves with the value.
  [[nodiscard]] Client join(const std::string& group, const std::string& topic) const {
    Client client = make(RD_KAFKA_CONSUMER, {{"group.id", group}, {"enable.auto.commit", "false"}});
    rd_kafka_poll_set_consumer(client.get());
    const Partitions list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(client.get(), list.get()), "subscribe " + group);
    const auto assigned = [&] {
      if (rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 50)) rd_kafka_message_destroy(message);
      rd_kafka_topic_partition_list_t* assignment = nullptr;
      if (rd_kafka_assignment(client.get(), &assignment) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
      const bool some = assignment->cnt > 0;
      rd_kafka_topic_partition_list_destroy(assignment);
      return some;
    };
    if (!wait_until(assigned, std::chrono::seconds(20))) throw std::runtime_error("no assignment for " + group);
    return client;
  }
  [[nodiscard]] Client make(rd_kafka_type_t type, Settings settings) const {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    settings.emplace_back("bootstrap.servers", bootstrap_);
    settings.emplace_back("log_level", "0");
    char error[256] = {};
    for (const auto& [name, value] : settings) {
      if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
        throw std::runtime_error(error);
      }
    }
    Client client(rd_kafka_new(type, conf, error, sizeof error));
    if (!client) throw std::runtime_error(error);
    return client;
  }
  [[nodiscard]] rd_kafka_t* producer() const { return producer_.get(); }

  static void check(rd_kafka_resp_err_t error, const std::string& what) {
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(what + ": " + rd_kafka_err2str(error));
  }

 private:
  using Queue = std::unique_ptr<rd_kafka_queue_t, Free>;
  using Event = std::unique_ptr<rd_kafka_event_t, Free>;
  using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, Free>;

  [[nodiscard]] int leaders(const std::string& topic) const {
    const struct rd_kafka_metadata* metadata = nullptr;
    if (rd_kafka_metadata(producer_.get(), 1, nullptr, &metadata, 5000) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    int count = 0;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      const auto& one = metadata->topics[i];
      for (int p = 0; one.topic == topic && p < one.partition_cnt; ++p) count += one.partitions[p].leader >= 0 ? 1 : 0;
    }
    rd_kafka_metadata_destroy(metadata);
    return count;
  }

  std::string bootstrap_;
  Client producer_;
};

}  // namespace tocsin::test
