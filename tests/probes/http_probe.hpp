// One HTTP prober on a loop of its own, and what it says, by series.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/http.hpp"

namespace tocsin::test {

class HttpProbe {
 public:
  explicit HttpProbe(probes::HttpOptions options)
      : prober_(probes::make_http_prober(connector_, loop_.executor(), identity(), std::move(options))) {}

  core::Observation operator()(std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
    probes::ProbeStart start;
    start.at = core::from_millis(1'700'000'000'000);
    start.deadline = TestLoop::in(timeout);
    auto observation = loop_.run(prober_->probe(start));
    values.clear();
    for (const auto& series : observation.batch.fresh) names_[series.slot] = exposed(series.labels);
    for (const auto& row : observation.batch.rows) values[names_.at(row.slot)] = row.value;
    return observation;
  }
  /// The value of a series (`name` or `name{label="x"}`) in the last batch; fails the test's `at` if there is none.
  [[nodiscard]] double value(const std::string& series) const { return values.at(series); }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  [[nodiscard]] probes::Prober& prober() { return *prober_; }
  [[nodiscard]] TestLoop& loop() { return loop_; }

  std::map<std::string, double> values;

  static probes::HttpOptions to(const std::string& url) {
    probes::HttpOptions options;
    options.url = net::parse_url(url).value();
    return options;
  }
  static std::string local(std::uint16_t port, const std::string& path = "/") {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

 private:
  /// As the exposition format writes it.
  static std::string exposed(const core::Labels& labels) {
    std::string text;
    for (const auto& label : labels) {
      if (label.name != core::metric_name_label)
        text += (text.empty() ? "" : ",") + label.name + "=" + core::quote(label.value);
    }
    return std::string(labels.metric_name()) + (text.empty() ? "" : "{" + text + "}");
  }
  static probes::Identity identity() {
    probes::Identity identity;
    identity.target = 7;
    identity.kind = "http";
    return identity;
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  std::map<core::Slot, std::string> names_;
};

}  // namespace tocsin::test
