// One prober on a loop of its own, and what it says, by series.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "support/run_task.hpp"
#include "tocsin/net/stream.hpp"
#include "tocsin/probes/prober.hpp"

namespace tocsin::test {

class OneProber {
 public:
  using Make = std::function<std::unique_ptr<probes::Prober>(net::Connector&, net::Executor, probes::Identity)>;
  explicit OneProber(const Make& make, core::Labels base = {}) {
    probes::Identity identity;
    identity.target = 7;
    identity.base = std::move(base);
    prober_ = make(connector_, loop_.executor(), std::move(identity));
  }

  core::Observation operator()(std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
    probes::ProbeStart start;
    start.at = at;
    start.deadline = TestLoop::in(timeout);
    auto observation = loop_.run(prober_->probe(start));
    values.clear();
    for (const auto& series : observation.batch.fresh) names_[series.slot] = exposed(series.labels);
    for (const auto& row : observation.batch.rows) {
      const bool anew = values.emplace(names_.at(row.slot), row.value).second;
      if (!anew) twice.push_back(names_.at(row.slot));
    }
    return observation;
  }
  /// The value of a series (`name` or `name{label="x"}`) in the last batch; fails the test's `at` if there is none.
  [[nodiscard]] double value(const std::string& series) const { return values.at(series); }
  [[nodiscard]] bool has(const std::string& series) const { return values.contains(series); }
  [[nodiscard]] probes::Prober& prober() { return *prober_; }
  [[nodiscard]] TestLoop& loop() { return loop_; }

  core::TimePoint at = core::from_millis(1'700'000'000'000);
  std::map<std::string, double> values;
  std::vector<std::string> twice;  // series that stood twice in a batch: there must be none

  /// As the exposition format writes it.
  static std::string exposed(const core::Labels& labels) {
    std::string text;
    for (const auto& label : labels) {
      if (label.name != core::metric_name_label)
        text += (text.empty() ? "" : ",") + label.name + "=" + core::quote(label.value);
    }
    return std::string(labels.metric_name()) + (text.empty() ? "" : "{" + text + "}");
  }

 private:
  net::BlockingPool pool_{1};
  net::Connector connector_{pool_};
  TestLoop loop_;
  std::unique_ptr<probes::Prober> prober_;
  std::map<core::Slot, std::string> names_;
};

}  // namespace tocsin::test
