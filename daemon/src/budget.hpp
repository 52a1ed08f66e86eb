// Spending within what a plan sells: pure, times are arguments.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// A number of commands for each period, shared by several targets. Periods begin at multiples of their length since
/// the epoch (days: at midnight UTC). What is left is spread evenly over the rest of the period: after a start in its
/// middle as after a burst of confirmations. Not thread-safe.
class Budget {
 public:
  using Member = std::uint32_t;
  Budget(std::uint64_t commands, core::Duration period) : commands_(commands), period_(period) {}

  /// Takes a target in. Until it was asked for the first time, its cost is a guess.
  void join(Member member);
  void leave(Member member);
  [[nodiscard]] bool empty() const { return costs_.empty(); }

  /// How long it takes at this moment until every member may be asked again: never less than nothing is left for.
  /// The rest of the period, if nothing is left.
  [[nodiscard]] core::Duration spacing(core::TimePoint now);
  /// Whether so much is left that the member can be asked at all.
  [[nodiscard]] bool affords(Member member, core::TimePoint now);
  /// Notes what one probe of a member cost.
  void spend(Member member, std::uint32_t commands, core::TimePoint now);

  [[nodiscard]] bool sells(std::uint64_t commands, core::Duration period) const {
    return commands == commands_ && period == period_;
  }
  /// What was spent, as a text, for a budget of the same name that comes later: after a reload or a start.
  [[nodiscard]] std::string spent() const;
  /// Takes such a text in; nothing, where it is of another period, or none.
  void recall(std::string_view spent);

  [[nodiscard]] std::uint64_t used(core::TimePoint now);
  [[nodiscard]] std::uint64_t left(core::TimePoint now);

 private:
  void turn(core::TimePoint now);
  [[nodiscard]] core::Duration rest(core::TimePoint now) const;

  std::uint64_t commands_;
  core::Duration period_;
  std::int64_t number_ = -1;  // of the period that `used_` is about
  std::uint64_t used_ = 0;
  std::map<Member, double> costs_;  // of one probe, smoothed
};

}  // namespace tocsin::daemon
