// The keys of a job that Kafka probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/probes/kafka.hpp"

namespace tocsin::daemon::model {

struct Sasl {
  std::optional<probes::KafkaMechanism> mechanism;
  std::string username;
  core::SecretSource password;
  bool allow_plaintext_password = false;
  core::Place place;
};

enum class KafkaPart { offsets, consumer_groups };
enum class KafkaNaming { kafka_exporter, burrow_exporter, burrow, grafana, kafka_lag_exporter };

struct KafkaKeys {
  std::string name;
  std::vector<std::string> brokers;
  std::optional<probes::KafkaSecurity> security;
  std::optional<Sasl> sasl;
  std::vector<std::string> topics;
  std::vector<std::string> consumer_groups;
  std::vector<KafkaPart> collect;
  std::vector<KafkaNaming> metric_names;
  std::optional<bool> lag_seconds;
  std::optional<bool> read_committed;
  std::optional<std::int64_t> max_partitions;
  std::optional<std::int64_t> max_groups;
};

}  // namespace tocsin::daemon::model
