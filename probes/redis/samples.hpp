// Samples beside those of INFO: gathered from replies that may come seldom, given with every batch.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis/series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"
#include "tocsin/core/text_pool.hpp"

namespace tocsin::probes::redis {

/// A metric and the names of its labels. Define them `constexpr` at namespace scope: they are known by their address.
struct Shape {
  std::string_view metric;
  std::array<std::string_view, 4> labels{};
};

/// A list of samples that comes again in about the same order with other values. What comes again is recognised without
/// making its labels.
class Samples {
 public:
  /// Targets of one kind have most of their values in common: give them one pool.
  explicit Samples(core::Labels base, std::shared_ptr<core::TextPool> texts = nullptr, std::size_t most = 10'000)
      : texts_(texts ? std::move(texts) : std::make_shared<core::TextPool>()), base_(std::move(base)), most_(most) {}

  /// What is added from here to `end` replaces what there was.
  void begin();
  /// `values` of the labels, in the order of the shape's names. Of two samples of one series the first counts.
  void add(const Shape& shape, std::initializer_list<std::string_view> values, double value);
  void end();
  void clear() { begin(), end(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// Whether there was more than is taken.
  [[nodiscard]] bool cut() const { return cut_; }

  void append(core::SeriesTable& table);

 private:
  struct Entry {
    const Shape* shape = nullptr;
    core::TextPool::Text values;  // each ended by a byte that no label has
    double value = 0;
    KnownSeries known;
  };
  [[nodiscard]] core::Labels labels(const Entry& entry) const;
  /// The place for a sample that is not the one which was there before.
  Entry& make_room(const Shape& shape, std::initializer_list<std::string_view> values);
  void drop_repeated();

  std::shared_ptr<core::TextPool> texts_;  // outlives the entries
  core::Labels base_;
  std::size_t most_;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
  std::size_t moves_ = 0;  // how often the others made room in this round
  bool changed_ = false;
  bool cut_ = false;
};

}  // namespace tocsin::probes::redis
