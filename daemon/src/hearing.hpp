// Which targets have not been heard since data was interrupted: by a restart, a cut network, a clock that was set.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// Pure: times are arguments. A target that was heard once is known again; rates need it twice. What stays silent
/// without a reason is given up after a time, so that one target does not hold up the judgement of all.
class Hearing {
 public:
  static constexpr core::Duration patience{std::chrono::minutes{2}};

  /// Nothing is known of the target since now. True if that is news.
  bool lost(std::uint32_t target, core::TimePoint now);
  /// True if it was unknown until now.
  bool heard(std::uint32_t target);
  /// It is no target any more. True if it was unknown.
  bool removed(std::uint32_t target);
  /// While there is a reason for silence nobody is given up.
  void set_excused(bool excused, core::TimePoint now);

  [[nodiscard]] bool unknown(std::uint32_t target) const;
  /// Some target has not been heard often enough.
  [[nodiscard]] bool settling() const { return !silent_.empty(); }
  /// True if it is time to give up on those that are silent; they are forgotten then.
  bool give_up(core::TimePoint now);
  /// The clock was set.
  void shift(core::Duration by);
  template <class Visitor>
  void each_unknown(Visitor&& visitor) const {
    for (const auto& [target, times] : silent_) {
      if (times == 0) visitor(target);
    }
  }

 private:
  static constexpr unsigned enough = 2;
  std::unordered_map<std::uint32_t, unsigned> silent_;  // how often each was heard since
  std::optional<core::TimePoint> until_;                // when those are given up
  bool excused_ = false;
};

}  // namespace tocsin::daemon
