// A group that may end and begin again in another process: its samples and its memories are kept, nothing else.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evaluate.hpp"

namespace tocsin::rules::test {

class Life {
 public:
  using Samples = std::vector<std::pair<std::string, double>>;
  struct Row {
    double second = 0;
    std::vector<std::pair<core::Labels, double>> samples;
  };
  /// So many rows outlive the process: enough for every look-back of these tests.
  static constexpr std::size_t longest = 40;

  explicit Life(std::string rules_, GroupSettings settings_ = {})
      : rules(std::move(rules_)), settings(std::move(settings_)) {
    begin();
  }

  void give(double second, const Samples& samples) {
    Row row{second, {}};
    for (const auto& [text, value] : samples) row.samples.emplace_back(series(text), value);
    append(row);
    given.push_back(std::move(row));
    if (given.size() > longest) given.pop_front();
  }
  Evaluation evaluate(double second) { return evaluate_at(at_second(second)); }
  Evaluation evaluate_at(core::TimePoint at) {
    Evaluation out = group->evaluate(at, {});
    for (const core::Memory& memory : out.memories) keep(memory);
    written += out.memories.size();
    EXPECT_TRUE(out.errors.empty()) << out.errors.at(0).second;
    return out;
  }
  std::vector<std::string> changes(double second) { return words(evaluate(second)); }
  /// The process ends; another begins, and restores.
  RestoreReport restart(double second, core::Duration tolerance = std::chrono::hours{1},
                        std::optional<core::TimePoint> last_alive = std::nullopt) {
    begin();
    return group->restore(listed(), Restart{at_second(second), tolerance, last_alive});
  }
  /// A reload with other rules.
  void reload(const std::string& fresh) {
    rules = fresh;
    auto next = std::make_unique<Group>(spec(), settings, *store);
    next->take_state_from(*group);
    for (const core::Memory& memory : group->forget()) keep(memory);
    group = std::move(next);
  }
  void keep(const core::Memory& memory) {
    if (memory.value) {
      memories[memory.key] = *memory.value;
    } else {
      memories.erase(memory.key);
    }
  }
  [[nodiscard]] std::vector<core::Memory> listed() const {
    std::vector<core::Memory> out;
    for (const auto& [key, value] : memories) out.push_back({key, value});
    return out;
  }
  RuleStatus rule(std::size_t i = 0) const { return group->status().rules.at(i); }

  std::string rules;
  GroupSettings settings;
  std::deque<Row> given;
  std::map<std::string, std::string> memories;
  std::size_t written = 0;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Group> group;
  store::BlockId block = 0;

 private:
  const GroupSpec& spec() {
    if (read != rules) specs = good_rules(rules);
    read = rules;
    return specs.at(0);
  }
  void begin() {
    group.reset();
    store = std::make_unique<store::Store>(store::Limits{std::chrono::hours{3}});
    block = store->open_block("target");
    table = core::SeriesTable();
    for (const Row& row : given) append(row);
    group = std::make_unique<Group>(spec(), settings, *store);
  }
  void append(const Row& row) {
    table.begin();
    for (const auto& [labels, value] : row.samples) table.add(labels, value);
    EXPECT_FALSE(store->append(block, at_second(row.second), table.take()).too_old);
  }

  core::SeriesTable table;
  std::vector<GroupSpec> specs;
  std::string read;  // what they were read from
};

}  // namespace tocsin::rules::test
