// A group on a store of its own, with a clock of the test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/group.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::rules::test {

inline std::vector<GroupSpec> read_rules(const std::string& text, core::Diagnostics& diagnostics,
                                         const std::string& name = "rules.yml") {
  const auto source = std::make_shared<core::SourceFile>(core::SourceFile{name, text});
  return parse_rule_file(core::parse_yaml(source, diagnostics), diagnostics);
}

/// The groups of a file that is right.
inline std::vector<GroupSpec> good_rules(const std::string& text) {
  core::Diagnostics diagnostics;
  auto groups = read_rules(text, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  return groups;
}

/// `name{a="b"}` as labels.
inline core::Labels series(const std::string& text) {
  auto parsed = promql::parse(text);
  const auto& selector = std::get<promql::VectorSelector>(std::get<promql::ExprPtr>(parsed)->node);
  core::Labels labels;
  for (const core::Matcher& matcher : selector.matchers) labels.set(matcher.name(), matcher.value());
  return labels;
}

inline core::TimePoint at_second(double second) {
  return core::from_millis(1'700'000'000'000 + static_cast<std::int64_t>(second * 1000));
}

/// `firing{alertname="A"}` and the like, in order.
inline std::vector<std::string> words(const Evaluation& evaluation) {
  std::vector<std::string> out;
  for (const core::AlertChange& change : evaluation.changes) {
    out.push_back(std::string(to_string(change.kind)) + change.alert.labels.to_string());
  }
  return out;
}

class Bench {
 public:
  explicit Bench(const std::string& rules, GroupSettings settings_ = {}) : settings(std::move(settings_)) {
    load(rules);
  }

  void load(const std::string& rules) {
    auto specs = good_rules(rules);
    auto fresh = std::make_unique<Group>(std::move(specs.at(0)), settings, store);
    if (group) {
      fresh->take_state_from(*group);
      group->close(now);
    }
    group = std::move(fresh);
  }
  /// The samples of a scrape: all series of the target that are not given have ended.
  void give(double second, const std::vector<std::pair<std::string, double>>& samples) {
    table.begin();
    for (const auto& [text, value] : samples) table.add(series(text), value);
    EXPECT_FALSE(store.append(block, at_second(second), table.take()).too_old);
  }
  Evaluation evaluate(double second) {
    now = at_second(second);
    return group->evaluate(now, {});
  }
  std::vector<std::string> changes(double second) { return words(evaluate(second)); }
  /// The value of a query now; NaN where it has no result.
  double value(const std::string& query, double second) {
    auto parsed = promql::parse(query);
    promql::Plan plan(*std::get<promql::ExprPtr>(parsed));
    auto answer = plan.instant(store.live(), at_second(second), {});
    const auto& vector = std::get<promql::Vector>(std::get<promql::Value>(answer));
    EXPECT_LE(vector.size(), 1U) << query;
    return vector.empty() ? std::numeric_limits<double>::quiet_NaN() : vector[0].sample.value;
  }
  RuleStatus rule(std::size_t i = 0) const { return group->status().rules.at(i); }

  GroupSettings settings;
  store::Store store{store::Limits{}};
  store::BlockId block = store.open_block("target");
  core::SeriesTable table;
  core::TimePoint now;
  std::unique_ptr<Group> group;
};

}  // namespace tocsin::rules::test
