// Ten thousand random lives of the machine: alerts that flap, people, crashes, disks that fail, platforms that lie.
// What must always hold is in model_referee.cpp; and the referee itself is held here against worlds that break it on
// purpose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "actions/model_script.hpp"

namespace tocsin::actions::model {
namespace {

constexpr std::uint64_t shares = 20;  // so that they run side by side

/// How many lives; TOCSIN_MODEL_RUNS asks for more of them, or fewer.
std::uint64_t runs() {
  const char* const asked = std::getenv("TOCSIN_MODEL_RUNS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 10'000;
}

class ModelTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ModelTest, HoldsWhateverHappens) {
  constexpr unsigned most_reported = 3;
  const std::uint64_t all = runs();
  unsigned wrong = 0;
  for (std::uint64_t seed = GetParam(); seed < all && wrong < most_reported; seed += shares) {
    const Script script = script_of(seed);
    const auto violation = play(script);
    if (!violation) continue;
    ++wrong;
    ADD_FAILURE() << report(seed, shrink(script, violation->rule));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range<std::uint64_t>(0, shares));

// What never happens holds nothing: the lives are about all that they are meant to be about.
TEST(ModelReachTest, TheLivesSeeEveryStepAndBothDirections) {
  std::map<core::ActionStep, std::size_t> steps;
  std::map<core::Direction, std::size_t> started;
  std::size_t by_people = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    std::vector<core::ActionRecord> rows;
    static_cast<void>(play(script_of(seed), {}, nullptr, &rows));
    for (const core::ActionRecord& row : rows) {
      ++steps[row.step];
      if (row.step == core::ActionStep::started) ++started[row.direction];
      if (row.step == core::ActionStep::started && !row.by.empty()) ++by_people;
    }
  }
  EXPECT_EQ(steps.size(), 15U);
  for (const auto& [step, count] : steps) EXPECT_GE(count, 5U) << core::to_string(step);
  EXPECT_GE(started[core::Direction::up], 200U);
  EXPECT_GE(started[core::Direction::down], 10U);
  EXPECT_GE(by_people, 10U);
}

/// What the world does to the machine, and the rule that must be seen to break.
struct Break {
  std::string rule;
  Sabotage sabotage;
};

std::vector<Break> breaks();

class BrokenModelTest : public testing::TestWithParam<std::size_t> {};

TEST_P(BrokenModelTest, IsSeenAndMadeShort) {
  const Break broken = breaks()[GetParam()];
  SCOPED_TRACE(broken.rule);
  std::map<std::string, unsigned> seen;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    const Script script = script_of(seed);
    const auto violation = play(script, broken.sabotage);
    if (violation) ++seen[violation->rule];
    if (!violation || violation->rule != broken.rule) continue;
    const Script shrunk = shrink(script, violation->rule, broken.sabotage);
    EXPECT_LE(shrunk.commands.size(), 12U) << report(seed, shrunk, broken.sabotage);
    EXPECT_FALSE(shrunk.commands.empty());
    EXPECT_THAT(report(seed, shrunk, broken.sabotage), testing::HasSubstr(words(shrunk.commands.front())));
    return;
  }
  FAIL() << "not seen in 2000 runs; seen was: " << testing::PrintToString(seen);
}

/// A change of every action's settings that the referee does not know of.
Sabotage of_each(const std::function<void(ActionSpec&)>& change) {
  Sabotage sabotage;
  sabotage.settings = [change](Settings& settings) {
    for (ActionSpec& spec : settings.actions) change(spec);
  };
  return sabotage;
}

Sabotage of_effects(std::function<void(std::vector<Effect>&)> change) {
  Sabotage sabotage;
  sabotage.effects = std::move(change);
  return sabotage;
}

std::vector<Break> breaks() {
  std::vector<Break> all;
  all.push_back({"one run an id", of_effects([](std::vector<Effect>& effects) {
                   const auto make = std::find_if(effects.begin(), effects.end(), [](const Effect& effect) {
                     return std::holds_alternative<MakeChange>(effect);
                   });
                   if (make != effects.end()) effects.push_back(Effect(*make));
                 })});
  all.push_back({"on disk first", of_effects([](std::vector<Effect>& effects) {
                   // What gets to disk is another row than the one that must be there.
                   for (Effect& effect : effects) {
                     auto* const write = std::get_if<Write>(&effect);
                     if (write != nullptr && write->record.step == core::ActionStep::preflight)
                       write->record.step = core::ActionStep::proposed;
                   }
                 })});
  Sabotage forgetful;
  forgetful.remembered = [](state::Remembered& remembered) { remembered = state::Remembered(); };
  all.push_back({"one run an id", forgetful});
  all.push_back({"bounds", of_each([](ActionSpec& spec) {
                   if (spec.count) spec.count->max += 5;
                 })});
  all.push_back({"bounds", of_each([](ActionSpec& spec) {
                   if (spec.count) spec.count->max_step.reset();
                 })});
  all.push_back({"limits", of_each([](ActionSpec& spec) {
                   spec.per_target.reset();
                   spec.all.reset();
                 })});
  Sabotage unguarded;
  unguarded.settings = [](Settings& settings) { settings.guard = Guard(); };
  all.push_back({"limits", unguarded});
  all.push_back({"cooldown", of_each([](ActionSpec& spec) { spec.cooldown_up = core::Duration(0); })});
  all.push_back({"shadow", of_each([](ActionSpec& spec) {
                   if (spec.mode == Mode::shadow) spec.mode = Mode::automatic;
                 })});
  all.push_back({"approval", of_each([](ActionSpec& spec) {
                   if (spec.mode == Mode::approve) spec.mode = Mode::automatic;
                 })});
  all.push_back({"approval", of_each([](ActionSpec& spec) { spec.approvers.clear(); })});
  all.push_back({"breaker", of_each([](ActionSpec& spec) { spec.breaker_after = 100; })});
  all.push_back({"stabilization", of_each([](ActionSpec& spec) { spec.stabilization_up = core::Duration(0); })});
  Sabotage deaf;
  deaf.suppressed = [](core::Suppression& found) { found = {core::Suppression::State::none, {}, ""}; };
  all.push_back({"silence", deaf});
  Sabotage hasty;
  hasty.reading = [](Reading& reading) { reading.ready = true; };
  all.push_back({"data", hasty});
  Sabotage credulous;
  credulous.alert = [](core::Alert& alert) {
    alert.held = false;
    alert.keep_firing_since.reset();
  };
  all.push_back({"data", credulous});
  Sabotage fenceless;
  fenceless.reading = [](Reading& reading) { reading.version = "0"; };
  all.push_back({"fence", fenceless});
  Sabotage rested;
  rested.remembered = [](state::Remembered& remembered) {
    std::erase_if(remembered.not_before, [](const auto& one) { return one.first.starts_with("cooldown/"); });
  };
  all.push_back({"cooldown", rested});
  Sabotage trusting;
  trusting.moment = [](Moment& moment) { moment.around = Surroundings{false, 20, 0}; };
  all.push_back({"surroundings", trusting});
  Sabotage always;
  always.settings = [](Settings& settings) { settings.maintenance = nullptr; };
  all.push_back({"maintenance", always});
  Sabotage unpaused;
  unpaused.remembered = [](state::Remembered& remembered) {
    std::erase_if(remembered.not_before, [](const auto& one) { return one.first.starts_with("pause/"); });
  };
  all.push_back({"pause", unpaused});
  Sabotage eager;
  eager.remembered = [](state::Remembered& remembered) { remembered.last_steps.clear(); };
  all.push_back({"known end", eager});
  all.push_back({"bounded", of_effects([](std::vector<Effect>& effects) {
                   if (!effects.empty()) effects.resize(100, effects.front());
                 })});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Breaks, BrokenModelTest, testing::Range<std::size_t>(0, breaks().size()),
                         [](const auto& given) {
                           std::string name = breaks()[given.param].rule;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           name += '_';
                           name += std::to_string(given.param);
                           return name;
                         });

}  // namespace
}  // namespace tocsin::actions::model
