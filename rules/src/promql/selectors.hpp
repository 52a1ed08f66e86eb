// Where samples come from: selectors and subqueries.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

/// The series that a selector names, looked up once per generation of the index.
class SeriesSet {
 public:
  struct Entry {
    store::SeriesId series = 0;
    LabelId labels = 0;
  };
  explicit SeriesSet(std::vector<core::Matcher> matchers) : matchers_(std::move(matchers)) {}
  /// False when time is up.
  [[nodiscard]] bool refresh(Context& context);
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<core::Matcher> matchers_;
  std::vector<Entry> entries_;
  std::uint64_t generation_ = 0;
  std::uint32_t epoch_ = 0;  // of the label table; 0: never looked up
};

/// Where a selector looks when the clock says `at`.
class TimeShift {
 public:
  TimeShift(core::Duration offset, const std::optional<AtModifier>& at) : offset_(offset.count()), at_(at) {}
  [[nodiscard]] Millis resolve(const Context& context, Millis at) const;
  [[nodiscard]] bool fixed() const { return at_.has_value(); }

 private:
  Millis offset_;
  std::optional<AtModifier> at_;
};

[[nodiscard]] NodePtr make_instant_selector(const VectorSelector& selector);
/// `timestamp(selector)`: the samples' own times.
[[nodiscard]] NodePtr make_timestamp_selector(const VectorSelector& selector);
[[nodiscard]] RangePtr make_range_selector(const MatrixSelector& selector);
[[nodiscard]] RangePtr make_subquery(const Subquery& subquery, NodePtr inner);

}  // namespace tocsin::rules::promql
