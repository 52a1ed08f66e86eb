#include "kafka/metric.hpp"

#include <array>

namespace tocsin::probes::kafka {
namespace {

constexpr auto gauge = core::MetricType::gauge;
constexpr auto counter = core::MetricType::counter;

// In the order of the enumeration.
constexpr core::MetricMeta table[] = {
    {"kafka_brokers", gauge, "Number of brokers that are alive."},
    {"kafka_broker_info", gauge, "1 for each broker that is alive, with its address."},
    {"kafka_exporter_build_info", gauge, "1, with the version of what gives the names of kafka_exporter."},
    {"kafka_topic_partitions", gauge, "Number of partitions of the topic."},
    {"kafka_topic_partition_current_offset", gauge, "Where the partition's log ends: the offset of the next record."},
    {"kafka_topic_partition_oldest_offset", gauge, "The offset of the oldest record that is still there."},
    {"kafka_topic_partition_leader", gauge, "The broker that leads the partition; -1 if there is none."},
    {"kafka_topic_partition_replicas", gauge, "Number of replicas that the partition should have."},
    {"kafka_topic_partition_in_sync_replica", gauge, "Number of replicas that are in sync."},
    {"kafka_topic_partition_leader_is_preferred", gauge, "1 if the first of the replicas leads."},
    {"kafka_topic_partition_under_replicated_partition", gauge,
     "1 if fewer replicas are in sync than there should be."},
    {"kafka_consumergroup_current_offset", gauge, "What the group has committed in the partition."},
    {"kafka_consumergroup_current_offset_sum", gauge, "Sum of what the group has committed in the topic."},
    {"kafka_consumergroup_lag", gauge, "Records between the group's commit and the partition's end; never below 0."},
    {"kafka_consumergroup_lag_sum", gauge, "Sum of the group's lags in the topic."},
    {"kafka_consumergroup_members", gauge, "Number of members of the group."},
    {"kafka_up", gauge, "Whether the last look at the cluster brought its metadata."},
    {"kafka_consumergroup_lag_seconds", gauge,
     "For how long the next record that the group will read has been waiting."},
    {"kafka_consumergroup_max_lag", gauge, "The largest lag of the group in any partition, in records."},
    {"kafka_consumergroup_max_lag_seconds", gauge, "The largest lag of the group in any partition, in seconds."},
    {"tocsin_kafka_controller_id", gauge, "The broker that is the cluster's controller."},
    {"tocsin_kafka_offline_partitions", gauge, "Number of partitions without a leader."},
    {"tocsin_kafka_under_replicated_partitions", gauge,
     "Number of partitions with fewer replicas in sync than they should have."},
    {"tocsin_kafka_consumergroup_present", gauge, "Whether a group that the configuration names exists."},
    {"tocsin_kafka_topic_present", gauge, "Whether a topic that the configuration names exists."},
    {"tocsin_kafka_consumergroup_state", gauge, "1, with the state that the group is in."},
    {"tocsin_kafka_consumergroup_stalled_seconds", gauge,
     "For how long records have waited in some partition while the group's commit there stood still."},
    {"tocsin_kafka_consumergroup_uncommitted_partitions", gauge,
     "Number of partitions of the group's topics in which it has committed nothing."},
    {"tocsin_kafka_consumergroup_ahead_partitions", gauge,
     "Number of partitions that end before the group's commit: the topic was made anew or lost records."},
    {"tocsin_kafka_consumergroup_worst_partition", gauge,
     "The lag in the partition in which the group is furthest behind."},
    {"tocsin_kafka_consumergroup_lag_seconds_partitions", gauge,
     "Number of partitions by how their lag in seconds was come by."},
    {"tocsin_kafka_errors", gauge, "Number of parts of the last look that could not be had."},
    {"tocsin_kafka_left_out", gauge, "Number of topics and groups that were left out because there are too many."},
    {"tocsin_kafka_series_refused_total", counter, "Samples left out since max_series was reached."},
    {"kafka_consumergroup_uncommitted_offsets", gauge, "Records between the group's commit and the partition's end."},
    {"kafka_consumergroup_uncommitted_offsets_sum", gauge, "Sum of the group's lags in the topic."},
    {"kafka_consumer_lag_millis", gauge,
     "For how long the next record that the group will read has been waiting, in milliseconds."},
    {"kafka_consumer_lag_interpolation", counter, "1 where the lag in time was interpolated."},
    {"kafka_consumer_lag_extrapolation", counter, "1 where the lag in time was extrapolated."},
    {"kafka_partition_latest_offset", gauge, "Where the partition's log ends."},
    {"kafka_partition_earliest_offset", gauge, "The offset of the oldest record that is still there."},
    {"kafka_consumergroup_group_offset", gauge, "What the group has committed in the partition."},
    {"kafka_consumergroup_group_lag", gauge, "Records between the group's commit and the partition's end."},
    {"kafka_consumergroup_group_lag_seconds", gauge,
     "For how long the next record that the group will read has been waiting."},
    {"kafka_consumergroup_group_max_lag", gauge, "The largest lag of the group in any partition, in records."},
    {"kafka_consumergroup_group_max_lag_seconds", gauge, "The largest lag of the group in any partition, in seconds."},
    {"kafka_consumergroup_group_sum_lag", gauge, "Sum of the group's lags."},
    {"kafka_consumergroup_group_topic_sum_lag", gauge, "Sum of the group's lags in the topic."},
    {"kafka_consumergroup_poll_time_ms", gauge, "How long the last look at the cluster took, in milliseconds."},
    {"kafka_burrow_partition_lag", gauge, "Records between the group's commit and the partition's end."},
    {"kafka_burrow_partition_current_offset", gauge, "What the group has committed in the partition."},
    {"kafka_burrow_partition_status", gauge,
     "State of the group in the partition: 1 not found, 2 ok, 3 warn, 4 error, 5 stop, 6 stall, 7 rewind."},
    {"kafka_burrow_partition_max_offset", gauge, "Where the partition's log ends."},
    {"kafka_burrow_total_lag", gauge, "Sum of the group's lags."},
    {"kafka_burrow_status", gauge, "State of the group: 1 not found, 2 ok, 3 warn, 4 error."},
    {"kafka_burrow_topic_partition_offset", gauge, "Where the partition's log ends."},
    {"burrow_kafka_consumer_lag_total", gauge, "Sum of the group's lags."},
    {"burrow_kafka_consumer_status", gauge, "State of the group: 0 not found, 1 ok, 2 warn, 3 error."},
    {"burrow_kafka_topic_partition_status", gauge,
     "State of the group in the partition: 1 ok, 2 warn, 3 error, 4 stop, 5 stall, 6 rewind."},
    {"burrow_kafka_consumer_current_offset", gauge, "What the group has committed in the partition."},
    {"burrow_kafka_consumer_partition_lag", gauge, "Records between the group's commit and the partition's end."},
    {"burrow_kafka_topic_partition_offset", gauge, "Where the partition's log ends."},
};
static_assert(std::size(table) == metric_count);

}  // namespace

const core::MetricMeta& meta(Metric metric) { return table[static_cast<unsigned>(metric)]; }

Words words(Metric metric) {
  if (metric >= Metric::burrow_lag_total) return {"consumer_group", "cluster"};
  if (metric >= Metric::jirwin_lag) return {"group", "cluster"};
  if (metric >= Metric::seglo_latest) return {"group", "cluster_name"};
  return {};
}

std::span<const core::MetricMeta> all_metrics() { return table; }

}  // namespace tocsin::probes::kafka
