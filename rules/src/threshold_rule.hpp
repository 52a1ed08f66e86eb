// An alert by limits: hysteresis, averages, M of N periods, and a word for data that is missing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "alert_book.hpp"
#include "alert_texts.hpp"
#include "rule.hpp"

namespace tocsin::rules {

/// What is known of one line for one label set.
enum class Truth { no, yes, unknown };

class ThresholdRule : public Rule {
 public:
  ThresholdRule(const RuleSpec& spec, const std::string& group_id, const TemplateContext& templates);
  [[nodiscard]] std::optional<std::string> evaluate(Round& round) override;
  [[nodiscard]] std::string doubt() const override;
  [[nodiscard]] std::vector<core::Alert> alerts() const override { return book_.alerts(); }
  void take_from(Rule& old) override;
  void visit(const std::function<void(const promql::Expr&)>& visitor) const override;

 private:
  /// One label set of one line: what it was when it was last seen.
  struct Series {
    bool on = false;
    double value = 0;
    core::TimePoint seen;
  };
  struct Line {
    const ThresholdSpec::Line& spec;
    promql::Plan plan;
    std::set<std::string> names;  // of the labels that its series have
    std::map<core::Labels, Series> series;
  };
  /// The values of a line for each label set, newest period first; not present: no data.
  using Periods = std::map<core::Labels, std::vector<std::optional<double>>>;
  struct Verdict {
    Truth truth = Truth::no;
    double value = 0;  // of the first line that holds, or would
    core::TimePoint seen;
    bool sure = false;  // it rests on data of now alone
  };

  [[nodiscard]] std::optional<std::string> read(Round& round, std::vector<std::vector<promql::Vector>>& results);
  void learn_names(const std::vector<std::vector<promql::Vector>>& results);
  [[nodiscard]] core::Labels key(const core::Labels& labels) const;
  [[nodiscard]] Periods periods(const Line& line, const std::vector<promql::Vector>& results) const;
  void judge(Line& line, const Periods& periods, core::TimePoint at) const;
  [[nodiscard]] Verdict combine(const core::Labels& key, core::TimePoint at) const;
  void decide(const core::Labels& key, Round& round, std::vector<Found>& found, std::vector<core::Labels>& frozen);
  void hold(const core::Labels& key, const Verdict& verdict, const Round& round, std::vector<core::Labels>& frozen);
  void forget(core::TimePoint at);

  const ThresholdSpec& threshold_;
  std::vector<Line> lines_;
  std::set<std::string> common_;                       // labels that all lines have: by them lines belong together
  std::map<core::Labels, core::Labels> alert_labels_;  // of a label set: those of its alert
  std::map<core::Labels, core::TimePoint> doubts_;     // label sets of whom nothing is known any more, and since when
  AlertTexts texts_;
  AlertBook book_;
};

}  // namespace tocsin::rules
