// Tests of rules as a file has them: promtool's format, and what goes beyond it. Times in a test count from its start.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/fields.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/rules/series_notation.hpp"

namespace tocsin::daemon {

struct TestSeries {
  core::Labels labels;
  rules::SeriesValues values;  // one an interval, from the start on
  core::Place place;
};

struct ExpectedAlert {
  core::Labels labels;  // alertname is added
  core::Labels annotations;
};
/// All alerts of one name that fire at a time.
struct AlertTest {
  core::Duration eval_time{0};
  std::string alertname;
  std::vector<ExpectedAlert> alerts;
  core::Place place;
};

struct ExpectedSample {
  core::Labels labels;
  double value = 0;
  std::string histogram;  // always refused
};
/// All samples that an expression has at a time.
struct QueryTest {
  core::Duration eval_time{0};
  std::string expression;
  std::shared_ptr<const rules::promql::Expr> parsed;
  std::vector<ExpectedSample> samples;
  core::Place place;
};

struct RuleTest {
  std::string name;
  std::optional<core::Duration> interval;  // between two values of a series; none: as rules are evaluated
  core::TimePoint start{};
  std::vector<TestSeries> series;
  std::vector<AlertTest> alerts;
  std::vector<QueryTest> queries;
  core::Labels external_labels;
  std::string external_url;
  core::Place place;

  /// The last time that anything is expected at.
  [[nodiscard]] core::Duration end() const;
};

struct RuleTestFile {
  std::shared_ptr<const core::SourceFile> source;
  core::Duration evaluation_interval{std::chrono::minutes{1}};
  bool fuzzy = false;                    // numbers may differ in their last bit
  std::vector<rules::GroupSpec> groups;  // of all rule files, in the order in which they are evaluated
  std::vector<RuleTest> tests;

  [[nodiscard]] std::size_t rule_count() const;
};

/// More evaluations of a test are refused.
inline constexpr std::int64_t max_test_evaluations = 1'000'000;

/// Whether a file with this root is one of these, whatever may be wrong with it.
[[nodiscard]] bool is_rule_test(const core::YamlNode& root);

/// Reads a test file with the rule files that it names. Nothing if `diagnostics` has errors.
[[nodiscard]] std::optional<RuleTestFile> load_rule_test(const core::YamlDocument& document,
                                                         core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
