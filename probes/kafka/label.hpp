// Labels of what a cluster names, and how a series is found again without making them.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "tocsin/core/observation.hpp"

namespace tocsin::probes::kafka {

/// A name as a label's value: valid UTF-8, at most 256 bytes. Where something had to be changed, a hash of the whole
/// name stands at the end, so that two names stay two.
[[nodiscard]] std::string label_text(std::string_view name);

/// One series that was given before, known by its slot.
struct KnownSeries {
  core::Slot slot = std::numeric_limits<core::Slot>::max();
  std::uint32_t serial = 0;

  /// `labels` is called only where the series has no slot (any more). False where the table is full.
  template <class MakeLabels>
  bool add(core::SeriesTable& table, double value, const MakeLabels& labels) {
    if (table.add(slot, serial, value)) return true;
    const auto given = table.add(labels(), value);
    if (given) *this = {*given, table.serial(*given)};
    return given.has_value();
  }
  void forget() { *this = {}; }
};

}  // namespace tocsin::probes::kafka
