// How Prometheus's test files write series: `up{job="a"}`, and its values `1+2x3 _ stale`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/labels.hpp"

namespace tocsin::rules {

/// What is wrong, and at which byte of the text.
struct NotationError {
  std::size_t offset = 0;
  std::string message;
};

/// One entry a step; nothing where there is no sample. A series that ends has core::stale_marker().
using SeriesValues = std::vector<std::optional<double>>;
inline constexpr std::size_t max_series_values = 1'000'000;

/// Items with white space between them:
///   5  -1.5e3  Inf  NaN   one value        1x3    that value, and 3 more
///   1+2x3  1-2x3          1, and 3 more, each 2 more (or less) than the one before
///   _  _x3                no sample for one step, for 3 steps       stale   the series ends
/// Native histograms ({{...}}) are refused: here all samples are numbers.
[[nodiscard]] std::variant<SeriesValues, NotationError> parse_series_values(std::string_view text);

/// `name{label="value"}`, `{label="value"}`, `{}`; the empty text is no labels at all.
[[nodiscard]] std::variant<core::Labels, NotationError> parse_series_labels(std::string_view text);

}  // namespace tocsin::rules
