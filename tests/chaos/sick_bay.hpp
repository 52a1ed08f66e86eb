// Targets that fall sick and recover as they are told, and the exact times at which they did.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

#include "tocsin/core/time.hpp"

namespace tocsin::chaos {

struct Episode {
  core::TimePoint from;
  std::optional<core::TimePoint> until;  // nothing while it lasts
};

/// Each target's episodes. Any thread.
class SickBay {
 public:
  explicit SickBay(std::size_t targets) : episodes_(targets), next_(targets) {}

  [[nodiscard]] std::size_t size() const { return episodes_.size(); }
  [[nodiscard]] bool sick(std::size_t target) const {
    const std::lock_guard lock(mutex_);
    return is_sick(target);
  }
  [[nodiscard]] std::vector<Episode> episodes(std::size_t target) const {
    const std::lock_guard lock(mutex_);
    return episodes_[target];
  }
  /// Turns every target over whose time has come. Sick spells last from half a second to sixteen, well ones from six:
  /// each end can be noticed before the next beginning.
  void turn(core::TimePoint now, std::minstd_rand& chance) {
    const std::lock_guard lock(mutex_);
    for (std::size_t target = 0; target < episodes_.size(); ++target) {
      if (next_[target] > now) continue;
      if (next_[target] != core::TimePoint{}) flip(target, now);
      next_[target] =
          now + core::Duration(std::uniform_int_distribution<int>(is_sick(target) ? 500 : 6'000, 16'000)(chance));
    }
  }
  void heal_all(core::TimePoint now) {
    const std::lock_guard lock(mutex_);
    for (std::size_t target = 0; target < episodes_.size(); ++target) {
      if (is_sick(target)) flip(target, now);
    }
  }

 private:
  [[nodiscard]] bool is_sick(std::size_t target) const {
    return !episodes_[target].empty() && !episodes_[target].back().until;
  }
  void flip(std::size_t target, core::TimePoint now) {
    if (is_sick(target)) {
      episodes_[target].back().until = now;
    } else {
      episodes_[target].push_back({now, {}});
    }
  }

  mutable std::mutex mutex_;
  std::vector<std::vector<Episode>> episodes_;
  std::vector<core::TimePoint> next_;
};

}  // namespace tocsin::chaos
