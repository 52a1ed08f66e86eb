// How a consumer gets on in one partition, from what it committed at each look.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "tocsin/core/time.hpp"

namespace tocsin::probes::kafka {

/// For how long records have been waiting while the commit stood still. Plain values.
struct Progress {
  std::int64_t commit = -1;   // the last one seen
  core::TimePoint moved_at;   // when it was first seen there
  core::TimePoint behind_at;  // since when there has been a lag
  core::Duration pause{0};    // how long the commit before it stood
  bool behind = false;

  void add(core::TimePoint now, std::int64_t offset, std::int64_t lag);
  /// 0 while nothing waits.
  [[nodiscard]] core::Duration stalled(core::TimePoint now) const {
    return behind ? std::max(core::Duration{0}, now - std::max(moved_at, behind_at)) : core::Duration{0};
  }
};

/// Burrow's words and numbers for the state of a consumer.
enum class ConsumerStatus { not_found = 0, ok = 1, warn = 2, error = 3, stop = 4, stall = 5, rewind = 6 };

/// Judges as Burrow does, without a threshold, by the last ten looks:
/// - ok while there have been fewer than ten, or if there was no lag in one of them;
/// - rewind: the commit went back and has not come up again;
/// - stop: the commit stands still and nobody is in the group; stall: somebody is;
/// - warn: it moves, and the lag never fell in that time and has grown.
/// A commit stands still when it did not move for all of the window and twice the pause that it made before.
class StatusWindow {
 public:
  static constexpr std::size_t size = 10;
  void add(core::TimePoint now, std::int64_t commit, std::int64_t lag);
  [[nodiscard]] ConsumerStatus status(const Progress& progress, core::TimePoint now, bool has_members) const;

 private:
  struct Look {
    core::TimePoint at;
    std::int64_t commit = 0;
    std::int64_t lag = 0;
  };
  [[nodiscard]] const Look& look(std::size_t age) const { return looks_[(next_ + size - 1 - age) % size]; }

  std::array<Look, size> looks_;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

/// A group is as bad as its worst partition, and no worse than `error`.
[[nodiscard]] constexpr ConsumerStatus worse(ConsumerStatus group, ConsumerStatus partition) {
  return std::max(group, std::min(partition, ConsumerStatus::error));
}

}  // namespace tocsin::probes::kafka
