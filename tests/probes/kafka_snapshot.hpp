// Clusters made by hand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/series.hpp"
#include "kafka/snapshot.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::kafka::test {

inline core::TimePoint at(double seconds) {
  return core::from_millis(1'800'000'000'000 + static_cast<std::int64_t>(seconds * 1000));
}

inline Partition partition(std::int32_t id, std::int64_t newest, std::int64_t oldest = 0) {
  Partition made;
  made.id = id;
  made.leader = 1;
  made.replicas = made.isrs = {1, 2, 3};
  made.newest = newest;
  made.oldest = oldest;
  return made;
}

inline Topic topic(std::string name, const std::vector<std::int64_t>& ends) {
  Topic made;
  made.name = std::move(name);
  for (const std::int64_t end : ends)
    made.partitions.push_back(partition(static_cast<int>(made.partitions.size()), end));
  return made;
}

/// A group with one member for each topic's partitions.
inline Group group(std::string name, const std::map<std::string, std::vector<std::int64_t>>& commits) {
  Group made;
  made.name = std::move(name);
  made.state = GroupState::stable;
  made.kind = GroupKind::classic;
  made.described = true;
  Member member{"m-1", "app", "/10.0.0.7", {}};
  for (const auto& [topic_name, offsets] : commits) {
    TopicCommits one{topic_name, {}};
    for (const std::int64_t offset : offsets) {
      const auto id = static_cast<std::int32_t>(one.partitions.size());
      one.partitions.push_back({id, offset, {}});
      member.assigned.push_back({topic_name, id});
    }
    made.commits.push_back(std::move(one));
  }
  made.members.push_back(std::move(member));
  return made;
}

inline Snapshot snapshot(double seconds, std::vector<Topic> topics, std::vector<Group> groups) {
  Snapshot made;
  made.controller = 1;
  made.brokers = {{1, "b1", 9092, ""}, {2, "b2", 9092, ""}, {3, "b3", 9092, ""}};
  made.topics = std::move(topics);
  made.groups = std::move(groups);
  made.groups_known = true;
  made.started_at = made.commits_at = made.offsets_at = at(seconds);
  return made;
}

/// The samples of one look, with the labels that the target brings left out.
class Looks {
 public:
  explicit Looks(SeriesOptions options = {}) : series_({{"job", "kafka"}, {"instance", "main"}}, std::move(options)) {}

  const std::map<std::string, double>& look(const Snapshot& snapshot) {
    table_.begin();
    series_.add(snapshot, table_);
    return read();
  }
  const std::map<std::string, double>& down() {
    table_.begin();
    series_.add_down(table_);
    return read();
  }
  [[nodiscard]] std::optional<double> value(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? std::nullopt : std::optional<double>(it->second);
  }
  /// How many series have this metric's name.
  [[nodiscard]] std::size_t count(std::string_view metric) const {
    return static_cast<std::size_t>(std::count_if(values_.begin(), values_.end(), [&](const auto& item) {
      return item.first == metric || item.first.starts_with(std::string(metric) + "{");
    }));
  }
  [[nodiscard]] Series& series() { return series_; }
  [[nodiscard]] core::SeriesTable& table() { return table_; }
  [[nodiscard]] std::size_t fresh() const { return fresh_; }

 private:
  const std::map<std::string, double>& read() {
    values_.clear();
    const core::Batch batch = table_.take();
    fresh_ = batch.fresh.size();
    for (const core::Row& row : batch.rows) {
      core::Labels labels = table_.labels(row.slot);
      labels.erase("job");
      labels.erase("instance");
      doubled_ = !values_.emplace(labels.to_string(), row.value).second || doubled_;
    }
    return values_;
  }

 public:
  bool doubled_ = false;  // a series had two samples

 private:
  Series series_;
  core::SeriesTable table_;
  std::map<std::string, double> values_;
  std::size_t fresh_ = 0;
};

}  // namespace tocsin::probes::kafka::test
