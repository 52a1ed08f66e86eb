#include "postgres/scrape.hpp"

namespace tocsin::probes::postgres {
namespace {

using core::MetricType;

constexpr core::MetricMeta metadata[] = {
    {"pg_up", MetricType::gauge, "Whether the server answered."},
    {"pg_exporter_scrapes_total", MetricType::counter, "How often the server was asked."},
    {"pg_exporter_last_scrape_duration_seconds", MetricType::gauge, "How long the last probe took."},
    {"pg_exporter_last_scrape_error", MetricType::gauge, "Whether the last probe, or one of its own queries, failed."},
    {"pg_scrape_collector_duration_seconds", MetricType::gauge, "How long the collector's answer took."},
    {"pg_scrape_collector_success", MetricType::gauge, "Whether the collector was answered."},
    {"pg_static", MetricType::unknown, "The version of the server."},
    {"tocsin_postgres_database_success", MetricType::gauge,
     "Whether a database beside the main one could be asked the last time."},
    {"tocsin_postgres_database_age_seconds", MetricType::gauge, "How old what is known of that database is."},
    {"tocsin_postgres_series_refused_total", MetricType::counter, "Samples left out since max_series was reached."},
};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::span<const core::MetricMeta> scrape_metadata() { return metadata; }

void ScrapeMetrics::append(Samples& samples, const ServerInfo& server, const ScrapeState& state) {
  count_ += 1;
  samples.lift_limit();
  samples.section("exporter");
  samples.add("pg_up", state.up ? 1 : 0);
  samples.add("pg_exporter_scrapes_total", count_);
  samples.add("pg_exporter_last_scrape_duration_seconds", seconds(state.took));
  samples.add("pg_exporter_last_scrape_error", state.error ? 1 : 0);
  samples.add("tocsin_postgres_series_refused_total", static_cast<double>(samples.refused()));
  for (const Turn& turn : state.turns) {
    if (turn.hidden) continue;
    const std::string_view name = turn.collector->name();
    samples.add("pg_scrape_collector_duration_seconds", {{"collector", name}}, seconds(turn.took));
    samples.add("pg_scrape_collector_success", {{"collector", name}}, state.up && turn.success ? 1 : 0);
  }
  for (const DatabaseState& database : state.databases) {
    samples.add("tocsin_postgres_database_success", {{"datname", database.name}}, database.success ? 1 : 0);
    if (database.age < 0) continue;
    samples.add("tocsin_postgres_database_age_seconds", {{"datname", database.name}}, database.age);
  }
  if (!state.up) return;
  samples.add("pg_static",
              {{"version", server.version}, {"short_version", server.short_version}, {"server", server.server}}, 1);
}

}  // namespace tocsin::probes::postgres
