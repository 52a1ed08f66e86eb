// From what a cluster said to series: kafka_exporter's names, what it does not give, and the names of four more
// programs where they are asked for, all from one look.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kafka/history.hpp"
#include "kafka/snapshot.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::kafka {

/// Whose names are given. What no exporter has is given always.
struct Naming {
  bool kafka_exporter = true;    // danielqsj/kafka_exporter: kafka_brokers, kafka_topic_*, kafka_consumergroup_*
  bool burrow_exporter = false;  // jirwin/burrow_exporter: kafka_burrow_*
  bool burrow = false;           // linkedin/Burrow itself: burrow_kafka_*
  bool grafana = false;  // grafana/kafka_exporter: kafka_consumergroup_uncommitted_offsets, kafka_consumer_lag_*
  bool kafka_lag_exporter = false;  // seglo/kafka-lag-exporter: kafka_consumergroup_group_*, kafka_partition_*
};

struct SeriesOptions {
  Naming naming;
  std::string cluster;                       // the value of the labels `cluster` and `cluster_name`
  std::vector<std::string> expected_groups;  // what must exist; its absence is told
  std::vector<std::string> expected_topics;
  bool lag_seconds = true;  // false: no histories are kept, and no lag in time is given
  /// Of brokers, topics and groups, in this order. What is said of the whole is given always.
  std::size_t max_series = std::numeric_limits<std::size_t>::max();
};

/// What is known of a partition's past.
struct KeptHistory {
  std::string topic;
  std::int32_t partition = 0;
  std::vector<EndAt> points;
};

/// The series of one cluster. It remembers slots, so that a familiar cluster costs no look-ups of labels, and
/// histories. What has not been seen for sixteen looks is forgotten.
class Series {
 public:
  Series(const core::Labels& base, SeriesOptions options);
  ~Series();
  Series(Series&&) noexcept;
  Series& operator=(Series&&) noexcept;

  /// A look that went well, in whole or in part.
  void add(const Snapshot& snapshot, core::SeriesTable& table);
  /// A look that failed: kafka_up is 0, and nothing else is known.
  void add_down(core::SeriesTable& table);

  [[nodiscard]] std::vector<KeptHistory> histories() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::probes::kafka
