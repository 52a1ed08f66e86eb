#include "kafka/topics.hpp"

#include <algorithm>

namespace tocsin::probes::kafka {

const TopicSeries::PartitionEntry* TopicSeries::Entry::find(std::size_t hint, std::int32_t id) const {
  if (hint < partitions.size() && partitions[hint].id == id) return &partitions[hint];
  const auto it = std::lower_bound(partitions.begin(), partitions.end(), id,
                                   [](const PartitionEntry& e, std::int32_t i) { return e.id < i; });
  return it != partitions.end() && it->id == id ? &*it : nullptr;
}

const TopicSeries::Entry* TopicSeries::find(std::string_view topic) const {
  const auto it = topics_.find(topic);
  return it != topics_.end() && it->second.seen == look_ ? &it->second : nullptr;
}

void TopicSeries::add(const Snapshot& snapshot, std::uint32_t look, Writer& writer, core::SeriesTable& table) {
  look_ = look;
  offline_ = under_replicated_ = 0;
  for (const Topic& topic : snapshot.topics) {
    if (!topic.error.none() && topic.partitions.empty()) continue;
    auto it = topics_.find(std::string_view(topic.name));
    if (it == topics_.end()) it = topics_.emplace(topic.name, Entry{}).first;
    Entry& entry = it->second;
    entry.seen = look;
    entry.partitions.reserve(topic.partitions.size());
    writer.put(table, entry.count, Metric::topic_partitions, static_cast<double>(topic.partitions.size()),
               {.topic = topic.name});
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const Partition& partition = topic.partitions[i];
      PartitionEntry& known = entry_with_id(entry.partitions, i, partition.id);
      known.seen = look;
      known.newest = partition.newest && *partition.newest >= 0 ? partition.newest : std::nullopt;
      if (keep_histories_) remember(partition, snapshot.offsets_at, known.history);
      add(topic, partition, known, writer, table);
    }
  }
}

void TopicSeries::add(const Topic& topic, const Partition& partition, PartitionEntry& entry, Writer& writer,
                      core::SeriesTable& table) {
  const bool offline = partition.leader < 0;
  const bool under_replicated = partition.isrs.size() < partition.replicas.size();
  offline_ += offline ? 1 : 0;
  under_replicated_ += under_replicated ? 1 : 0;

  const Where where{.topic = topic.name, .partition = partition.id};
  const auto put = [&](Metric metric, double value) {
    const auto place = static_cast<unsigned>(metric) - static_cast<unsigned>(Metric::partition_current_offset);
    writer.put(table, entry.known[place], metric, value, where);
  };
  if (partition.newest) {
    const auto newest = static_cast<double>(*partition.newest);
    put(Metric::partition_current_offset, newest);
    writer.put(table, entry.aliases[0], Metric::seglo_latest, newest, where);
    writer.put(table, entry.aliases[1], Metric::jirwin_topic_offset, newest, where);
    writer.put(table, entry.aliases[2], Metric::burrow_topic_offset, newest, where);
  }
  if (partition.oldest) {
    put(Metric::partition_oldest_offset, static_cast<double>(*partition.oldest));
    writer.put(table, entry.aliases[3], Metric::seglo_earliest, static_cast<double>(*partition.oldest), where);
  }
  put(Metric::partition_leader, partition.leader);
  put(Metric::partition_replicas, static_cast<double>(partition.replicas.size()));
  put(Metric::partition_in_sync, static_cast<double>(partition.isrs.size()));
  const bool preferred = !offline && !partition.replicas.empty() && partition.replicas.front() == partition.leader;
  put(Metric::partition_preferred, preferred ? 1 : 0);
  put(Metric::partition_under_replicated, under_replicated ? 1 : 0);
}

void TopicSeries::remember(const Partition& partition, core::TimePoint at, OffsetHistory& history) const {
  if (partition.newest && *partition.newest >= 0) history.add({at, *partition.newest});
  if (!partition.past.empty()) {
    std::vector<EndAt> past;
    past.reserve(partition.past.size());
    for (const OffsetAt& point : partition.past) {
      if (point.offset >= 0) past.push_back({point.at, point.offset});
    }
    history.seed(past);
  }
  if (partition.oldest) history.drop_below(*partition.oldest);
}

void TopicSeries::forget_old() {
  const auto old = [this](std::uint32_t seen) { return look_ - seen >= forget_after; };
  erase_values(topics_, [&](Entry& entry) {
    std::erase_if(entry.partitions, [&](const PartitionEntry& partition) { return old(partition.seen); });
    return old(entry.seen);
  });
}

}  // namespace tocsin::probes::kafka
