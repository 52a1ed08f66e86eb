// Every metric of a Kafka cluster: its name, type and help, and in whose words its labels are.
#pragma once

#include <span>
#include <string_view>

#include "tocsin/core/observation.hpp"

namespace tocsin::probes::kafka {

enum class Metric : unsigned {
  // danielqsj/kafka_exporter
  brokers,
  broker_info,
  exporter_build_info,
  topic_partitions,
  partition_current_offset,
  partition_oldest_offset,
  partition_leader,
  partition_replicas,
  partition_in_sync,
  partition_preferred,
  partition_under_replicated,
  group_current_offset,
  group_current_offset_sum,
  group_lag,
  group_lag_sum,
  group_members,
  // names that people look for and no exporter has
  up,
  group_lag_seconds,
  group_max_lag,
  group_max_lag_seconds,
  // ours
  controller,
  offline_partitions,
  under_replicated_partitions,
  group_present,
  topic_present,
  group_state,
  group_stalled_seconds,
  group_uncommitted,
  group_ahead,
  group_worst_partition,
  group_lag_methods,
  errors,
  left_out,
  series_refused,
  // grafana/kafka_exporter
  grafana_uncommitted,
  grafana_uncommitted_sum,
  grafana_lag_millis,
  grafana_interpolation,
  grafana_extrapolation,
  // seglo/kafka-lag-exporter
  seglo_latest,
  seglo_earliest,
  seglo_offset,
  seglo_lag,
  seglo_lag_seconds,
  seglo_max_lag,
  seglo_max_lag_seconds,
  seglo_sum_lag,
  seglo_topic_sum_lag,
  seglo_poll_time,
  // jirwin/burrow_exporter
  jirwin_lag,
  jirwin_current_offset,
  jirwin_status,
  jirwin_max_offset,
  jirwin_total_lag,
  jirwin_group_status,
  jirwin_topic_offset,
  // linkedin/Burrow itself
  burrow_lag_total,
  burrow_consumer_status,
  burrow_partition_status,
  burrow_current_offset,
  burrow_partition_lag,
  burrow_topic_offset,
};

inline constexpr std::size_t metric_count = static_cast<std::size_t>(Metric::burrow_topic_offset) + 1;

/// In whose words the labels are: what a group is called, and which label names the cluster.
struct Words {
  std::string_view group = "consumergroup";
  std::string_view cluster;  // empty: no such label
};

[[nodiscard]] const core::MetricMeta& meta(Metric metric);
[[nodiscard]] Words words(Metric metric);
/// All of them, for TYPE and HELP.
[[nodiscard]] std::span<const core::MetricMeta> all_metrics();

}  // namespace tocsin::probes::kafka
