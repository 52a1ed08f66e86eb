// Tests of rules as a file has them: promtool's format, and what goes beyond it. Times in a test count from its start.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/actions/spec.hpp"
#include "tocsin/core/fields.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/matcher.hpp"
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

/// Something that must be written down of an action.
struct ExpectedAction {
  std::string action;
  core::ActionStep step = core::ActionStep::started;
  // What is empty may be anything.
  std::string target;
  std::string from;
  std::string to;
  std::optional<core::Direction> direction;
  std::string because;  // a part of the reason
  std::string by;
};
/// An action that must not have begun.
struct ExpectedNoAction {
  std::string action;
  std::string because;  // a part of a reason that was given; empty: any reason
  core::Place place;
};
/// What was done, and not done, by a time and since the action test before.
struct ActionTest {
  core::Duration eval_time{0};
  std::vector<ExpectedAction> actions;
  std::vector<ExpectedNoAction> none;
  core::Place place;
};

struct TestSilence {
  std::vector<core::Matcher> match;
  core::Duration from{0};
  std::optional<core::Duration> to;
};
/// A time in which the platform is not as it should be.
struct TestFault {
  enum class Kind {
    fail,        // it says no, and nothing is changed
    hang,        // no answer in time, and nothing is changed
    lose,        // no answer in time, but it is changed
    lie,         // it says done, and nothing is changed
    unreadable,  // the present value cannot be read
    not_ready,   // what is read is not ready
  } kind = Kind::fail;
  std::string target;
  core::Duration from{0};
  std::optional<core::Duration> to;
};
/// Somebody else changes a target.
struct TestDrift {
  std::string target;
  core::Duration at{0};
  std::string to;
};
/// What a person says: one of the verbs has the name of an action, or `all`.
struct TestOrder {
  core::Duration at{0};
  std::string by;
  std::string approve, reject, pause, resume, rearm;
  std::optional<core::Direction> direction;
  std::optional<core::Duration> lasts;
  std::string note;
  std::string refused;  // a part of the answer of an order that must be refused
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
  std::vector<ActionTest> actions;
  std::vector<std::pair<std::string, std::string>> platform;  // the values at the start, of targets (or of actions)
  std::vector<TestFault> faults;
  std::vector<TestDrift> drifts;
  std::vector<TestSilence> silences;
  std::vector<TestOrder> orders;
  core::Place place;

  /// The last time that anything is expected at.
  [[nodiscard]] core::Duration end() const;
};

struct RuleTestFile {
  std::shared_ptr<const core::SourceFile> source;
  core::Duration evaluation_interval{std::chrono::minutes{1}};
  bool fuzzy = false;                    // numbers may differ in their last bit
  std::vector<rules::GroupSpec> groups;  // of all rule files, in the order in which they are evaluated
  std::optional<actions::Settings> actions;
  std::vector<RuleTest> tests;

  [[nodiscard]] std::size_t rule_count() const;
};

/// More evaluations of a test are refused.
inline constexpr std::int64_t max_test_evaluations = 1'000'000;

/// Whether a file with this root is one of these, whatever may be wrong with it.
[[nodiscard]] bool is_rule_test(const core::YamlNode& root);

/// Reads a test file with the rule files and the configuration that it names; `environment` is for ${VAR} in the
/// latter. Nothing if `diagnostics` has errors.
[[nodiscard]] std::optional<RuleTestFile> load_rule_test(const core::YamlDocument& document,
                                                         const std::map<std::string, std::string>& environment,
                                                         core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
