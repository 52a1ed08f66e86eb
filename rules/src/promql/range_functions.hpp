// Functions over the samples of one series in a range: rate(), max_over_time(), ...
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "src/promql/node.hpp"

namespace tocsin::rules::promql {

struct RangeInput {
  std::span<const core::Sample> samples;  // never empty
  Millis start = 0;                       // the range is (start, end]
  Millis end = 0;
  Millis at = 0;         // the evaluation's time
  double parameter = 0;  // of quantile_over_time and predict_linear
  std::vector<double>* scratch = nullptr;
};
using RangeFunction = std::optional<double> (*)(const RangeInput&);

/// Null if there is no such function.
[[nodiscard]] RangeFunction find_range_function(std::string_view name);
/// The phi-quantile of values, which get sorted.
[[nodiscard]] double quantile(double phi, std::vector<double>& values);

[[nodiscard]] NodePtr make_range_call(std::string_view name, RangePtr source, NodePtr parameter);
/// `labels` are those of the one point that stands for "nothing there".
[[nodiscard]] NodePtr make_absent_over_time(RangePtr source, core::Labels labels);

}  // namespace tocsin::rules::promql
