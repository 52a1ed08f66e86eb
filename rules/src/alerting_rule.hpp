// An alert by an expression, as Prometheus evaluates it.
#pragma once

#include <initializer_list>

#include "alert_book.hpp"
#include "alert_texts.hpp"
#include "rule.hpp"

namespace tocsin::rules {

class AlertingRule : public Rule {
 public:
  AlertingRule(const RuleSpec& spec, RuleMark mark, const std::string& group_id, const TemplateContext& templates);
  [[nodiscard]] std::optional<std::string> evaluate(Round& round) override;
  void hold(Round& round) override;
  [[nodiscard]] std::vector<core::Alert> alerts() const override { return book_.alerts(); }
  void take_from(Rule& old) override;
  Revived restore(const MemoryKey& key, std::string_view value, const Revival& revival) override;
  void forget(const std::string& prefix, std::vector<core::Memory>& out) const override;
  [[nodiscard]] bool remembers() const override { return !book_.empty(); }
  void shift(core::Duration by) override { book_.shift(by); }
  void visit(const std::function<void(const promql::Expr&)>& visitor) const override { visitor(*spec_.parsed); }

 private:
  promql::Plan plan_;
  AlertTexts texts_;
  AlertBook book_;
};

/// Nothing is known: all alerts of the book stay as they are.
void freeze(AlertBook& book, core::TimePoint at);
/// What both kinds of alerts do once it is clear what holds and the books have moved on: series are written, changes
/// are told, and what changed is remembered.
[[nodiscard]] std::optional<std::string> publish(Round& round, const Rule& rule, Output& output,
                                                 std::initializer_list<AlertBook*> books);

/// Puts an alert back into its book.
[[nodiscard]] Revived revive(AlertBook& book, const MemoryKey& key, std::string_view value, const Revival& revival);

}  // namespace tocsin::rules
