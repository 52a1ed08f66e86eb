// One prober on a loop of its own, and what it says, by series.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::test {

class ProbeRunner {
 public:
  using Make = std::function<std::unique_ptr<probes::Prober>(net::Connector&, net::Executor, probes::Identity)>;
  explicit ProbeRunner(const Make& make) : prober_(make(connector_, loop_.executor(), identity())) {}

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
  /// The value of a series (`name` or `name{label="x"}`) in the last batch; NaN and a failed test if there is none.
  [[nodiscard]] double value(const std::string& series) const {
    const auto it = values.find(series);
    EXPECT_NE(it, values.end()) << "no " << series;
    return it == values.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
  }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  /// The first series whose text begins so, or empty.
  [[nodiscard]] std::string find(const std::string& beginning) const {
    const auto it = values.lower_bound(beginning);
    return it != values.end() && it->first.starts_with(beginning) ? it->first : std::string();
  }
  [[nodiscard]] TestLoop& loop() { return loop_; }

  std::map<std::string, double> values;

 private:
  /// As the exposition format writes it.
  static std::string exposed(const core::Labels& labels) {
    std::string text;
    for (const auto& label : labels) {
      if (label.name == core::metric_name_label) continue;
      text += (text.empty() ? "" : ",") + label.name + "=" + core::quote(label.value);
    }
    return std::string(labels.metric_name()) + (text.empty() ? "" : "{" + text + "}");
  }
  static probes::Identity identity() {
    probes::Identity identity;
    identity.target = 7;
    return identity;
  }

  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  std::map<core::Slot, std::string> names_;
};

/// Checks what every failed probe must say.
inline void expect_failed(const ProbeRunner& probe, const core::Observation& observation, core::Outcome outcome,
                          core::Phase phase) {
  EXPECT_EQ(observation.outcome, outcome) << core::to_string(observation.outcome) << ": " << observation.detail;
  EXPECT_EQ(observation.phase, phase) << core::to_string(observation.phase) << ": " << observation.detail;
  EXPECT_FALSE(observation.detail.empty());
  EXPECT_EQ(probe.value("probe_success"), 0);
  const auto word = std::string(core::to_string(outcome));
  EXPECT_GE(probe.value("tocsin_probe_failures_total{class=\"" + word + "\"}"), 1);
}

}  // namespace tocsin::test
