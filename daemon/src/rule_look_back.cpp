#include "src/rule_look_back.hpp"

#include <algorithm>

namespace tocsin::daemon {

namespace promql = rules::promql;
using core::Duration;
using promql::Expr;
using rules::RuleSpec;

/// One expression. `seen` are the recorded metrics on the way here: a rule that reads itself has no end.
class RuleLookBack::Walk {
 public:
  Walk(const RuleLookBack& rules, Names& seen) : rules_(rules), seen_(seen) {}

  Duration of(const Expr& expression) {
    return std::visit([this](const auto& node) { return visit(node); }, expression.node);
  }

 private:
  Duration of(const promql::ExprPtr& expression) { return expression ? of(*expression) : Duration{0}; }

  Duration visit(const promql::VectorSelector& node) {
    return std::max(node.offset, Duration{0}) + rules_.of_metric(node.name, seen_);
  }
  Duration visit(const promql::MatrixSelector& node) { return node.range + visit(node.selector); }
  Duration visit(const promql::Subquery& node) {
    return node.range + std::max(node.offset, Duration{0}) + of(node.inner);
  }
  Duration visit(const promql::Call& node) {
    Duration longest{0};
    for (const promql::ExprPtr& argument : node.args) longest = std::max(longest, of(argument));
    return longest;
  }
  Duration visit(const promql::Aggregation& node) { return std::max(of(node.inner), of(node.parameter)); }
  Duration visit(const promql::Binary& node) { return std::max(of(node.lhs), of(node.rhs)); }
  Duration visit(const promql::Unary& node) { return of(node.inner); }
  Duration visit(const promql::Paren& node) { return of(node.inner); }
  template <class Leaf>
  Duration visit(const Leaf&) {
    return Duration{0};
  }

  const RuleLookBack& rules_;
  Names& seen_;
};

RuleLookBack::RuleLookBack(const std::vector<rules::GroupSpec>& groups) {
  for (const rules::GroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      (rule.kind == RuleSpec::Kind::record ? recorded_ : alerts_).emplace(rule.name, &rule);
    }
  }
}

Duration RuleLookBack::of(const Expr& expression) const {
  Names seen;
  return Walk(*this, seen).of(expression);
}

Duration RuleLookBack::of_metric(const std::string& name, Names& seen) const {
  const auto [first, last] = recorded_.equal_range(name);
  if (first == last || !seen.insert(name).second) return Duration{0};
  Duration longest{0};
  for (auto it = first; it != last; ++it) {
    if (it->second->parsed) longest = std::max(longest, Walk(*this, seen).of(*it->second->parsed));
  }
  seen.erase(name);
  return longest;
}

Duration RuleLookBack::of_rule(const RuleSpec& rule) const {
  if (rule.parsed) return of(*rule.parsed);
  if (!rule.threshold) return Duration{0};
  const rules::ThresholdSpec& threshold = *rule.threshold;
  const auto earlier = static_cast<std::int64_t>(threshold.breaches ? threshold.breaches->second - 1 : 0);
  Duration longest{0};
  for (const auto& line : threshold.lines) {
    if (line.parsed) longest = std::max(longest, of(*line.parsed));
  }
  return longest + threshold.average.value_or(Duration{0}) * earlier;
}

std::optional<Duration> RuleLookBack::of_alert(const std::string& name, std::span<const core::Matcher> matchers) const {
  const auto contradicts = [matchers](const RuleSpec& rule) {
    return std::any_of(matchers.begin(), matchers.end(), [&rule](const core::Matcher& matcher) {
      return std::any_of(rule.labels.begin(), rule.labels.end(), [&matcher](const core::Label& label) {
        return label.name == matcher.name() && label.value.find("{{") == std::string::npos &&
               !matcher.matches(label.value);
      });
    });
  };
  std::optional<Duration> longest;
  const auto [first, last] = alerts_.equal_range(name);
  for (auto it = first; it != last; ++it) {
    if (contradicts(*it->second)) continue;
    longest = std::max(longest.value_or(Duration{0}), of_rule(*it->second) + it->second->keep_firing);
  }
  return longest;
}

}  // namespace tocsin::daemon
