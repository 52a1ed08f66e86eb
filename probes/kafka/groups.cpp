#include "kafka/groups.hpp"

#include <algorithm>
#include <optional>

namespace tocsin::probes::kafka {
namespace {

/// The worst partition stays the worst until another is this much worse: its series would come and go otherwise.
constexpr double worse_by = 1.25;

/// jirwin/burrow_exporter counts from 1.
double jirwin_number(ConsumerStatus status) { return static_cast<double>(status) + 1; }

/// Records that a group has before it. A commit is not negative, so the difference fits.
std::int64_t records_behind(std::int64_t newest, std::int64_t committed) {
  return newest > committed ? newest - committed : 0;
}

}  // namespace

/// What a look shares.
struct GroupSeries::Round {
  const Snapshot& snapshot;
  const TopicSeries& topics;
  Writer& writer;
  core::SeriesTable& table;
  std::uint32_t look;
};

/// What adds up over a group's partitions.
struct GroupSeries::Sums {
  std::size_t uncommitted = 0, ahead = 0;
  std::size_t methods[lag_method_count + 1] = {};
  bool any_lag = false;
  double lag = 0;
  std::int64_t max_lag = 0;
  std::optional<double> max_seconds;
  core::Duration stalled{0};
  ConsumerStatus status = ConsumerStatus::ok;
  std::string_view worst_topic;
  std::int32_t worst_partition = -1;
  std::int64_t lag_of_known_worst = 0;
  // of the topic that is being added
  double topic_offset = 0, topic_lag = 0;
  bool topic_has_offset = false, topic_has_lag = false;
};

GroupSeries::GroupSeries(const SeriesOptions& options)
    : lag_seconds_(options.lag_seconds),
      aliases_(options.naming.burrow || options.naming.burrow_exporter || options.naming.grafana ||
               options.naming.kafka_lag_exporter),
      expected_(options.expected_groups),
      expected_known_(expected_.size()) {}

void GroupSeries::add(const Snapshot& snapshot, std::uint32_t look, const TopicSeries& topics, Writer& writer,
                      core::SeriesTable& table) {
  look_ = look;
  const Round round{snapshot, topics, writer, table, look};
  for (const Group& group : snapshot.groups) {
    auto it = groups_.find(std::string_view(group.name));
    if (it == groups_.end()) it = groups_.emplace(group.name, Entry{}).first;
    it->second.seen = look;
    add(group, it->second, round);
  }
  writer.lift_limit();  // what the configuration names is not what a cluster has too much of
  add_expected(snapshot, round);
}

void GroupSeries::add(const Group& group, Entry& entry, const Round& round) {
  const Where where{.group = group.name};
  if (group.described) {
    round.writer.put(round.table, entry.known[0], Metric::group_members, static_cast<double>(group.members.size()),
                     where);
  }
  if (entry.state != group.state) entry.state_series.forget();
  entry.state = group.state;
  round.writer.put(round.table, entry.state_series, Metric::group_state, 1,
                   {.group = group.name, .key = "state", .value = to_string(group.state)});
  if (!group.commits_error.none()) return;
  Sums sums;
  note_owners(group, entry, round, sums, false);
  for (const TopicCommits& commits : group.commits) add(group, commits, entry, round, sums);
  note_owners(group, entry, round, sums, true);
  add_sums(group, entry, round, sums);
}

/// Before the commits are read: says whose the partitions are. Afterwards: counts those of them without a commit.
void GroupSeries::note_owners(const Group& group, Entry& entry, const Round& round, Sums& sums, bool count) {
  for (const Member& member : group.members) {
    TopicEntry* topic = nullptr;
    const TopicSeries::Entry* ends = nullptr;
    std::string_view name;
    for (const TopicPartition& assigned : member.assigned) {
      if (topic == nullptr || assigned.topic != name) {
        name = assigned.topic;
        ends = round.topics.find(name);
        if (ends == nullptr) continue;
        auto it = entry.topics.find(name);
        if (it == entry.topics.end()) it = entry.topics.emplace(name, TopicEntry{}).first;
        topic = &it->second;
        topic->seen = round.look;
      }
      const auto hint = static_cast<std::size_t>(std::max(assigned.partition, 0));
      if (ends == nullptr || ends->find(hint, assigned.partition) == nullptr) continue;
      PartitionEntry& partition = entry_with_id(topic->partitions, hint, assigned.partition);
      if (!count) {
        partition.owned = round.look;
        partition.owner = &member;
      } else if (partition.seen != round.look && partition.uncommitted != round.look) {
        partition.uncommitted = round.look;
        ++sums.uncommitted;
      }
    }
  }
}

void GroupSeries::add(const Group& group, const TopicCommits& commits, Entry& entry, const Round& round, Sums& sums) {
  const TopicSeries::Entry* const ends = round.topics.find(commits.topic);
  if (ends == nullptr) return;  // not looked at, or gone
  auto it = entry.topics.find(std::string_view(commits.topic));
  if (it == entry.topics.end()) it = entry.topics.emplace(commits.topic, TopicEntry{}).first;
  TopicEntry& topic = it->second;
  topic.seen = round.look;
  topic.partitions.reserve(commits.partitions.size());
  sums.topic_offset = sums.topic_lag = 0;
  sums.topic_has_offset = sums.topic_has_lag = false;
  const std::int64_t known_worst =
      entry.worst_partition >= 0 && entry.worst_topic == commits.topic ? entry.worst_partition : -1;
  for (std::size_t i = 0; i < commits.partitions.size(); ++i) {
    const Commit& commit = commits.partitions[i];
    if (!commit.error.none()) continue;
    const TopicSeries::PartitionEntry* const end = ends->find(i, commit.partition);
    if (end == nullptr || end->seen != round.look) continue;
    PartitionEntry& partition = entry_with_id(topic.partitions, i, commit.partition);
    if (commit.offset < 0) {
      partition.uncommitted = round.look;
      ++sums.uncommitted;
      continue;
    }
    add_partition(group, commits, commit, *end, partition, round, sums);
    if (commit.partition == known_worst && end->newest) {
      sums.lag_of_known_worst = records_behind(*end->newest, commit.offset);
    }
  }
  const Where where{.group = group.name, .topic = commits.topic};
  const auto put = [&](std::size_t place, Metric metric, double value) {
    round.writer.put(round.table, topic.known[place], metric, value, where);
  };
  if (sums.topic_has_offset) put(0, Metric::group_current_offset_sum, sums.topic_offset);
  if (!sums.topic_has_lag) return;
  put(1, Metric::group_lag_sum, sums.topic_lag);
  put(2, Metric::grafana_uncommitted_sum, sums.topic_lag);
  put(3, Metric::seglo_topic_sum_lag, sums.topic_lag);
}

void GroupSeries::add_partition(const Group& group, const TopicCommits& commits, const Commit& commit,
                                const TopicSeries::PartitionEntry& end, PartitionEntry& entry, const Round& round,
                                Sums& sums) {
  entry.seen = round.look;
  const Where where{.group = group.name, .topic = commits.topic, .partition = commit.partition};
  round.writer.put(round.table, entry.known[0], Metric::group_current_offset, static_cast<double>(commit.offset),
                   where);
  sums.topic_offset += static_cast<double>(commit.offset);
  sums.topic_has_offset = true;
  if (!end.newest) return;

  // The end was read after the commit. A commit beyond it is of a topic that was made anew, or that lost records.
  if (commit.offset > *end.newest) ++sums.ahead;
  const std::int64_t lag = records_behind(*end.newest, commit.offset);
  round.writer.put(round.table, entry.known[1], Metric::group_lag, static_cast<double>(lag), where);
  sums.any_lag = sums.topic_has_lag = true;
  sums.lag += static_cast<double>(lag);
  sums.topic_lag += static_cast<double>(lag);
  if (lag > sums.max_lag) {
    sums.max_lag = lag;
    sums.worst_topic = commits.topic;
    sums.worst_partition = commit.partition;
  }
  std::optional<TimeLag> time;
  if (lag_seconds_) time = end.history.lag(commit.offset, round.snapshot.offsets_at);
  ++sums.methods[time ? static_cast<std::size_t>(time->method) : lag_method_count];
  if (time) {
    round.writer.put(round.table, entry.known[2], Metric::group_lag_seconds, time->seconds, where);
    sums.max_seconds = std::max(sums.max_seconds.value_or(0), time->seconds);
  }
  const core::TimePoint now = round.snapshot.commits_at;
  entry.progress.add(now, commit.offset, lag);
  sums.stalled = std::max(sums.stalled, entry.progress.stalled(now));
  if (aliases_) {
    add_aliases(where, commit, *end.newest, time, entry, round, sums, !group.described || !group.members.empty());
  }
}

void GroupSeries::add_aliases(const Where& where, const Commit& commit, std::int64_t newest,
                              std::optional<TimeLag> time, PartitionEntry& entry, const Round& round, Sums& sums,
                              bool has_members) {
  if (!entry.aliases) entry.aliases = std::make_unique<Aliases>();
  Aliases& aliases = *entry.aliases;
  const core::TimePoint now = round.snapshot.commits_at;
  const auto offset = static_cast<double>(commit.offset);
  const std::int64_t behind = records_behind(newest, commit.offset);
  const auto lag = static_cast<double>(behind);
  std::size_t place = 0;
  const auto put = [&](Metric metric, std::optional<double> value, const Where& at) {
    KnownSeries& known = aliases.known[place++];
    if (value) round.writer.put(round.table, known, metric, *value, at);
  };
  const auto when = [](bool given, double value) { return given ? std::optional<double>(value) : std::nullopt; };

  const bool back = time && time->method == LagMethod::extrapolated;
  put(Metric::grafana_uncommitted, lag, where);
  put(Metric::grafana_lag_millis, when(time.has_value(), time ? time->seconds * 1000 : 0), where);
  put(Metric::grafana_interpolation, when(time && !back, 1), where);
  put(Metric::grafana_extrapolation, when(back, 1), where);

  Where owned = where;
  owned.owner = entry.owned == round.look ? entry.owner : nullptr;
  const std::string_view owner = owned.owner != nullptr ? std::string_view(owned.owner->id) : std::string_view();
  if (aliases.owner != owner) {
    for (std::size_t i = place; i < place + 3; ++i) aliases.known[i].forget();
    aliases.owner = owner;
  }
  put(Metric::seglo_offset, offset, owned);
  put(Metric::seglo_lag, lag, owned);
  put(Metric::seglo_lag_seconds, when(time.has_value(), time ? time->seconds : 0), owned);

  aliases.window.add(now, commit.offset, behind);
  const ConsumerStatus status = aliases.window.status(entry.progress, now, has_members);
  sums.status = worse(sums.status, status);
  put(Metric::jirwin_lag, lag, where);
  put(Metric::jirwin_current_offset, offset, where);
  put(Metric::jirwin_status, jirwin_number(status), where);
  put(Metric::jirwin_max_offset, static_cast<double>(newest), where);
  put(Metric::burrow_partition_lag, lag, where);
  put(Metric::burrow_current_offset, offset, where);
  put(Metric::burrow_partition_status, static_cast<double>(status), where);
}

void GroupSeries::add_sums(const Group& group, Entry& entry, const Round& round, const Sums& sums) {
  const Where where{.group = group.name};
  const auto put = [&](std::size_t place, Metric metric, double value) {
    round.writer.put(round.table, entry.known[place], metric, value, where);
  };
  put(1, Metric::group_uncommitted, static_cast<double>(sums.uncommitted));
  put(2, Metric::group_ahead, static_cast<double>(sums.ahead));
  if (!sums.any_lag) return;
  put(3, Metric::group_max_lag, static_cast<double>(sums.max_lag));
  put(4, Metric::group_stalled_seconds, core::to_seconds(sums.stalled));
  put(5, Metric::seglo_max_lag, static_cast<double>(sums.max_lag));
  put(6, Metric::seglo_sum_lag, sums.lag);
  put(7, Metric::jirwin_total_lag, sums.lag);
  put(8, Metric::jirwin_group_status, jirwin_number(sums.status));
  put(9, Metric::burrow_lag_total, sums.lag);
  put(10, Metric::burrow_consumer_status, static_cast<double>(sums.status));
  if (sums.max_seconds) {
    put(11, Metric::group_max_lag_seconds, *sums.max_seconds);
    put(12, Metric::seglo_max_lag_seconds, *sums.max_seconds);
  }
  for (std::size_t i = 0; i < entry.methods.size(); ++i) {
    const std::string_view method = i < lag_method_count ? to_string(static_cast<LagMethod>(i)) : "unknown";
    round.writer.put(round.table, entry.methods[i], Metric::group_lag_methods, static_cast<double>(sums.methods[i]),
                     {.group = group.name, .key = "method", .value = method});
  }
  add_worst(group, entry, round, sums);
}

void GroupSeries::add_worst(const Group& group, Entry& entry, const Round& round, const Sums& sums) {
  std::int64_t lag = sums.lag_of_known_worst;
  if (lag == 0 || static_cast<double>(sums.max_lag) > worse_by * static_cast<double>(lag)) {
    lag = sums.max_lag;
    if (entry.worst_topic != sums.worst_topic || entry.worst_partition != sums.worst_partition) {
      entry.worst_series.forget();
      entry.worst_topic = sums.worst_topic;
      entry.worst_partition = sums.worst_partition;
    }
  }
  if (lag == 0) return;  // nobody is behind
  round.writer.put(round.table, entry.worst_series, Metric::group_worst_partition, static_cast<double>(lag),
                   {.group = group.name, .topic = entry.worst_topic, .partition = entry.worst_partition});
}

void GroupSeries::add_expected(const Snapshot& snapshot, const Round& round) {
  if (!snapshot.groups_known) return;
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    const auto it = groups_.find(std::string_view(expected_[i]));
    const bool present = it != groups_.end() && it->second.seen == round.look;
    // A part of the list is missing: the group may be in it.
    if (!present && (!snapshot.groups_error.none() || snapshot.groups_left_out > 0)) continue;
    const Where where{.group = expected_[i]};
    auto& known = expected_known_[i];
    round.writer.put(round.table, known[0], Metric::group_present, present ? 1 : 0, where);
    if (present) continue;
    round.writer.put(round.table, known[1], Metric::jirwin_group_status, jirwin_number(ConsumerStatus::not_found),
                     where);
    round.writer.put(round.table, known[2], Metric::burrow_consumer_status,
                     static_cast<double>(ConsumerStatus::not_found), where);
  }
}

void GroupSeries::forget_old() {
  const auto old = [this](std::uint32_t seen) { return look_ - seen >= forget_after; };
  erase_values(groups_, [&](Entry& group) {
    erase_values(group.topics, [&](TopicEntry& topic) {
      std::erase_if(topic.partitions, [&](const PartitionEntry& partition) {
        return old(std::max({partition.seen, partition.owned, partition.uncommitted}));
      });
      return old(topic.seen);
    });
    return old(group.seen);
  });
}

}  // namespace tocsin::probes::kafka
