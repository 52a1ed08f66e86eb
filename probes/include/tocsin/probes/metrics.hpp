// Scraping an application's own metrics over HTTP(S), as Prometheus scrapes them: Prometheus's text format and
// OpenMetrics, over a kept connection. What differs:
// - The times that samples bring are not used (honor_timestamps: false): a sample has the time of its scrape.
// - Native histograms (protobuf) are not asked for.
// - `max_series` bounds what one target may bring; what is over it is counted.
#pragma once

#include <memory>
#include <span>

#include "tocsin/core/observation.hpp"
#include "tocsin/probes/http.hpp"
#include "tocsin/probes/prober.hpp"
#include "tocsin/probes/scrape_rules.hpp"

namespace tocsin::probes {

struct MetricsOptions {
  /// Where, and who we are: url, tls, headers, user, password, bearer, follow_redirects and max_body are used.
  HttpOptions http;
  ScrapeRules rules;
  std::size_t max_series = 50'000;  // of one target
};

/// Gives what the application gives, and `up` and `scrape_*` as Prometheus does. Throws std::invalid_argument where a
/// relabelling rule is bad.
[[nodiscard]] std::unique_ptr<Prober> make_metrics_prober(net::Connector& connector, net::Executor executor,
                                                          Identity identity, MetricsOptions options);
[[nodiscard]] std::span<const core::MetricMeta> metrics_metadata();

}  // namespace tocsin::probes
