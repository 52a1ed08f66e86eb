// Actions for tests of the machine, and a world for them in which every change is judged besides.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "actions/model_world.hpp"

namespace tocsin::actions::model {

/// A ladder of three rungs on `cache`, for the alert Full.
inline ActionSpec ladder_action(const std::string& name = "grow", const std::string& when = "Full",
                                const std::string& target = "cache") {
  ActionSpec spec;
  spec.name = name;
  spec.when_alert = when;
  spec.target = target;
  spec.mode = Mode::automatic;
  spec.ladder = {"small", "medium", "large"};
  spec.read.call = ExecCall{{"read"}};
  spec.set = ExecCall{{"set", "{to}"}};
  spec.timeout = std::chrono::seconds(30);
  spec.cooldown_up = std::chrono::minutes(30);
  spec.cooldown_down = std::chrono::hours(2);
  spec.clears_within = std::chrono::minutes(10);
  return spec;
}

/// A count of 1 to 10 on `web`, for the alert Busy; one more at a time.
inline ActionSpec count_action(const std::string& name = "more", const std::string& when = "Busy",
                               const std::string& target = "web") {
  ActionSpec spec = ladder_action(name, when, target);
  spec.ladder.clear();
  spec.count = CountSpec();
  spec.count->max = 10;
  return spec;
}

inline Settings settings_with(std::vector<ActionSpec> actions) {
  Settings settings;
  settings.actions = std::move(actions);
  return settings;
}

/// A world with `cache` at small and `web` at 2. What the referee has against it fails the test at its end.
class JudgedWorld : public World {
 public:
  explicit JudgedWorld(Settings its_settings, bool with_journal = true)
      : World(std::move(its_settings), with_journal, {}, true) {
    settle_on("cache", "small");
    settle_on("web", "2");
  }
  ~JudgedWorld() {
    if (const auto& found = violation()) ADD_FAILURE() << found->rule << ": " << found->words;
    if (failed_before_ || !testing::Test::HasFailure()) return;
    std::string all;
    for (const std::string& line : trace()) all += "  " + line + "\n";
    ADD_FAILURE() << "it went\n" << all;
  }
  JudgedWorld(const JudgedWorld&) = delete;
  JudgedWorld& operator=(const JudgedWorld&) = delete;

  /// An order; whether it was done.
  bool ordered(Order::Kind kind, const std::string& what, const std::string& by = "alice",
               std::optional<core::Direction> direction = std::nullopt,
               std::optional<core::Duration> lasts = std::nullopt) {
    order(Order{kind, what, direction, lasts, by, ""});
    return !answers.empty() && answers.back().done;
  }
  void suppress(const std::string& name, core::Suppression::State state) {
    alert(name).suppression =
        core::Suppression{state, {"a1b2"}, state == core::Suppression::State::unknown ? "refused" : ""};
  }

 private:
  bool failed_before_ = testing::Test::HasFailure();
};

}  // namespace tocsin::actions::model
