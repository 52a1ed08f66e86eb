// Texts that servers sent, and what was read out of them, for the tests of the Redis probe.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "support/temp_dir.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::test {

/// A recorded text, with the line ends that Redis sends.
inline std::string redis_text(std::string_view name) {
  const std::string file = read_text(std::filesystem::path(TOCSIN_SOURCE_DIR) / "tests/probes/data/redis" / name);
  std::string text;
  for (const char c : file) {
    if (c == '\n') text += '\r';
    text += c;
  }
  return text;
}

using Values = std::map<std::string, double>;

/// What a batch holds, by the text of its labels.
inline Values values(const core::SeriesTable& table, const core::Batch& batch) {
  Values found;
  for (const auto& row : batch.rows) found[table.labels(row.slot).to_string()] = row.value;
  return found;
}

}  // namespace tocsin::test
