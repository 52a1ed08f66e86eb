// Where collectors put what they have read.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::postgres {

/// Adds samples to a SeriesTable under the target's labels. What is added between two `section` calls belongs to that
/// section (a collector, or a collector in one database). A collector mostly adds the same series in the same order as
/// the time before: then nothing is allocated and no labels are made.
class Samples {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  explicit Samples(core::Labels base, std::size_t max_series = std::numeric_limits<std::size_t>::max())
      : base_(std::move(base)), max_series_(max_series) {}

  /// One sample. A label with an empty value is no label. Where the target's own labels have the same name, the
  /// server's becomes `exported_NAME`. Values are made valid UTF-8 and cut at 256 bytes.
  void add(std::string_view metric, std::initializer_list<Label> labels, double value) {
    add(metric, std::span(labels.begin(), labels.size()), value);
  }
  void add(std::string_view metric, std::span<const Label> labels, double value);
  void add(std::string_view metric, double value) { add(metric, std::span<const Label>(), value); }
  /// Says what a metric is that no table knows. What was said first stands; what is over 1000 names is left out.
  void describe(std::string_view metric, core::MetricType type, std::string_view help);

  // For the driver.
  /// All that follows goes to this table, whose batch has begun.
  void begin(core::SeriesTable& table);
  /// No limit from here to the end of the batch: what the probe says of itself always has room.
  void lift_limit() { left_ = std::numeric_limits<std::size_t>::max(); }
  /// How many samples did not fit since the beginning.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// Starts a section: what it held before is forgotten as soon as it is overwritten.
  void section(std::string_view name);
  /// Gives what a section was last given once more (its collector was not asked this time). False if there is nothing.
  bool repeat(std::string_view name);
  /// Forgets a section.
  void drop(std::string_view name);
  /// All that was described, if that is more than the last time; otherwise nothing.
  [[nodiscard]] std::vector<core::Described> take_described();
  /// How many samples of a section were given last.
  [[nodiscard]] std::size_t size(std::string_view name) const;

 private:
  /// Labels as they were given: names and values, each ended by a zero byte. Many samples of a row share them.
  struct Row {
    std::string key;
    std::uint32_t version = 0;  // changes with the key
  };
  struct Entry {
    std::uint32_t metric = 0;  // in Section::metrics
    std::uint32_t row = 0;     // in Section::rows
    std::uint32_t version = 0;
    std::uint32_t serial = 0;
    core::Slot slot = std::numeric_limits<core::Slot>::max();
    double value = 0;
  };
  struct Section {
    std::vector<Entry> entries;  // in the order in which they were given
    std::vector<Row> rows;
    std::vector<std::string> metrics;
    std::size_t used = 0;       // of the entries
    std::size_t rows_used = 0;  // the last one is the one that was given last
  };
  [[nodiscard]] static std::uint32_t find_row(Section& section, std::span<const Label> labels);
  [[nodiscard]] static std::uint32_t find_metric(Section& section, std::string_view metric);
  [[nodiscard]] bool give(const Section& section, Entry& entry);
  [[nodiscard]] core::Labels labels(std::string_view metric, std::string_view key) const;

  core::Labels base_;
  std::map<std::string, core::Described, std::less<>> described_;
  bool described_more_ = false;
  std::size_t max_series_;
  std::size_t left_ = 0;  // of this batch
  std::uint64_t refused_ = 0;
  core::SeriesTable* table_ = nullptr;
  std::map<std::string, Section, std::less<>> sections_;
  Section* current_ = nullptr;
};

}  // namespace tocsin::probes::postgres
