#include "kafka/round.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tocsin::probes::kafka {

using core::Outcome;
using core::Phase;

namespace {

std::string text_and_free(rd_kafka_t* client, char* text) {
  std::string copy = text == nullptr ? "" : text;
  if (text != nullptr) rd_kafka_mem_free(client, text);
  return copy;
}

Partition to_partition(const rd_kafka_metadata_partition_t& from) {
  Partition partition;
  partition.id = from.id;
  partition.leader = from.leader;
  partition.replicas.assign(from.replicas, from.replicas + from.replica_cnt);
  partition.isrs.assign(from.isrs, from.isrs + from.isr_cnt);
  partition.error = part_error(from.err);
  return partition;
}

Topic to_topic(const rd_kafka_metadata_topic_t& from) {
  Topic topic;
  topic.name = from.topic;
  topic.internal =
      topic.name == "__consumer_offsets" || topic.name == "__transaction_state" || topic.name == "__share_group_state";
  topic.error = part_error(from.err);
  for (int i = 0; i < from.partition_cnt; ++i) topic.partitions.push_back(to_partition(from.partitions[i]));
  std::ranges::sort(topic.partitions, {}, &Partition::id);
  return topic;
}

void take_metadata(const struct rd_kafka_metadata& from, const Plan& plan, Snapshot& into) {
  for (int i = 0; i < from.broker_cnt; ++i) {
    const auto& broker = from.brokers[i];
    into.brokers.push_back({broker.id, broker.host, static_cast<std::uint16_t>(broker.port), {}});
  }
  std::ranges::sort(into.brokers, {}, &Broker::id);
  std::vector<const rd_kafka_metadata_topic_t*> wanted;
  for (int i = 0; i < from.topic_cnt; ++i) {
    if (plan.topics.matches(from.topics[i].topic)) wanted.push_back(&from.topics[i]);
  }
  std::ranges::sort(wanted, {}, [](const auto* topic) { return std::string_view(topic->topic); });
  std::size_t partitions = 0;
  for (const auto* const topic : wanted) {
    partitions += static_cast<std::size_t>(topic->partition_cnt);
    if (partitions > plan.max_partitions) {
      ++into.topics_left_out;
    } else {
      into.topics.push_back(to_topic(*topic));
    }
  }
}

/// Waits for a broker that can be asked; who gives up is heard every `longest_slice`.
core::Result<Metadata> fetch_metadata(const Asking& asking, std::atomic<Phase>& phase) {
  bool patient = false;
  auto code = no_answer;
  while (!asking.over()) {
    const int time = patient ? asking.part(1) : std::min(asking.part(1), Asking::longest_slice);
    const struct rd_kafka_metadata* metadata = nullptr;
    code = rd_kafka_metadata(asking.client(), 1, nullptr, &metadata, time);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Metadata(metadata);
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) {
      // It was asked, in what was left of the slice. From now on it gets all the time there is.
      patient = true;
      phase = Phase::query;
    } else if (code != RD_KAFKA_RESP_ERR__TRANSPORT) {
      break;
    }
  }
  if (code == RD_KAFKA_RESP_ERR__TRANSPORT) code = no_answer;  // no connection became usable in time
  const char* const what = code == no_answer ? "no broker answered before the deadline" : rd_kafka_err2str(code);
  return failure_of(code, phase, what);
}

}  // namespace

core::Result<void> ask_metadata(const Asking& asking, const Plan& plan, std::atomic<Phase>& phase, Snapshot& into) {
  const auto metadata = fetch_metadata(asking, phase);
  if (!metadata) return metadata.error();
  phase = Phase::query;
  take_metadata(**metadata, plan, into);
  into.cluster_id = text_and_free(asking.client(), rd_kafka_clusterid(asking.client(), 0));
  into.controller = rd_kafka_controllerid(asking.client(), 0);
  return {};
}

core::Result<Snapshot> ask_all(Client& client, const Plan& plan, Memory& memory, core::TimePoint at,
                               core::Deadline deadline, std::atomic<Phase>& phase) {
  const auto begun = std::chrono::steady_clock::now();
  const auto now = [&] {
    return at + std::chrono::duration_cast<core::Duration>(std::chrono::steady_clock::now() - begun);
  };
  const Asking asking(client, deadline);
  Snapshot snapshot;
  snapshot.started_at = at;
  if (auto metadata = ask_metadata(asking, plan, phase, snapshot); !metadata) return metadata.error();
  snapshot.commits_at = now();
  // A coordinator that hangs must leave time for the ends of the partitions.
  if (plan.with_groups) ask_groups(asking.within(plan.with_offsets ? 0.6 : 1), plan, snapshot);
  if (plan.with_offsets) ask_offsets(asking, plan, memory, snapshot);
  snapshot.offsets_at = now();
  if (client.given_up()) return core::Failure{Outcome::cancelled, Phase::query, "given up"};
  return snapshot;
}

}  // namespace tocsin::probes::kafka
