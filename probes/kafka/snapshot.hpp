// What one round of questions to a Kafka cluster brought home, as plain values: the driver fills it, the pure part
// makes metrics of it. Names are as the cluster gives them; patterns (`topics`, `consumer_groups`) have been applied
// already.
//
// The order of the round: metadata, groups and their commits, and only then the end offsets. So an end offset is never
// older than a commit it is compared with; what is negative all the same (a topic was made anew) is for the reader to
// deal with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/time.hpp"

namespace tocsin::probes::kafka {

/// An error of one part of the round; the round itself may have gone well. The word is librdkafka's name of the error
/// without its prefix ("NOT_COORDINATOR", "_TIMED_OUT"): a fixed set, but for logs rather than labels.
struct PartError {
  int code = 0;  // rd_kafka_resp_err_t; 0 = none
  std::string word;
  [[nodiscard]] bool none() const { return code == 0; }
  bool operator==(const PartError&) const = default;
};

struct Broker {
  std::int32_t id = -1;
  std::string host;
  std::uint16_t port = 0;
  std::string rack;  // empty: unknown (librdkafka 2.0 does not tell)
};

/// The first record that was written at or after `at` has this offset: a point of the history of a partition, from the
/// broker's time index. Asked for when a partition is met first, so that lag in seconds need not wait for a history.
struct OffsetAt {
  core::TimePoint at;
  std::int64_t offset = 0;
};

struct Partition {
  std::int32_t id = 0;
  std::int32_t leader = -1;            // -1: none, the partition is offline
  std::vector<std::int32_t> replicas;  // the first is the preferred leader
  std::vector<std::int32_t> isrs;
  PartError error;                     // as the metadata has it (LEADER_NOT_AVAILABLE, ...)
  std::optional<std::int64_t> oldest;  // nothing where it could not be had
  std::optional<std::int64_t> newest;  // the high watermark, or the last stable offset where read_committed is asked
  PartError offset_error;              // why `oldest` or `newest` is missing
  std::vector<OffsetAt> past;          // oldest first; mostly empty
};

struct Topic {
  std::string name;
  bool internal = false;  // __consumer_offsets, __transaction_state
  PartError error;
  std::vector<Partition> partitions;  // by id
};

enum class GroupState {
  unknown,
  preparing_rebalance,
  completing_rebalance,
  stable,
  dead,
  empty,
  assigning,
  reconciling
};

/// As Kafka's own tools write it: "Stable", "PreparingRebalance", ...; "Unknown" for what has no name here.
[[nodiscard]] constexpr std::string_view to_string(GroupState state) {
  switch (state) {
    case GroupState::unknown:
      return "Unknown";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
    case GroupState::dead:
      return "Dead";
    case GroupState::empty:
      return "Empty";
    case GroupState::assigning:
      return "Assigning";
    case GroupState::reconciling:
      return "Reconciling";
  }
  return "Unknown";
}

/// What protocol the group speaks. `consumer` is KIP-848's: it is listed and has commits, but its members cannot be
/// asked for by the old request.
enum class GroupKind { unknown, classic, consumer };

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  bool operator==(const TopicPartition&) const = default;
};

struct Member {
  std::string id;
  std::string client_id;
  std::string host;  // as the broker writes it, "/10.0.0.7"
  std::vector<TopicPartition> assigned;
};

struct Commit {
  std::int32_t partition = 0;
  std::int64_t offset = -1;  // -1: nothing committed
  PartError error;
};

/// What a group committed in one topic; the partitions by id. Only topics in which it has a commit are listed, then
/// with each partition that the coordinator named.
struct TopicCommits {
  std::string topic;
  std::vector<Commit> partitions;
};

struct Group {
  std::string name;
  GroupState state = GroupState::unknown;
  GroupKind kind = GroupKind::unknown;
  std::string protocol_type;  // "consumer" for consumers, "connect", ...; empty: unknown or a simple group
  std::int32_t coordinator = -1;
  bool described = false;  // false: `members` is not known rather than empty
  std::vector<Member> members;
  std::vector<TopicCommits> commits;  // by topic
  PartError describe_error;
  PartError commits_error;  // not none: `commits` is not known
};

struct Snapshot {
  std::string cluster_id;        // empty: not told
  std::int32_t controller = -1;  // -1: not told
  std::vector<Broker> brokers;   // by id: those that are alive, as the cluster sees it
  std::vector<Topic> topics;     // by name
  std::vector<Group> groups;     // by name
  bool groups_known = false;     // false: the list could not be had at all
  PartError groups_error;        // of the list, or of a part of it (one broker did not answer)

  core::TimePoint started_at;  // the time of the samples
  core::TimePoint commits_at;  // when the first commit was read
  core::TimePoint offsets_at;  // when the end offsets had been read

  std::size_t topics_left_out = 0;  // by the bound on topics and partitions, not by patterns
  std::size_t groups_left_out = 0;
};

}  // namespace tocsin::probes::kafka
