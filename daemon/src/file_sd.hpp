// Prometheus's file_sd format (JSON or YAML): a list of {targets: [...], labels: {...}}.
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/source.hpp"

namespace tocsin::daemon {

/// A target that was found, and the labels that came with it.
struct FoundTarget {
  std::string text;
  core::Labels labels;
  bool operator==(const FoundTarget&) const = default;
};

/// The targets of one file, in order. A file with any mistake gives none: the failure says where it is. Labels whose
/// names begin with two underscores are read over, as relabelling alone would use them.
[[nodiscard]] core::Result<std::vector<FoundTarget>> parse_file_sd(std::shared_ptr<const core::SourceFile> file);

}  // namespace tocsin::daemon
