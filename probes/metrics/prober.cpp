// The driver: one request on a kept connection, redirects on connections of their own.
#include <array>
#include <utility>

#include "http/request.hpp"
#include "metrics/scrape.hpp"
#include "src/blackbox_series.hpp"
#include "src/reach.hpp"
#include "src/scraped_series.hpp"
#include "tocsin/probes/metrics.hpp"

namespace tocsin::probes {
namespace {

using core::Failure;
using core::Outcome;
using core::Phase;
using core::Result;

constexpr auto gauge = core::MetricType::gauge;
constexpr unsigned max_redirects = 10;
constexpr std::size_t own_series = 32;  // beside those of the target

constexpr std::array metadata = {
    core::MetricMeta{"up", gauge, "Whether the last scrape succeeded."},
    core::MetricMeta{"scrape_duration_seconds", gauge, "How long the last scrape took."},
    core::MetricMeta{"scrape_samples_scraped", gauge, "Samples that the target gave."},
    core::MetricMeta{"scrape_samples_post_metric_relabeling", gauge, "Samples that were left after relabelling."},
    core::MetricMeta{"scrape_series_added", gauge, "Series that the last scrape gave and the one before did not."},
    core::MetricMeta{"tocsin_scrape_samples_duplicate", gauge,
                     "Samples left out because another one of the same scrape has the same labels."},
    core::MetricMeta{"tocsin_scrape_series_refused_total", core::MetricType::counter,
                     "Samples left out because max_series was reached."},
};

net::HttpLimits limits_of(const HttpOptions& options) {
  net::HttpLimits limits;
  limits.body_bytes = options.max_body;
  return limits;
}

net::TlsOptions home_tls(const HttpOptions& options) {
  net::TlsOptions tls = options.tls;
  tls.server_name = http::server_name(options);
  return tls;
}

net::TlsOptions away_tls(net::TlsOptions tls) {
  // What proves who we are is for the target alone.
  tls.server_name.clear();
  tls.cert_file.clear();
  tls.key_file.clear();
  return tls;
}

class MetricsProber final : public Prober {
 public:
  MetricsProber(net::Connector& connector, net::Executor executor, Identity identity, MetricsOptions options)
      : connector_(connector),
        identity_(std::move(identity)),
        options_(std::move(options)),
        limits_(limits_of(options_.http)),
        client_(connector, options_.http.url, home_tls(options_.http), limits_, std::move(executor)),
        scraped_(identity_.base, std::move(options_.rules), metadata, options_.max_series),
        common_(identity_.base),
        table_(options_.max_series + own_series) {
    static_assert(metadata.size() == std::tuple_size_v<decltype(own_)>);
    for (std::size_t i = 0; i < own_.size(); ++i) own_[i] = KnownSeries(identity_.base, metadata[i].name);
    if (!http::reads_files(options_.http)) request_ = metrics::build_request(options_.http);
  }

  net::Task<core::Observation> probe(ProbeStart start) override {
    if (start.fresh) client_.close();
    const auto began = steady_now();
    auto page = co_await fetch_page(start.deadline);
    std::optional<Failure> failure;
    if (!page) {
      failure = std::move(page).error();
    } else if (auto read = scraped_.read(page->text, page->format); !read) {
      failure = std::move(read).error();
    }
    co_return observe(start, std::move(failure), steady_now() - began);
  }

  void close() override { client_.close(); }

 private:
  net::Task<Result<metrics::Page>> fetch_page(core::Deadline deadline) {
    if (!request_ || http::reads_files(options_.http)) request_ = metrics::build_request(options_.http);
    if (!*request_) co_return request_->error();
    net::HttpRequest request = request_->value();
    const double left = std::chrono::duration<double>(deadline - steady_now()).count();
    request.headers.emplace_back("X-Prometheus-Scrape-Timeout-Seconds", std::to_string(left));
    auto response = co_await client_.request(request, deadline);
    if (!response) co_return in_phase(std::move(response).error(), Phase::receive);
    if (options_.http.follow_redirects) {
      auto followed = co_await follow(std::move(request), std::move(*response), deadline);
      if (!followed) co_return std::move(followed).error();
      co_return metrics::read_page(std::move(*followed), limits_.body_bytes);
    }
    co_return metrics::read_page(std::move(*response), limits_.body_bytes);
  }

  /// The response at the end of all redirects.
  net::Task<Result<net::HttpResponse>> follow(net::HttpRequest request, net::HttpResponse response,
                                              core::Deadline deadline) {
    net::Url from = options_.http.url;
    bool home = true;
    for (unsigned redirects = 0;; ++redirects) {
      auto to = http::redirect_of(from, response);
      if (!to) co_return Result<net::HttpResponse>(std::move(response));
      if (!*to) co_return to->error();
      if (redirects == max_redirects) co_return Failure{Outcome::limit, Phase::receive, "more than 10 redirects"};
      // Once away, the credentials stay behind, even if the way leads home again.
      home = home && http::same_trust(options_.http.url, **to);
      request = http::follow(std::move(request), response.status, **to, home);
      from = std::move(**to);
      std::optional<net::TlsOptions> tls = home ? home_tls(options_.http) : away_tls(options_.http.tls);
      auto next = co_await net::fetch(connector_, from, std::move(tls), request, limits_, deadline);
      if (!next) co_return in_phase(std::move(next).error(), Phase::receive);
      response = std::move(*next);
    }
  }

  core::Observation observe(const ProbeStart& start, std::optional<Failure> failure, std::chrono::nanoseconds took) {
    core::Observation observation;
    observation.target = identity_.target;
    observation.at = start.at;
    observation.took = took;
    table_.begin();
    ScrapeCounts counts;
    if (failure) {
      observation.outcome = failure->outcome;
      observation.phase = failure->phase;
      observation.detail = std::move(failure->detail);
    } else {
      scraped_.append(table_);
      counts = scraped_.counts();
      observation.described = scraped_.take_described();
    }
    const std::array<double, metadata.size()> values{
        observation.good() ? 1.0 : 0.0,         seconds(took),
        static_cast<double>(counts.scraped),    static_cast<double>(counts.kept),
        static_cast<double>(counts.added),      static_cast<double>(counts.duplicates),
        static_cast<double>(scraped_.refused())};
    for (std::size_t i = 0; i < own_.size(); ++i) own_[i].put(table_, values[i]);
    common_.append(table_, observation.outcome, took);
    observation.batch = table_.take();
    return observation;
  }

  net::Connector& connector_;
  Identity identity_;
  MetricsOptions options_;
  net::HttpLimits limits_;
  net::HttpClient client_;
  std::optional<Result<net::HttpRequest>> request_;  // built once, unless part of it stands in files
  ScrapedSeries scraped_;
  std::array<KnownSeries, metadata.size()> own_;
  CommonMetrics common_;
  core::SeriesTable table_;
};

}  // namespace

std::unique_ptr<Prober> make_metrics_prober(net::Connector& connector, net::Executor executor, Identity identity,
                                            MetricsOptions options) {
  return std::make_unique<MetricsProber>(connector, std::move(executor), std::move(identity), std::move(options));
}

std::span<const core::MetricMeta> metrics_metadata() { return metadata; }

}  // namespace tocsin::probes
