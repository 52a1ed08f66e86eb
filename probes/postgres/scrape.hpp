// What postgres_exporter says about its own work, and what we add to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "postgres/questions.hpp"
#include "postgres/samples.hpp"

namespace tocsin::probes::postgres {

/// How one of several databases did.
struct DatabaseState {
  std::string_view name;
  bool success = false;
  double age = -1;  // seconds since its values were read; below 0: never
};

struct ScrapeState {
  bool up = false;     // the server has answered something
  bool error = false;  // the probe failed, or a custom query did
  std::chrono::nanoseconds took{0};
  std::span<const Turn> turns;
  std::span<const DatabaseState> databases;
};

/// Counts probes; adds pg_up, pg_exporter_*, pg_scrape_collector_*, pg_static and tocsin_postgres_*.
class ScrapeMetrics {
 public:
  void append(Samples& samples, const ServerInfo& server, const ScrapeState& state);

 private:
  double count_ = 0;
};

[[nodiscard]] std::span<const core::MetricMeta> scrape_metadata();

}  // namespace tocsin::probes::postgres
