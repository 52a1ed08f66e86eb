#include "kafka/series.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kafka/groups.hpp"
#include "kafka/topics.hpp"
#include "kafka/writer.hpp"

namespace tocsin::probes::kafka {
namespace {

struct BrokerEntry {
  std::int32_t id = -1;
  std::uint32_t seen = 0;
  std::string host;
  std::uint16_t port = 0;
  KnownSeries known;
};

constexpr std::string_view part_names[] = {"topics", "offsets", "groups", "describe", "commits"};
using PartCounts = std::array<std::size_t, std::size(part_names)>;

/// What of a look could not be had, in the order of `part_names`.
PartCounts failed_parts(const Snapshot& snapshot) {
  PartCounts count{};
  for (const Topic& topic : snapshot.topics) {
    count[0] += topic.error.none() ? 0 : 1;
    for (const Partition& partition : topic.partitions) count[1] += partition.offset_error.none() ? 0 : 1;
  }
  count[2] = snapshot.groups_error.none() ? 0 : 1;
  for (const Group& group : snapshot.groups) {
    count[3] += group.describe_error.none() ? 0 : 1;
    count[4] += group.commits_error.none() ? 0 : 1;
    for (const TopicCommits& topic : group.commits) {
      for (const Commit& commit : topic.partitions) count[4] += commit.error.none() ? 0 : 1;
    }
  }
  return count;
}

}  // namespace

struct Series::Impl {
  Impl(const core::Labels& base, SeriesOptions given)
      : options(std::move(given)),
        writer(base, options),
        topics(options.lag_seconds),
        groups(options),
        expected_topics(options.expected_topics.size()) {}

  SeriesOptions options;
  Writer writer;
  TopicSeries topics;
  GroupSeries groups;
  std::vector<BrokerEntry> brokers;
  std::vector<KnownSeries> expected_topics;
  enum Place { up, build_info, broker_count, controller, offline, under_replicated, poll_time, refused, place_count };
  std::array<KnownSeries, place_count> known;
  std::array<KnownSeries, std::size(part_names)> errors;
  std::array<KnownSeries, 2> left_out;
  std::uint32_t look = 0;

  void put(core::SeriesTable& table, KnownSeries& series, Metric metric, double value, const Where& where = {}) {
    writer.put(table, series, metric, value, where);
  }
  void add_brokers(const Snapshot& snapshot, core::SeriesTable& table);
  void add_whole(const Snapshot& snapshot, core::SeriesTable& table);
  void add_missing(const Snapshot& snapshot, core::SeriesTable& table);
};

void Series::Impl::add_brokers(const Snapshot& snapshot, core::SeriesTable& table) {
  for (std::size_t i = 0; i < snapshot.brokers.size(); ++i) {
    const Broker& broker = snapshot.brokers[i];
    BrokerEntry& entry = entry_with_id(brokers, i, broker.id);
    entry.seen = look;
    if (entry.host != broker.host || entry.port != broker.port) {
      entry.known.forget();
      entry.host = broker.host;
      entry.port = broker.port;
    }
    writer.put_broker(table, entry.known, broker);
  }
}

void Series::Impl::add_whole(const Snapshot& snapshot, core::SeriesTable& table) {
  put(table, known[up], Metric::up, 1);
  put(table, known[broker_count], Metric::brokers, static_cast<double>(snapshot.brokers.size()));
  put(table, known[build_info], Metric::exporter_build_info, 1, {.key = "version", .value = TOCSIN_VERSION});
  if (snapshot.controller >= 0) put(table, known[controller], Metric::controller, snapshot.controller);
  put(table, known[offline], Metric::offline_partitions, static_cast<double>(topics.offline()));
  put(table, known[under_replicated], Metric::under_replicated_partitions,
      static_cast<double>(topics.under_replicated()));
  const auto took = std::max(core::Duration{0}, snapshot.offsets_at - snapshot.started_at);
  put(table, known[poll_time], Metric::seglo_poll_time, static_cast<double>(took.count()));
}

void Series::Impl::add_missing(const Snapshot& snapshot, core::SeriesTable& table) {
  const PartCounts failed = failed_parts(snapshot);
  for (std::size_t i = 0; i < failed.size(); ++i) {
    put(table, errors[i], Metric::errors, static_cast<double>(failed[i]), {.key = "part", .value = part_names[i]});
  }
  put(table, left_out[0], Metric::left_out, static_cast<double>(snapshot.topics_left_out),
      {.key = "part", .value = "topics"});
  put(table, left_out[1], Metric::left_out, static_cast<double>(snapshot.groups_left_out),
      {.key = "part", .value = "groups"});
  put(table, known[refused], Metric::series_refused, static_cast<double>(writer.refused()));
  for (std::size_t i = 0; i < expected_topics.size(); ++i) {
    const std::string& name = options.expected_topics[i];
    const bool present = topics.find(name) != nullptr;
    if (!present && snapshot.topics_left_out > 0) continue;
    put(table, expected_topics[i], Metric::topic_present, present ? 1 : 0, {.topic = name});
  }
}

Series::Series(const core::Labels& base, SeriesOptions options)
    : impl_(std::make_unique<Impl>(base, std::move(options))) {}
Series::~Series() = default;
Series::Series(Series&&) noexcept = default;
Series& Series::operator=(Series&&) noexcept = default;

void Series::add(const Snapshot& snapshot, core::SeriesTable& table) {
  Impl& impl = *impl_;
  const std::uint32_t look = ++impl.look;
  impl.writer.begin();
  impl.add_brokers(snapshot, table);
  impl.topics.add(snapshot, look, impl.writer, table);
  impl.groups.add(snapshot, look, impl.topics, impl.writer, table);
  impl.add_whole(snapshot, table);
  impl.add_missing(snapshot, table);
  if (look % forget_after != 0) return;
  impl.topics.forget_old();
  impl.groups.forget_old();
  std::erase_if(impl.brokers, [&](const BrokerEntry& broker) { return look - broker.seen >= forget_after; });
}

void Series::add_down(core::SeriesTable& table) { impl_->put(table, impl_->known[Impl::up], Metric::up, 0); }

std::vector<KeptHistory> Series::histories() const {
  std::vector<KeptHistory> all;
  for (const auto& [name, topic] : impl_->topics.all()) {
    for (const auto& partition : topic.partitions) {
      const auto points = partition.history.points();
      if (!points.empty()) all.push_back({name, partition.id, {points.begin(), points.end()}});
    }
  }
  return all;
}

}  // namespace tocsin::probes::kafka
