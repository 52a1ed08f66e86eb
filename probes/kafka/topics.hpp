// Series of topics and partitions, and the partitions' histories.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kafka/history.hpp"
#include "kafka/snapshot.hpp"
#include "kafka/writer.hpp"

namespace tocsin::probes::kafka {

/// Looks strings up without making a std::string of them.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};
template <class Value>
using ByName = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

/// std::erase_if, with values that the condition may change.
template <class Value, class Condition>
void erase_values(ByName<Value>& values, const Condition& condition) {
  for (auto it = values.begin(); it != values.end();) it = condition(it->second) ? values.erase(it) : std::next(it);
}

class TopicSeries {
 public:
  struct PartitionEntry {
    std::int32_t id = -1;
    std::uint32_t seen = 0;              // the look in which it was there last
    std::optional<std::int64_t> newest;  // as of that look
    std::array<KnownSeries, 7> known;    // from Metric::partition_current_offset on
    std::array<KnownSeries, 4> aliases;
    OffsetHistory history;
  };
  struct Entry {
    std::uint32_t seen = 0;
    KnownSeries count;
    std::vector<PartitionEntry> partitions;  // by id
    [[nodiscard]] const PartitionEntry* find(std::size_t hint, std::int32_t id) const;
  };

  explicit TopicSeries(bool keep_histories) : keep_histories_(keep_histories) {}

  void add(const Snapshot& snapshot, std::uint32_t look, Writer& writer, core::SeriesTable& table);
  /// A topic that is there in this look, or null.
  [[nodiscard]] const Entry* find(std::string_view topic) const;
  [[nodiscard]] std::size_t offline() const { return offline_; }
  [[nodiscard]] std::size_t under_replicated() const { return under_replicated_; }
  void forget_old();

  [[nodiscard]] const ByName<Entry>& all() const { return topics_; }

 private:
  void add(const Topic& topic, const Partition& partition, PartitionEntry& entry, Writer& writer,
           core::SeriesTable& table);
  void remember(const Partition& partition, core::TimePoint at, OffsetHistory& history) const;

  bool keep_histories_;
  std::uint32_t look_ = 0;
  std::size_t offline_ = 0;
  std::size_t under_replicated_ = 0;
  ByName<Entry> topics_;
};

}  // namespace tocsin::probes::kafka
