#include "config/kinds/metrics.hpp"

#include "config/kinds/kind.hpp"
#include "config/relabel.hpp"

namespace tocsin::daemon {

using core::field;
using model::ScrapeKeys;

namespace {

std::vector<core::Field<ScrapeKeys>> metrics_rows() {
  return {
      field("honor_labels", &ScrapeKeys::honor_labels)
          .doc("Whether a label that the target's labels have too stays as it was scraped. Else it becomes "
               "`exported_...`.")
          .fallback("`false`"),
      field("metric_relabel_configs", &ScrapeKeys::metric_relabel, relabel_rules())
          .doc("Prometheus's rules over what was scraped."),
      field("sample_limit", &ScrapeKeys::sample_limit)
          .doc("More samples after relabelling are a failure; 0: no limit.")
          .fallback("`0`"),
      field("label_limit", &ScrapeKeys::label_limit)
          .doc("More labels in a series are a failure; 0: no limit.")
          .fallback("`0`"),
      field("label_name_length_limit", &ScrapeKeys::label_name_length_limit)
          .doc("A longer name of a label is a failure; 0: no limit.")
          .fallback("`0`"),
      field("label_value_length_limit", &ScrapeKeys::label_value_length_limit)
          .doc("A longer value of a label is a failure; 0: no limit.")
          .fallback("`0`"),
  };
}

std::string host_and_port(const net::Url& url) {
  net::Address address;
  address.host = url.host;
  address.port = url.port != 0 ? url.port : static_cast<std::uint16_t>(url.scheme == "https" ? 443 : 80);
  return address.to_string();
}

/// As an HTTP probe, and what is scraped beside it.
bool make_metrics(const Making& making, const std::string& text, TargetConfig& target) {
  if (!find_kind("http")->make(making, text, target)) return false;
  probes::MetricsOptions options;
  options.http = std::get<probes::HttpOptions>(*target.options);
  if (options.http.url.path.empty()) options.http.url.path = "/metrics";
  options.rules = making.probe.scrape.rules();
  options.max_series = static_cast<std::size_t>(making.probe.redis.max_series.value_or(50'000));
  target.display = options.http.url.display();
  target.labels.set("instance", host_and_port(options.http.url));
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

void check_metrics(const model::Probe& probe, const Loading& loading) { find_kind("http")->check(probe, loading); }

}  // namespace

Kind metrics_kind() {
  Kind kind;
  kind.name = "metrics";
  kind.schemes = {"http", "https"};
  kind.fields = core::fields_of(&model::Probe::scrape, metrics_rows());
  kind.also = {"tls",           "headers",          "basic_auth", "bearer",    "bearer_file",
               "authorization", "follow_redirects", "max_body",   "max_series"};
  kind.check = check_metrics;
  kind.make = make_metrics;
  return kind;
}

}  // namespace tocsin::daemon
