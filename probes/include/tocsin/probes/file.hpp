// Watching files: whether they are there, how old and how large. A file system that hangs costs the probe its deadline
// and a thread of the pool until it answers; it is not asked again before.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tocsin/core/observation.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::probes {

/// What must hold for the files that match; anything else is Outcome::unexpected.
struct FileExpectations {
  std::optional<std::chrono::milliseconds> max_age;  // of the newest
  std::optional<std::uint64_t> min_size;             // bytes of the newest
  std::optional<std::uint64_t> max_size;
  std::size_t min_count = 1;
  std::optional<std::size_t> max_count;
};

struct FileOptions {
  std::string pattern;  // an absolute path; *, ? and [...] in any part of it match names (no leading dot)
  FileExpectations expect;
  std::size_t max_files = 20;      // the newest ones have series of their own
  std::size_t max_found = 10'000;  // more matches are Outcome::limit
};

/// `pool` is where the file system is asked: one that nothing urgent waits for.
[[nodiscard]] std::unique_ptr<Prober> make_file_prober(net::BlockingPool& pool, Identity identity, FileOptions options);
[[nodiscard]] std::span<const core::MetricMeta> file_metadata();

}  // namespace tocsin::probes
