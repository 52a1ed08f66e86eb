// An alert by limits: hysteresis, averages, M of N periods, and a word for data that is missing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "alert_book.hpp"
#include "alert_texts.hpp"
#include "rule.hpp"

namespace tocsin::rules {

/// What is known of one line for one label set.
enum class Truth { no, yes, unknown };

class ThresholdRule : public Rule {
 public:
  ThresholdRule(const RuleSpec& spec, RuleMark mark, const std::string& group_id, const TemplateContext& templates);
  [[nodiscard]] std::optional<std::string> evaluate(Round& round) override;
  void hold(Round& round) override;
  [[nodiscard]] std::string doubt() const override;
  [[nodiscard]] std::vector<core::Alert> alerts() const override;
  void take_from(Rule& old) override;
  Revived restore(const MemoryKey& key, std::string_view value, const Revival& revival) override;
  void finish_restore() override;
  void forget(const std::string& prefix, std::vector<core::Memory>& out) const override;
  [[nodiscard]] bool remembers() const override;
  void shift(core::Duration by) override;
  [[nodiscard]] std::vector<LineStatus> lines() const override;
  void visit(const std::function<void(const promql::Expr&)>& visitor) const override;

 private:
  /// One label set of one line: what it was when it was last seen.
  struct Series {
    bool on = false;
    double value = 0;
    core::TimePoint seen;
    bool missing = false;
    bool stored = false;  // in memory that outlives the process
    bool changed = true;  // since it was stored
  };
  struct Line {
    const ThresholdSpec::Line& spec;
    promql::Plan plan;
    std::set<std::string> names;  // of the labels that its series have
    std::map<core::Labels, Series> series;
    std::vector<core::Labels> gone;  // were stored, and are to be deleted
  };
  /// The values of a line for each label set, newest period first; not present: no data.
  using Periods = std::map<core::Labels, std::vector<std::optional<double>>>;
  struct Verdict {
    Truth truth = Truth::no;
    double value = 0;  // of the first line that holds, or would
    core::TimePoint seen;
    bool sure = false;  // it rests on data of now alone
  };
  /// A label set of which nothing is known any more, and what its alert says.
  struct Doubt {
    core::TimePoint since;
    double value = 0;
    core::Labels labels;
    core::Labels annotations;
  };

  [[nodiscard]] std::optional<std::string> read(Round& round, std::vector<std::vector<promql::Vector>>& results);
  void learn_names(const std::vector<std::vector<promql::Vector>>& results);
  [[nodiscard]] core::Labels key(const core::Labels& labels) const;
  [[nodiscard]] std::vector<const core::Labels*> keys() const;
  [[nodiscard]] Periods periods(const Line& line, const std::vector<promql::Vector>& results) const;
  void judge(Line& line, const Periods& periods, core::TimePoint at) const;
  [[nodiscard]] Verdict combine(const core::Labels& key, core::TimePoint at) const;
  void decide(const core::Labels& key, Round& round, Judgement& judgement);
  void hold(const core::Labels& key, const Verdict& verdict, const Round& round, Judgement& judgement);
  [[nodiscard]] Doubt doubt_of(const core::Labels& key, const core::Alert& alert, const Verdict& verdict) const;
  [[nodiscard]] Judgement doubted(const Round& round) const;
  void forget(core::TimePoint at);
  void forget_labels();
  template <class Predicate>
  static void drop_series(Line& line, const Predicate& predicate) {
    std::erase_if(line.series, [&](const auto& entry) {
      if (!predicate(entry.second)) return false;
      if (entry.second.stored) line.gone.push_back(entry.first);
      return true;
    });
  }
  void remember(const MemorySink& sink);
  [[nodiscard]] MemoryKey memory_key(MemoryKey::Kind kind) const;
  [[nodiscard]] Revived restore_names(std::string_view value);

  const ThresholdSpec& threshold_;
  std::uint64_t wording_;
  std::vector<Line> lines_;
  std::set<std::string> common_;                       // labels that all lines have: by them lines belong together
  std::string names_stored_;                           // common_ and the lines' names, as they were stored
  bool names_changed_ = false;                         // they must be stored anew, even if they are the same
  std::map<core::Labels, core::Labels> alert_labels_;  // of a label set: those of its alert
  std::map<core::Labels, Doubt> doubts_;
  std::unordered_set<std::uint64_t> labels_seen_;  // hashes of the labels found in this evaluation
  AlertTexts texts_;
  AlertBook book_;
  AlertBook unknown_;  // the alerts that say that the truth is unknown
};

}  // namespace tocsin::rules
