// Series of consumer groups: what they have committed, how far they are behind, and how they get on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kafka/progress.hpp"
#include "kafka/snapshot.hpp"
#include "kafka/topics.hpp"
#include "kafka/writer.hpp"

namespace tocsin::probes::kafka {

class GroupSeries {
 public:
  explicit GroupSeries(const SeriesOptions& options);

  /// After the topics of the same look.
  void add(const Snapshot& snapshot, std::uint32_t look, const TopicSeries& topics, Writer& writer,
           core::SeriesTable& table);
  void forget_old();

 private:
  /// What other programs call a group's place in a partition.
  struct Aliases {
    std::array<KnownSeries, 14> known;
    StatusWindow window;
    std::string owner;  // the member's id, in the labels of kafka-lag-exporter
  };
  struct PartitionEntry {
    std::int32_t id = -1;
    std::uint32_t seen = 0;  // the look in which there was a commit last
    std::uint32_t owned = 0, uncommitted = 0;
    const Member* owner = nullptr;     // of the look `owned`
    std::array<KnownSeries, 3> known;  // offset, lag, lag in seconds
    Progress progress;
    std::unique_ptr<Aliases> aliases;
  };
  struct TopicEntry {
    std::uint32_t seen = 0;
    std::array<KnownSeries, 4> known;
    std::vector<PartitionEntry> partitions;  // by id
  };
  struct Entry {
    std::uint32_t seen = 0;
    GroupState state = GroupState::unknown;
    std::string worst_topic;
    std::int32_t worst_partition = -1;
    KnownSeries state_series, worst_series;
    std::array<KnownSeries, 13> known;
    std::array<KnownSeries, lag_method_count + 1> methods;
    ByName<TopicEntry> topics;
  };
  struct Sums;
  struct Round;

  void add(const Group& group, Entry& entry, const Round& round);
  void note_owners(const Group& group, Entry& entry, const Round& round, Sums& sums, bool count);
  void add(const Group& group, const TopicCommits& commits, Entry& entry, const Round& round, Sums& sums);
  void add_partition(const Group& group, const TopicCommits& commits, const Commit& commit,
                     const TopicSeries::PartitionEntry& end, PartitionEntry& entry, const Round& round, Sums& sums);
  void add_aliases(const Where& where, const Commit& commit, std::int64_t newest, std::optional<TimeLag> time,
                   PartitionEntry& entry, const Round& round, Sums& sums, bool has_members);
  void add_sums(const Group& group, Entry& entry, const Round& round, const Sums& sums);
  void add_worst(const Group& group, Entry& entry, const Round& round, const Sums& sums);
  void add_expected(const Snapshot& snapshot, const Round& round);

  bool lag_seconds_;
  bool aliases_;
  std::uint32_t look_ = 0;
  ByName<Entry> groups_;
  std::vector<std::string> expected_;
  std::vector<std::array<KnownSeries, 3>> expected_known_;
};

}  // namespace tocsin::probes::kafka
