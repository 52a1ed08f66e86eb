// The keys of a job that Redis probes bring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/fields.hpp"

namespace tocsin::daemon::model {

/// What the provider sells and the server does not tell.
struct ProviderLimits {
  std::optional<std::uint64_t> memory;
  std::optional<double> clients;
  std::optional<std::uint64_t> network;  // bytes a second
};

struct RedisKeys {
  std::vector<std::string> key_lengths;
  std::optional<std::int64_t> max_keys;
  std::optional<std::int64_t> max_scans;
  std::vector<std::pair<std::string, std::string>> commands;
  std::optional<bool> latency_histograms;
  std::optional<bool> info_only;
  std::optional<bool> cluster;
  std::optional<ProviderLimits> limits;
  std::optional<std::int64_t> max_series;
};

}  // namespace tocsin::daemon::model
