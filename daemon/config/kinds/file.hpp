// The keys of a job that watches files.
#pragma once

#include <cstdint>
#include <optional>

#include "tocsin/core/time.hpp"

namespace tocsin::daemon::model {

struct FileKeys {
  std::optional<core::Duration> max_age;
  std::optional<std::uint64_t> min_size;
  std::optional<std::uint64_t> max_size;
  std::optional<std::size_t> min_count;
  std::optional<std::size_t> max_count;
};

}  // namespace tocsin::daemon::model
