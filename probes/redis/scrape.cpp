#include "redis/scrape.hpp"

#include <string_view>

namespace tocsin::probes::redis {
namespace {

constexpr std::string_view names[] = {"redis_up",
                                      "redis_exporter_scrapes_total",
                                      "redis_exporter_last_scrape_duration_seconds",
                                      "redis_exporter_last_scrape_connect_time_seconds",
                                      "redis_exporter_scrape_duration_seconds_sum",
                                      "redis_exporter_scrape_duration_seconds_count",
                                      "redis_exporter_last_scrape_error",
                                      "redis_target_scrape_request_errors_total",
                                      "redis_exporter_build_info",
                                      "tocsin_redis_series_refused_total"};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void ScrapeMetrics::append(core::SeriesTable& table, core::Outcome outcome, std::chrono::nanoseconds took,
                           std::chrono::nanoseconds connecting, std::uint64_t left_out) {
  const bool good = outcome == core::Outcome::ok;
  count_ += 1;
  sum_ += seconds(took);
  add(table, up, good ? 1 : 0);
  add(table, total, count_);
  add(table, duration, seconds(took));
  add(table, connect_time, seconds(connecting));
  add(table, duration_sum, sum_);
  add(table, duration_count, count_);
  // The class of failure, not the error's text: texts hold ports and addresses, each a new series.
  if (outcome != last_) known_[error] = {};
  last_ = outcome;
  add(table, error, good ? 0 : 1, {"err", good ? std::string_view() : core::to_string(outcome)});
  add(table, request_errors, 0);
  add(table, build, 1, {"version", "tocsin"});
  add(table, refused, static_cast<double>(left_out));
}

void ScrapeMetrics::add(core::SeriesTable& table, Metric metric, double value, LabelPair label) {
  known_[metric].add(table, value, [&] { return series_labels(base_, names[metric], {label}); });
}

}  // namespace tocsin::probes::redis
