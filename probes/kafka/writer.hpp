// Adds samples to a batch under the names and labels that are asked for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/label.hpp"
#include "kafka/metric.hpp"
#include "kafka/series.hpp"
#include "kafka/snapshot.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::kafka {

/// Which series of a metric. What is empty is no label.
struct Where {
  std::string_view group{};
  std::string_view topic{};
  std::int32_t partition = -1;
  std::string_view key{};  // one more label, and its value
  std::string_view value{};
  const Member* owner = nullptr;  // for kafka-lag-exporter's member_host, consumer_id and client_id
};

class Writer {
 public:
  Writer(core::Labels base, const SeriesOptions& options);

  [[nodiscard]] bool wants(Metric metric) const { return wanted_[static_cast<unsigned>(metric)]; }
  /// A look begins.
  void begin() { left_ = max_series_; }
  /// No limit from here to the end of the look: what is said of the whole always has room.
  void lift_limit() { left_ = std::numeric_limits<std::size_t>::max(); }
  /// How many samples did not fit since the beginning.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// What is not wanted is not added, nor what is beyond the limit.
  void put(core::SeriesTable& table, KnownSeries& known, Metric metric, double value, const Where& where) {
    if (wants(metric)) count(left_ > 0 && known.add(table, value, [&] { return labels(metric, where); }));
  }
  /// kafka_broker_info.
  void put_broker(core::SeriesTable& table, KnownSeries& known, const Broker& broker);

 private:
  void count(bool added) {
    left_ -= added ? 1 : 0;
    refused_ += added ? 0 : 1;
  }
  [[nodiscard]] core::Labels labels(Metric metric, const Where& where) const;
  [[nodiscard]] std::vector<core::Label> named(Metric metric) const;
  void add(std::vector<core::Label>& labels, std::string_view name, std::string_view value) const;

  core::Labels base_;
  std::string cluster_;
  std::array<bool, metric_count> wanted_{};
  std::size_t max_series_;
  std::size_t left_ = std::numeric_limits<std::size_t>::max();
  std::uint64_t refused_ = 0;
};

/// After how many looks what has not been seen again is forgotten.
inline constexpr std::uint32_t forget_after = 16;

/// The entry with this id in a list in order of ids; it is made where there is none. `hint` is where it probably is.
template <class Entry>
Entry& entry_with_id(std::vector<Entry>& entries, std::size_t hint, std::int32_t id) {
  if (hint < entries.size() && entries[hint].id == id) return entries[hint];
  auto it =
      std::lower_bound(entries.begin(), entries.end(), id, [](const Entry& e, std::int32_t i) { return e.id < i; });
  if (it == entries.end() || it->id != id) {
    it = entries.emplace(it);
    it->id = id;
  }
  return *it;
}

}  // namespace tocsin::probes::kafka
