// The same page scraped by a real Prometheus with the same options, where one is installed.
#include <gtest/gtest.h>

#include <unistd.h>

#include <boost/json.hpp>

#include <map>
#include <memory>

#include "support/child.hpp"
#include "support/free_port.hpp"
#include "support/nginx.hpp"
#include "support/one_prober.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/probes/metrics.hpp"

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;
using Action = core::RelabelRule::Action;

const std::string page =
    "# HELP http_requests_total Requests.\n"
    "# TYPE http_requests_total counter\n"
    "http_requests_total{method=\"GET\",code=\"200\",path=\"/a\"} 1027\n"
    "http_requests_total{method=\"GET\",code=\"500\",path=\"/a\"} 3\n"
    "http_requests_total { code=\"200\" , method=\"POST\",path=\"C:\\\\x\\\"y\\\"\\n\", } 7 \n"
    "# TYPE latency histogram\n"
    "latency_bucket{le=\"0.1\"} 1\nlatency_bucket{le=\"+Inf\"} 2\nlatency_sum 0.5\nlatency_count 2\n"
    "go_goroutines 12\n"
    "go_gc_duration_seconds{quantile=\"0.5\"} 1e-05\n"
    "with_job{job=\"own\",instance=\"there\"} 1\n"
    "infinite +Inf\nnegative -Inf\nsmall 1.7976931348623157e-308\n"
    "twin{id=\"1\"} 1\ntwin{id=\"2\"} 2\n"
    "shout{name=\"AbC\"} 1\n"
    "split{name=\"key=value\"} 1\n";

core::RelabelRule rule(Action action, std::vector<std::string> source, std::string regex, std::string target = "",
                       std::string replacement = "$1", std::uint64_t modulus = 0) {
  core::RelabelRule r;
  r.action = action;
  r.source_labels = std::move(source);
  r.regex = std::move(regex);
  r.target_label = std::move(target);
  r.replacement = std::move(replacement);
  r.modulus = modulus;
  return r;
}

const std::vector<core::RelabelRule> relabeling{
    rule(Action::drop, {"__name__"}, "go_gc.*"),
    rule(Action::label_drop, {}, "id"),
    rule(Action::replace, {"method", "code"}, "(.+);(\\d)..", "class", "${1}-${2}xx"),
    rule(Action::hash_mod, {"path"}, "(.*)", "shard", "$1", 16),
    rule(Action::lowercase, {"name"}, "(.*)", "low"),
    rule(Action::label_map, {}, "pa(th)", "", "the_$1"),
    rule(Action::replace, {"name"}, "(?P<k>\\w+)=(?P<v>\\w+)", "$k", "${v}"),
};
const char* const relabeling_yaml = R"yaml(
  metric_relabel_configs:
  - {action: drop, source_labels: [__name__], regex: "go_gc.*"}
  - {action: labeldrop, regex: id}
  - {source_labels: [method, code], regex: "(.+);(\\d)..", target_label: class, replacement: "${1}-${2}xx"}
  - {action: hashmod, source_labels: [path], target_label: shard, modulus: 16}
  - {action: lowercase, source_labels: [name], target_label: low}
  - {action: labelmap, regex: "pa(th)", replacement: "the_$1"}
  - {source_labels: [name], regex: "(?P<k>\\w+)=(?P<v>\\w+)", target_label: "$k", replacement: "${v}"}
)yaml";

class MetricsPrometheus : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/prometheus", X_OK) != 0) GTEST_SKIP() << "prometheus is not installed";
    nginx_ = std::make_unique<test::Nginx>("server { listen 127.0.0.1:" + std::to_string(app_) + "; }", app_);
    nginx_->dir().write("www/metrics", page);
    const std::string target = "127.0.0.1:" + std::to_string(app_);
    const std::string config =
        dir_.write("prometheus.yml",
                   "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                   "- job_name: plain\n  static_configs: [{targets: ['" +
                       target +
                       "']}]\n"
                       "- job_name: honoring\n  honor_labels: true\n  static_configs: [{targets: ['" +
                       target +
                       "']}]\n"
                       "- job_name: relabelled\n  static_configs: [{targets: ['" +
                       target + "']}]" + relabeling_yaml);
    prometheus_ = std::make_unique<test::Child>(std::vector<std::string>{
        "/usr/bin/prometheus", "--config.file=" + config, "--storage.tsdb.path=" + (dir_ / "data"),
        "--web.listen-address=127.0.0.1:" + std::to_string(port_)});
    prometheus_->wait_for_port(port_);
  }

  /// Every series of a job at Prometheus, by what it is called.
  std::map<std::string, double> ask(const std::string& job) {
    const auto url = net::parse_url("http://127.0.0.1:" + std::to_string(port_) +
                                    "/api/v1/query?query=" + net::percent_encode(R"({__name__=~".+"})"));
    net::HttpRequest request;
    request.target = url->request_target();
    const auto response =
        loop_.run(net::fetch(connector_, *url, std::nullopt, request, {}, test::TestLoop::in(10s))).value();
    std::map<std::string, double> values;
    if (response.status != 200) return values;  // it starts still
    const auto document = boost::json::parse(response.body);
    for (const auto& result : document.at("data").at("result").as_array()) {
      std::vector<core::Label> labels;
      for (const auto& [name, value] : result.at("metric").as_object()) {
        labels.push_back({std::string(name), std::string(value.as_string())});
      }
      const core::Labels all(std::move(labels));
      const bool honored = job == "honoring" && all.get("job") == "own";
      if (all.get("job") != job && !honored) continue;
      values[all.to_string()] = std::strtod(result.at("value").at(1).as_string().c_str(), nullptr);
    }
    return values;
  }

  void compare(const std::string& job, const MetricsOptions& options) {
    const auto scraped = [&] {
      const auto values = ask(job);
      return values.size() > 10 && std::any_of(values.begin(), values.end(), [](const auto& value) {
               return value.first.starts_with("up{") && value.second == 1;
             });
    };
    ASSERT_TRUE(test::wait_until(scraped)) << prometheus_->output();
    const auto theirs = ask(job);
    probes::Identity identity;
    identity.base = core::Labels{{"job", job}, {"instance", "127.0.0.1:" + std::to_string(app_)}};
    const auto prober = make_metrics_prober(connector_, loop_.executor(), identity, options);
    ProbeStart start;
    start.deadline = test::TestLoop::in(5s);
    const auto seen = loop_.run(prober->probe(start));
    ASSERT_EQ(seen.outcome, core::Outcome::ok) << seen.detail;
    std::map<std::string, double> ours;
    std::map<core::Slot, std::string> names;
    for (const auto& fresh : seen.batch.fresh) names[fresh.slot] = fresh.labels.to_string();
    for (const auto& row : seen.batch.rows) ours[names.at(row.slot)] = row.value;
    for (const auto& [series, value] : theirs) {
      SCOPED_TRACE(series);
      ASSERT_TRUE(ours.contains(series));
      // Prometheus has scraped before; it counts series that are new to it.
      if (series.starts_with("scrape_duration") || series.starts_with("scrape_series_added")) continue;
      EXPECT_EQ(ours.at(series), value);
    }
    for (const auto& [series, value] : ours) {
      EXPECT_TRUE(theirs.contains(series) || series.starts_with("tocsin_")) << series << " is ours alone";
    }
  }

  MetricsOptions options() const {
    MetricsOptions o;
    o.http.url = net::parse_url("http://127.0.0.1:" + std::to_string(app_) + "/metrics").value();
    return o;
  }

  test::TempDir dir_;
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  test::TestLoop loop_;
  std::uint16_t app_ = test::free_port();
  std::uint16_t port_ = test::free_port();
  std::unique_ptr<test::Nginx> nginx_;
  std::unique_ptr<test::Child> prometheus_;
};

TEST_F(MetricsPrometheus, TheSameSeriesAndValues) {
  compare("plain", options());
  auto honoring = options();
  honoring.rules.honor_labels = true;
  compare("honoring", honoring);
  auto relabelled = options();
  relabelled.rules.metric_relabel = relabeling;
  compare("relabelled", relabelled);
}

}  // namespace
}  // namespace tocsin::probes
