// What it means that a value is beyond a limit.
#pragma once

#include "tocsin/rules/rule_file.hpp"

namespace tocsin::rules {

/// `on`: it was beyond before. Then it must pass the other limit to be off again; to stand on that is not enough.
[[nodiscard]] inline bool is_beyond(const ThresholdSpec::Line& line, double value, bool on) {
  if (on && line.clear) return line.above ? value >= *line.clear : value <= *line.clear;
  return line.above ? value > line.limit : value < line.limit;
}

}  // namespace tocsin::rules
