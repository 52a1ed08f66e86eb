// Clusters that say anything, look after look: every sample is a number, no lag is negative, no series has two samples
// in one batch, and a history stays in order and within its bound.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "kafka/series.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::probes::kafka;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool any() const { return at_ < size_; }
  std::uint8_t next() { return any() ? data_[at_++] : 0; }
  /// Mostly small, now and then as large as it gets.
  std::int64_t offset() {
    const std::uint8_t first = next();
    if (first == 255) return INT64_MAX;
    if (first == 254) return -1;
    return static_cast<std::int64_t>(first) << (next() % 40);
  }
  PartError error() { return next() % 8 == 0 ? PartError{7, "_TIMED_OUT"} : PartError{}; }
  std::string name(const char* prefix) {
    std::string made = prefix + std::to_string(next() % 3);
    if (next() % 64 == 0) made.append(300, static_cast<char>(next()));
    return made;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

Topic read_topic(Bytes& bytes, std::string name, core::TimePoint now) {
  Topic topic;
  topic.name = std::move(name);
  topic.error = bytes.error();
  std::int32_t id = 0;
  for (int left = bytes.next() % 5; left > 0; --left) {
    Partition partition;
    partition.id = id;
    id += 1 + bytes.next() % 2;
    partition.leader = bytes.next() % 4 - 1;
    partition.replicas.resize(bytes.next() % 4);
    partition.isrs.resize(bytes.next() % 4);
    partition.offset_error = bytes.error();
    if (bytes.next() % 4 != 0) partition.newest = bytes.offset();
    if (bytes.next() % 4 != 0) partition.oldest = bytes.offset();
    for (int past = bytes.next() % 3; past > 0; --past) {
      partition.past.push_back({now - std::chrono::seconds(bytes.next()), bytes.offset()});
    }
    topic.partitions.push_back(std::move(partition));
  }
  return topic;
}

Group read_group(Bytes& bytes, std::string name) {
  Group group;
  group.name = std::move(name);
  group.state = static_cast<GroupState>(bytes.next() % 8);
  group.described = bytes.next() % 2 == 0;
  group.commits_error = bytes.error();
  for (int left = bytes.next() % 3; left > 0; --left) {
    Member member{bytes.name("member"), "client", "/10.0.0.1", {}};
    for (int assigned = bytes.next() % 4; assigned > 0; --assigned) {
      member.assigned.push_back({bytes.name("topic"), bytes.next() % 6 - 1});
    }
    group.members.push_back(std::move(member));
  }
  std::set<std::string> topics;
  for (int left = bytes.next() % 3; left > 0; --left) topics.insert(bytes.name("topic"));
  for (const std::string& topic : topics) {
    TopicCommits commits{topic, {}};
    std::int32_t id = 0;
    for (int partitions = bytes.next() % 5; partitions > 0; --partitions) {
      commits.partitions.push_back({id, bytes.offset(), bytes.error()});
      id += 1 + bytes.next() % 2;
    }
    group.commits.push_back(std::move(commits));
  }
  return group;
}

Snapshot read_snapshot(Bytes& bytes, core::TimePoint now) {
  Snapshot snapshot;
  snapshot.started_at = snapshot.commits_at = snapshot.offsets_at = now;
  snapshot.groups_known = bytes.next() % 8 != 0;
  snapshot.groups_error = bytes.error();
  for (std::int32_t id = 0; id < bytes.next() % 3; ++id) snapshot.brokers.push_back({id, bytes.name("host"), 9092, ""});
  std::set<std::string> names;
  for (int left = bytes.next() % 4; left > 0; --left) names.insert(bytes.name("topic"));
  for (const std::string& name : names) snapshot.topics.push_back(read_topic(bytes, name, now));
  names.clear();
  for (int left = bytes.next() % 4; left > 0; --left) names.insert(bytes.name("group"));
  for (const std::string& name : names) snapshot.groups.push_back(read_group(bytes, name));
  return snapshot;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  SeriesOptions options;
  options.naming = {true, true, true, true, true};
  options.cluster = "main";
  options.expected_groups = {"group0", "group9"};
  options.expected_topics = {"topic0"};
  Series series({{"job", "kafka"}, {"instance", "main"}}, options);
  core::SeriesTable table(2000);
  core::TimePoint now = core::from_millis(1'800'000'000'000);
  while (bytes.any()) {
    now += std::chrono::seconds(bytes.next() - 20);
    const Snapshot snapshot = read_snapshot(bytes, now);
    table.begin();
    series.add(snapshot, table);
    std::set<core::Slot> slots;
    for (const core::Row& row : table.take().rows) {
      require(slots.insert(row.slot).second);
      require(!std::isnan(row.value));
      const core::Labels labels = table.labels(row.slot);
      const std::string_view name = labels.metric_name();
      require(row.value >= 0 || name.find("leader") != std::string_view::npos || name.ends_with("_offset"));
    }
    for (const KeptHistory& kept : series.histories()) {
      require(kept.points.size() <= OffsetHistory::max_points);
      for (std::size_t i = 1; i < kept.points.size(); ++i) {
        require(kept.points[i].at > kept.points[i - 1].at && kept.points[i].offset >= kept.points[i - 1].offset);
      }
    }
  }
  return 0;
}
