#include "src/lints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "src/make_prober.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::daemon {
namespace {

using rules::promql::Expr;
using rules::promql::ExprPtr;

constexpr double guessed_cost = 2;  // commands of a probe under a budget: INFO, and AUTH or CLUSTER now and then
constexpr int sleep_factor = 4;     // see sparing.cpp

/// The shortest range in which each metric is read.
class Ranges {
 public:
  void of(const Expr& expr) {
    std::visit([this](const auto& node) { visit(node); }, expr.node);
  }
  [[nodiscard]] const std::map<std::string, core::Duration>& shortest() const { return shortest_; }

 private:
  using Ast = rules::promql::Expr;
  void of(const ExprPtr& expr) {
    if (expr) of(*expr);
  }
  void visit(const rules::promql::MatrixSelector& node) {
    const auto [it, fresh] = shortest_.emplace(node.selector.name, node.range);
    if (!fresh) it->second = std::min(it->second, node.range);
  }
  void visit(const rules::promql::Subquery& node) { of(node.inner); }
  void visit(const rules::promql::Call& node) {
    for (const ExprPtr& arg : node.args) of(arg);
  }
  void visit(const rules::promql::Aggregation& node) { of(node.inner); }
  void visit(const rules::promql::Binary& node) {
    of(node.lhs);
    of(node.rhs);
  }
  void visit(const rules::promql::Unary& node) { of(node.inner); }
  void visit(const rules::promql::Paren& node) { of(node.inner); }
  template <class Leaf>
  void visit(const Leaf&) {}

  std::map<std::string, core::Duration> shortest_;
};

/// The longest interval at which a metric of this kind comes in, by the metric's name.
std::map<std::string, std::pair<core::Duration, std::string>, std::less<>> slow_metrics(const Config& config) {
  std::map<std::string, std::pair<core::Duration, std::string>, std::less<>> slow;
  std::set<std::pair<std::string, core::Duration>> seen;
  for (const TargetConfig& target : config.targets) {
    if (!target.budget && !target.sleeps_after) continue;
    const core::Duration interval = expected_interval(target, config.targets);
    if (!seen.emplace(target.kind, interval).second) continue;
    for (const core::MetricMeta& meta : metadata_of(target.kind)) {
      auto& known = slow[std::string(meta.name)];
      if (interval > known.first) known = {interval, target.display};
    }
  }
  return slow;
}

}  // namespace

core::Duration expected_interval(const TargetConfig& target, const std::vector<TargetConfig>& all) {
  core::Duration interval = target.interval;
  if (target.sleeps_after) interval = std::max(interval, sleep_factor * *target.sleeps_after);
  if (target.budget) {
    const auto sharers = std::count_if(all.begin(), all.end(), [&target](const TargetConfig& other) {
      return other.budget && other.budget->share == target.budget->share;
    });
    const double round = guessed_cost * static_cast<double>(sharers) / static_cast<double>(target.budget->commands);
    interval = std::max(
        interval,
        core::Duration(static_cast<std::int64_t>(std::ceil(round * static_cast<double>(target.budget->per.count())))));
  }
  return interval;
}

void warn_of_short_look_backs(const Loaded& loaded, core::Diagnostics& diagnostics) {
  const auto slow = slow_metrics(loaded.config);
  if (slow.empty()) return;
  for (const rules::GroupSpec& group : loaded.groups) {
    auto file = std::make_shared<core::SourceFile>(core::SourceFile{group.file, {}});
    for (const rules::RuleSpec& rule : group.rules) {
      if (!rule.parsed) continue;
      Ranges ranges;
      ranges.of(*rule.parsed);
      for (const auto& [metric, range] : ranges.shortest()) {
        const auto it = slow.find(metric);
        if (it == slow.end() || range >= 2 * it->second.first) continue;
        diagnostics.warning(
            file, rule.at,
            fmt::format(
                "the rule \"{}\" looks back {} on {}, but {} is asked about every {} (look back twice as long, or "
                "leave more to its budget)",
                rule.name, core::format_duration(range), metric, it->second.second,
                core::format_duration(std::chrono::ceil<std::chrono::seconds>(it->second.first))));
      }
    }
  }
}

}  // namespace tocsin::daemon
