// Files by a pattern. Blocks; call it on a pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::probes::file {

struct Found {
  std::string path;
  double mtime = 0;  // Unix time, seconds
  std::uint64_t size = 0;
};

/// What matches, the newest first. That nothing does is no failure. A folder on the way that cannot be read is one, and
/// so are more than `max_found` matches.
[[nodiscard]] core::Result<std::vector<Found>> find_files(const std::string& pattern, std::size_t max_found);

}  // namespace tocsin::probes::file
