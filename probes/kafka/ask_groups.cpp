// Consumer groups: the list, who is in each, and what each has committed. All groups are asked at once, in bounded
// numbers, and the answers are taken as they come.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kafka/round.hpp"

namespace tocsin::probes::kafka {
namespace {

constexpr std::size_t most_commits_asked = 64;      // groups whose commits are under way
constexpr std::size_t most_described_at_once = 64;  // groups of one request for members

GroupState to_state(rd_kafka_consumer_group_state_t state) {
  switch (state) {
    case RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE:
      return GroupState::preparing_rebalance;
    case RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE:
      return GroupState::completing_rebalance;
    case RD_KAFKA_CONSUMER_GROUP_STATE_STABLE:
      return GroupState::stable;
    case RD_KAFKA_CONSUMER_GROUP_STATE_DEAD:
      return GroupState::dead;
    case RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY:
      return GroupState::empty;
    default:
      return GroupState::unknown;
  }
}

PartError error_of(const rd_kafka_error_t* error) {
  if (error == nullptr) return {};
  return part_error(rd_kafka_error_code(error));
}

class GroupsRound {
 public:
  GroupsRound(const Asking& asking, const Plan& plan, Snapshot& snapshot)
      : asking_(asking), plan_(plan), snapshot_(snapshot), queue_(rd_kafka_queue_new(asking.client())) {}

  void run() {
    list();
    if (snapshot_.groups.empty()) return;
    for (Group& group : snapshot_.groups) {
      group.commits_error = part_error(no_answer);
      group.describe_error = group.commits_error;
    }
    while (more_to_ask() || under_way() > 0) {
      ask_more();
      const auto event = asking_.next_event(queue_.get());
      if (!event) return;
      take(event.get());
    }
  }

 private:
  [[nodiscard]] Owned<rd_kafka_AdminOptions_t> options(rd_kafka_admin_op_t operation, int timeout) const {
    Owned<rd_kafka_AdminOptions_t> options(rd_kafka_AdminOptions_new(asking_.client(), operation));
    std::array<char, 128> why{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), std::max(timeout, 1), why.data(), why.size());
    return options;
  }

  /// Half of the time: a broker that is dead and not yet known to be must not take the rest.
  void list() {
    const auto ask = options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, asking_.part(0.5));
    rd_kafka_ListConsumerGroups(asking_.client(), ask.get(), queue_.get());
    const auto event = asking_.next_event(queue_.get());
    snapshot_.groups_error = part_error(event ? rd_kafka_event_error(event.get()) : no_answer);
    if (!event || !snapshot_.groups_error.none()) return;
    const auto* const result = rd_kafka_event_ListConsumerGroups_result(event.get());
    std::size_t count = 0;
    const auto* const* const errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
    if (count > 0) snapshot_.groups_error = error_of(errors[0]);
    const std::size_t failed = count;
    const auto* const* const listed = rd_kafka_ListConsumerGroups_result_valid(result, &count);
    snapshot_.groups_known = count > 0 || failed < std::max<std::size_t>(snapshot_.brokers.size(), 1);
    for (std::size_t i = 0; i < count; ++i) add(*listed[i]);
    settle_list();
  }
  void add(const rd_kafka_ConsumerGroupListing_t& listing) {
    Group group;
    group.name = rd_kafka_ConsumerGroupListing_group_id(&listing);
    if (!plan_.groups.matches(group.name)) return;
    group.state = to_state(rd_kafka_ConsumerGroupListing_state(&listing));
    if (rd_kafka_ConsumerGroupListing_is_simple_consumer_group(&listing) == 0) group.protocol_type = "consumer";
    snapshot_.groups.push_back(std::move(group));
  }
  void settle_list() {
    auto& groups = snapshot_.groups;
    std::ranges::sort(groups, {}, &Group::name);
    // A group that moves from one broker to another may be listed by both.
    const auto twice = std::ranges::unique(groups, {}, &Group::name);
    groups.erase(twice.begin(), twice.end());
    if (groups.size() <= plan_.max_groups) return;
    snapshot_.groups_left_out = groups.size() - plan_.max_groups;
    groups.resize(plan_.max_groups);
  }

  [[nodiscard]] bool more_to_ask() const {
    return next_commits_ < snapshot_.groups.size() || next_described_ < snapshot_.groups.size();
  }
  [[nodiscard]] std::size_t under_way() const { return commits_under_way_ + descriptions_under_way_; }
  void ask_more() {
    const int time = asking_.part(1);
    while (next_commits_ < snapshot_.groups.size() && commits_under_way_ < most_commits_asked) ask_commits(time);
    if (next_described_ < snapshot_.groups.size() && descriptions_under_way_ == 0) describe(time);
  }
  void ask_commits(int time) {
    Group& group = snapshot_.groups[next_commits_++];
    const auto ask = options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, time);
    rd_kafka_AdminOptions_set_opaque(ask.get(), &group);
    const Owned<rd_kafka_ListConsumerGroupOffsets_t> which(
        rd_kafka_ListConsumerGroupOffsets_new(group.name.c_str(), nullptr));
    rd_kafka_ListConsumerGroupOffsets_t* one = which.get();
    rd_kafka_ListConsumerGroupOffsets(asking_.client(), &one, 1, ask.get(), queue_.get());
    ++commits_under_way_;
  }
  void describe(int time) {
    std::vector<const char*> names;
    const std::size_t end = std::min(next_described_ + most_described_at_once, snapshot_.groups.size());
    for (; next_described_ < end; ++next_described_) names.push_back(snapshot_.groups[next_described_].name.c_str());
    const auto ask = options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, time);
    rd_kafka_DescribeConsumerGroups(asking_.client(), names.data(), names.size(), ask.get(), queue_.get());
    ++descriptions_under_way_;
  }

  void take(rd_kafka_event_t* event) {
    if (const auto* const described = rd_kafka_event_DescribeConsumerGroups_result(event)) {
      --descriptions_under_way_;
      std::size_t count = 0;
      const auto* const* const groups = rd_kafka_DescribeConsumerGroups_result_groups(described, &count);
      for (std::size_t i = 0; i < count; ++i) take_description(*groups[i]);
    } else if (const auto* const offsets = rd_kafka_event_ListConsumerGroupOffsets_result(event)) {
      --commits_under_way_;
      take_commits(event, offsets);
    }
  }
  void take_description(const rd_kafka_ConsumerGroupDescription_t& from) {
    const std::string_view name = rd_kafka_ConsumerGroupDescription_group_id(&from);
    const auto found = std::ranges::lower_bound(snapshot_.groups, name, {}, &Group::name);
    if (found == snapshot_.groups.end() || found->name != name) return;
    Group& group = *found;
    group.describe_error = error_of(rd_kafka_ConsumerGroupDescription_error(&from));
    if (!group.describe_error.none()) return;
    if (const auto* const node = rd_kafka_ConsumerGroupDescription_coordinator(&from)) {
      group.coordinator = rd_kafka_Node_id(node);
    }
    const GroupState state = to_state(rd_kafka_ConsumerGroupDescription_state(&from));
    if (state == GroupState::dead && group.state != GroupState::dead) {
      // It is in the list and yet said to be dead: a group of the new protocol, whose members cannot be asked for.
      // (From a broker that lists no states it may be a group that went in between.)
      if (group.protocol_type == "consumer") group.kind = GroupKind::consumer;
      return;
    }
    group.state = state;
    group.kind = GroupKind::classic;
    group.described = true;
    take_members(from, group);
  }
  static void take_members(const rd_kafka_ConsumerGroupDescription_t& from, Group& group) {
    const std::size_t count = rd_kafka_ConsumerGroupDescription_member_count(&from);
    for (std::size_t i = 0; i < count; ++i) {
      const auto* const member = rd_kafka_ConsumerGroupDescription_member(&from, i);
      Member taken;
      taken.id = rd_kafka_MemberDescription_consumer_id(member);
      taken.client_id = rd_kafka_MemberDescription_client_id(member);
      taken.host = rd_kafka_MemberDescription_host(member);
      const auto* const assignment = rd_kafka_MemberDescription_assignment(member);
      const auto* const list = assignment == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assignment);
      for (int p = 0; list != nullptr && p < list->cnt; ++p) {
        taken.assigned.push_back({list->elems[p].topic, list->elems[p].partition});
      }
      group.members.push_back(std::move(taken));
    }
  }
  static void take_commits(rd_kafka_event_t* event, const rd_kafka_ListConsumerGroupOffsets_result_t* result) {
    Group& group = *static_cast<Group*>(rd_kafka_event_opaque(event));
    group.commits_error = part_error(rd_kafka_event_error(event));
    if (!group.commits_error.none()) return;
    std::size_t count = 0;
    const auto* const* const groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    if (count != 1) return;
    group.commits_error = error_of(rd_kafka_group_result_error(groups[0]));
    const auto* const list = rd_kafka_group_result_partitions(groups[0]);
    if (!group.commits_error.none() || list == nullptr) return;
    std::vector<const rd_kafka_topic_partition_t*> sorted;
    for (int i = 0; i < list->cnt; ++i) sorted.push_back(&list->elems[i]);
    std::ranges::sort(sorted, {},
                      [](const auto* one) { return std::pair(std::string_view(one->topic), one->partition); });
    for (const auto* const one : sorted) {
      if (group.commits.empty() || group.commits.back().topic != one->topic) group.commits.push_back({one->topic, {}});
      // librdkafka's word for nothing is -1001.
      const std::int64_t offset = one->offset < 0 ? -1 : one->offset;
      group.commits.back().partitions.push_back({one->partition, offset, part_error(one->err)});
    }
  }

  const Asking& asking_;
  const Plan& plan_;
  Snapshot& snapshot_;
  Owned<rd_kafka_queue_t> queue_;
  std::size_t next_commits_ = 0;
  std::size_t next_described_ = 0;
  std::size_t commits_under_way_ = 0;
  std::size_t descriptions_under_way_ = 0;
};

}  // namespace

void ask_groups(const Asking& asking, const Plan& plan, Snapshot& into) { GroupsRound(asking, plan, into).run(); }

}  // namespace tocsin::probes::kafka
