// Series of one target: how their labels are made, and how a series is found again without making them.
#pragma once

#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// What a server says, as a label's value: valid UTF-8 (other bytes become '?'), at most 256 bytes.
[[nodiscard]] std::string label_text(std::string_view text);

using LabelPair = std::pair<std::string_view, std::string_view>;
/// The target's labels, the metric's name and what else there is; values go through label_text.
[[nodiscard]] core::Labels series_labels(const core::Labels& base, std::string_view metric,
                                         std::span<const LabelPair> more);
[[nodiscard]] inline core::Labels series_labels(const core::Labels& base, std::string_view metric,
                                                std::initializer_list<LabelPair> more) {
  return series_labels(base, metric, std::span(more.begin(), more.size()));
}

/// One series that was given before, known by its slot.
struct KnownSeries {
  core::Slot slot = std::numeric_limits<core::Slot>::max();
  std::uint32_t serial = 0;

  /// `labels` is called only where the series has no slot (any more).
  template <class MakeLabels>
  void add(core::SeriesTable& table, double value, const MakeLabels& labels) {
    if (table.add(slot, serial, value)) return;
    if (const auto given = table.add(labels(), value)) *this = {*given, table.serial(*given)};
  }
};

}  // namespace tocsin::probes::redis
