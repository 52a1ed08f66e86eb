// The keys of a job that pings bring.
#pragma once

#include <cstdint>
#include <optional>

namespace tocsin::daemon::model {

struct IcmpKeys {
  std::optional<std::int64_t> payload_size;
  std::optional<std::int64_t> ttl;
  std::optional<bool> dont_fragment;
};

}  // namespace tocsin::daemon::model
