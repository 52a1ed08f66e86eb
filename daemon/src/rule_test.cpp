#include "src/rule_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "src/rule_test_actions.hpp"
#include "src/rule_test_world.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using core::Duration;

/// What stands only on one side, of two lists in any order; what is on both is taken away in pairs.
template <class T, class Same>
void cancel(std::vector<T>& expected, std::vector<T>& got, const Same& same) {
  for (auto it = expected.begin(); it != expected.end();) {
    const auto twin = std::find_if(got.begin(), got.end(), [&](const T& other) { return same(*it, other); });
    if (twin == got.end()) {
      ++it;
    } else {
      got.erase(twin);
      it = expected.erase(it);
    }
  }
}

std::string annotation_lines(const core::Labels& annotations, std::string_view indent) {
  std::string out;
  for (const core::Label& each : annotations)
    out += fmt::format("\n{}{}: {}", indent, each.name, core::quote(each.value));
  return out;
}

void add_alerts(std::string& words, std::string_view title, const std::vector<ExpectedAlert>& alerts) {
  if (alerts.empty()) return;
  words += fmt::format("\n  {}:", title);
  for (const ExpectedAlert& alert : alerts) {
    words += "\n    " + alert.labels.to_string() + annotation_lines(alert.annotations, "      ");
  }
}

/// Alerts that are there but for their texts.
void add_other_texts(std::string& words, std::vector<ExpectedAlert>& expected, std::vector<ExpectedAlert>& got) {
  for (auto it = expected.begin(); it != expected.end();) {
    const auto twin =
        std::find_if(got.begin(), got.end(), [&](const ExpectedAlert& a) { return a.labels == it->labels; });
    if (twin == got.end()) {
      ++it;
      continue;
    }
    words += "\n  other annotations: " + it->labels.to_string();
    core::Labels names = it->annotations;
    for (const core::Label& each : twin->annotations) names.set(each.name, each.value);
    for (const core::Label& each : names) {
      const std::string_view wanted = it->annotations.get(each.name), found = twin->annotations.get(each.name);
      if (wanted == found) continue;
      words +=
          fmt::format("\n    {}\n      expected {}\n      got      {}", each.name,
                      wanted.empty() ? "nothing" : core::quote(wanted), found.empty() ? "nothing" : core::quote(found));
    }
    got.erase(twin);
    it = expected.erase(it);
  }
}

class Run {
 public:
  Run(const RuleTestFile& file, const RuleTest& test) : file_(file), test_(test), world_(file, test) {
    for (const AlertTest& alert : test.alerts) due_.emplace(alert.eval_time, &alert);
    for (const ActionTest& action : test.actions) actions_due_.emplace(action.eval_time, &action);
    if (file.actions) actions_.emplace(file, test, world_);
  }

  TestOutcome run() {
    out_.expectations = test_.alerts.size() + test_.queries.size() + test_.actions.size();
    const Duration step = file_.evaluation_interval;
    for (Duration at{0}; at <= test_.end(); at += step) {
      if (!evaluate(at)) return std::move(out_);
      // What is expected between two evaluations is held against the one before.
      for (auto it = due_.lower_bound(at); it != due_.end() && it->first < at + step; ++it) check(*it->second);
      if (actions_) act(at, at + step);
    }
    for (const QueryTest& query : test_.queries) check(query);
    if (actions_) add(actions_->order_failures());
    std::stable_sort(out_.failures.begin(), out_.failures.end(),
                     [](const TestFailure& a, const TestFailure& b) { return a.at.line < b.at.line; });
    return std::move(out_);
  }

 private:
  void fail(core::Position at, const std::string& words) {
    const std::string name = test_.name.empty() ? std::string() : fmt::format("test \"{}\": ", test_.name);
    out_.failures.push_back({at, name + words});
  }

  void add(const std::vector<TestFailure>& failures) {
    for (const TestFailure& failure : failures) fail(failure.at, failure.words);
  }

  /// What actions do between two evaluations.
  void act(Duration from, Duration until) {
    for (auto it = actions_due_.lower_bound(from); it != actions_due_.end() && it->first < until; ++it) {
      actions_->advance(test_.start + it->first);
      std::vector<TestFailure> failures;
      actions_->check(*it->second, failures);
      add(failures);
    }
    actions_->advance(test_.start + until - Duration{1});
  }

  /// False where a rule cannot be evaluated: what would come after has no meaning.
  bool evaluate(Duration at) {
    rules::Evaluation evaluation = world_.step(test_.start + at);
    if (actions_) actions_->told(std::move(evaluation.changes), test_.start + at);
    for (const auto& [rule, error] : evaluation.errors) {
      fail(test_.place.at, fmt::format("{} cannot be evaluated at {}: {}", rule, core::format_duration(at), error));
    }
    if (world_.refused() > 0)
      fail(test_.place.of("input_series"), "these are more series or samples than a test may have");
    return evaluation.errors.empty() && world_.refused() == 0;
  }

  void check(const AlertTest& expectation) {
    std::vector<ExpectedAlert> expected = expectation.alerts, got, pending;
    for (ExpectedAlert& alert : expected) alert.labels.set("alertname", expectation.alertname);
    std::string waiting;
    for (const core::Alert& alert : world_.alerts(expectation.alertname)) {
      if (alert.state == core::AlertState::firing) got.push_back({alert.labels, alert.annotations});
      if (alert.state == core::AlertState::pending)
        waiting += fmt::format("\n    {} since {}", alert.labels.to_string(),
                               core::format_duration(alert.active_at - test_.start));
    }
    cancel(expected, got, [](const ExpectedAlert& a, const ExpectedAlert& b) {
      return a.labels == b.labels && a.annotations == b.annotations;
    });
    if (expected.empty() && got.empty()) return;
    std::string words = fmt::format("{} at {}: other alerts fire than expected", expectation.alertname,
                                    core::format_duration(expectation.eval_time));
    add_other_texts(words, expected, got);
    add_alerts(words, "expected, but it does not fire", expected);
    add_alerts(words, "fires, but was not expected", got);
    if (!waiting.empty() && !expected.empty()) words += "\n  pending:" + waiting;
    fail(expectation.place.at, words);
  }

  [[nodiscard]] bool same(double a, double b) const {
    if (a == b || (std::isnan(a) && std::isnan(b))) return true;
    constexpr double infinite = std::numeric_limits<double>::infinity();
    return file_.fuzzy && (std::nextafter(a, -infinite) == b || std::nextafter(a, infinite) == b);
  }

  void check(const QueryTest& expectation) {
    const std::string title = expectation.expression + " at " + core::format_duration(expectation.eval_time);
    const auto answer = world_.query(*expectation.parsed, test_.start + expectation.eval_time);
    if (const auto* error = std::get_if<rules::promql::EvalError>(&answer)) {
      return fail(expectation.place.at, title + ": " + error->message);
    }
    std::vector<ExpectedSample> expected = expectation.samples, got;
    const auto& value = std::get<rules::promql::Value>(answer);
    if (const auto* scalar = std::get_if<rules::promql::Scalar>(&value)) got.push_back({{}, scalar->sample.value, {}});
    if (const auto* vector = std::get_if<rules::promql::Vector>(&value)) {
      for (const auto& [labels, sample] : *vector) got.push_back({labels, sample.value, {}});
    }
    cancel(expected, got, [this](const ExpectedSample& a, const ExpectedSample& b) {
      return a.labels == b.labels && same(a.value, b.value);
    });
    if (expected.empty() && got.empty()) return;
    std::string words = title + ": other samples than expected";
    add_samples(words, "expected", expected);
    add_samples(words, "got     ", got);
    fail(expectation.place.at, words);
  }

  static void add_samples(std::string& words, std::string_view title, std::vector<ExpectedSample>& samples) {
    std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
    if (samples.empty()) words += fmt::format("\n  {} nothing{}", title, title == "expected" ? " more" : " else");
    for (const ExpectedSample& sample : samples)
      words += fmt::format("\n  {} {} {}", title, sample.labels.to_string(), core::format_value(sample.value));
  }

  const RuleTestFile& file_;
  const RuleTest& test_;
  RuleTestWorld world_;
  std::multimap<Duration, const AlertTest*> due_;
  std::multimap<Duration, const ActionTest*> actions_due_;
  std::optional<RuleTestActions> actions_;
  TestOutcome out_;
};

}  // namespace

TestOutcome run_rule_test(const RuleTestFile& file, const RuleTest& test) { return Run(file, test).run(); }

}  // namespace tocsin::daemon
