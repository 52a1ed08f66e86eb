// Whatever the values do: a process that ends at any moment and begins again comes to the same changes as one that
// lives on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "life.hpp"

namespace tocsin::rules {
namespace {

using test::Life;

struct Case {
  std::string name;
  std::string rules;
  bool words = false;  // compare values and annotations as well
};

/// What a change says. Its words are compared only where it speaks of what is there now: of an alert of which there is
/// nothing any more, a restart knows the words with which it was told last, which may be a minute old.
std::string line(const core::AlertChange& change, bool words) {
  const core::Alert& alert = change.alert;
  const auto time = [](const std::optional<core::TimePoint>& at) {
    return at ? std::to_string((*at - test::at_second(0)).count()) : std::string("-");
  };
  std::string out = std::string(to_string(change.kind)) + alert.labels.to_string() + " at " + time(change.at) +
                    " active " + time(alert.active_at) + " fired " + time(alert.fired_at) + " resolved " +
                    time(alert.resolved_at) + " kept " + time(alert.keep_firing_since) + " valid " +
                    time(alert.valid_until) + (alert.held ? " held" : "");
  const bool seen = words && alert.state != core::AlertState::inactive && !alert.keep_firing_since;
  if (seen) out += " " + std::to_string(alert.value) + alert.annotations.to_string();
  return out;
}

std::vector<std::string> lines(const Evaluation& evaluation, bool words) {
  std::vector<std::string> out;
  for (const core::AlertChange& change : evaluation.changes) out.push_back(line(change, words));
  return out;
}

class Values {
 public:
  explicit Values(unsigned seed) : random_(seed) {}
  /// Each of a few series stays, changes or is away.
  Life::Samples next() {
    Life::Samples out;
    for (std::size_t i = 0; i < now_.size(); ++i) {
      if (random_() % 3 == 0) now_[i] = static_cast<int>(random_() % 8) - 2;
      if (now_[i] < 0) continue;
      out.emplace_back((i % 2 == 0 ? "x{i=\"" : "y{i=\"") + std::to_string(i / 2) + "\"}", now_[i]);
    }
    return out;
  }
  bool one_in(unsigned n) { return random_() % n == 0; }

 private:
  std::mt19937 random_;
  std::array<int, 8> now_{};
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Restarts : public testing::TestWithParam<Case> {};

TEST_P(Restarts, ChangeNothing) {
  const bool words = GetParam().words;
  for (unsigned seed = 0; seed < 4; ++seed) {
    Values values(seed);
    Life steady(GetParam().rules);
    Life restarted(GetParam().rules);
    std::size_t changes = 0;
    for (int step = 1; step <= 90; ++step) {
      const double second = step * 15;
      const auto samples = values.next();
      steady.give(second - 1, samples);
      restarted.give(second - 1, samples);
      const auto expected = lines(steady.evaluate(second), words);
      changes += expected.size();
      if (values.one_in(6)) (void)restarted.restart(second - 0.5);
      const bool lost = values.one_in(10);
      const auto before = restarted.memories;
      ASSERT_EQ(lines(restarted.evaluate(second), words), expected)
          << GetParam().name << " " << seed << " at " << second;
      if (!lost) continue;
      // It ended before any of this was written: the next one comes to it again.
      restarted.memories = before;
      (void)restarted.restart(second);
      ASSERT_EQ(lines(restarted.evaluate(second), words), expected)
          << GetParam().name << " " << seed << " at " << second;
    }
    EXPECT_GT(changes, 15U) << GetParam().name << " " << seed;
    // Nothing is remembered that the group would not have written itself.
    EXPECT_EQ(restarted.memories.size(), steady.memories.size());
    for (const auto& [key, value] : steady.memories) EXPECT_TRUE(restarted.memories.contains(key));
    for (const core::Memory& memory : restarted.group->forget()) restarted.keep(memory);
    EXPECT_TRUE(restarted.memories.empty());
  }
}

std::string life_rule(const std::string& more) {
  return "groups: [{name: g, rules: [{alert: A, expr: x > 1, annotations: {s: 'has {{ $value }}'}" + more + "}]}]";
}
std::string threshold(const std::string& rest) {
  return "thresholds: [{alert: A, annotations: {s: 'has {{ $value }}'}, " + rest + "}]";
}
std::vector<Case> cases() {
  const std::string two = ": [{metric: x, above: 2, clear_below: 1}, {metric: y, below: 4, clear_above: 5}]";
  return {
      {"at_once", life_rule(""), true},
      {"for", life_rule(", for: 40s"), true},
      {"keep", life_rule(", for: 15s, keep_firing_for: 50s"), true},
      {"hysteresis", threshold("all: [{metric: x, above: 3, clear_below: 1}]")},
      {"hold", threshold("all: [{metric: x, above: 2}], for: 30s, hold_max: 45s")},
      {"fire", threshold("all: [{metric: x, above: 2}], on_missing: fire")},
      {"resolve", threshold("all: [{metric: x, above: 2}], on_missing: resolve, keep_firing_for: 30s")},
      {"all", threshold("all" + two + ", hold_max: 1m")},
      {"any", threshold("any" + two + ", hold_max: 1m, for: 30s")},
      {"any_fire", threshold("any" + two + ", on_missing: fire")},
      {"periods", threshold("all: [{metric: x, above: 2, clear_below: 1}], average: 30s, breaches: 2 of 3")},
  };
}
INSTANTIATE_TEST_SUITE_P(All, Restarts, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& instance) { return instance.param.name; });

}  // namespace
}  // namespace tocsin::rules
