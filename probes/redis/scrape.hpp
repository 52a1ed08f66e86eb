// What redis_exporter says about its own work.
#pragma once

#include <chrono>
#include <cstdint>

#include "redis/series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

/// Counts probes and adds redis_up and redis_exporter_*.
class ScrapeMetrics {
 public:
  explicit ScrapeMetrics(core::Labels base) : base_(std::move(base)) {}
  /// `left_out`: samples that found no room, in all probes before this one.
  void append(core::SeriesTable& table, core::Outcome outcome, std::chrono::nanoseconds took,
              std::chrono::nanoseconds connecting, std::uint64_t left_out = 0);

 private:
  enum Metric {
    up,
    total,
    duration,
    connect_time,
    duration_sum,
    duration_count,
    error,
    request_errors,
    build,
    refused,
    metric_count
  };
  void add(core::SeriesTable& table, Metric metric, double value, LabelPair label = {"err", {}});

  core::Labels base_;
  KnownSeries known_[metric_count];
  core::Outcome last_ = core::Outcome::ok;
  double count_ = 0;
  double sum_ = 0;
};

}  // namespace tocsin::probes::redis
