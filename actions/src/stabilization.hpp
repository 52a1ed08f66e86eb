// What was wanted in a window of time, so that one moment does not decide: going up takes the least of it, going down
// the most, and both only once the window is full. Pure; bounded.
// Source: the Horizontal Pod Autoscaler's stabilizationWindowSeconds; there a window need not be full.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "tocsin/core/journal.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::actions {

class Stabilization {
 public:
  /// Notes what is wanted now, and gives what the window allows; none while it is not full yet. What was noted before a
  /// gap of more than the window, or half a minute, counts no longer.
  [[nodiscard]] std::optional<std::int64_t> observe(core::Direction direction, std::int64_t wanted,
                                                    core::Duration window, core::TimePoint now);
  void clear() { seen_.clear(); }

 private:
  struct Seen {
    std::int64_t wanted;
    core::TimePoint at;
  };
  std::deque<Seen> seen_;  // oldest first; the first may be older than the window: it covers its beginning
};

}  // namespace tocsin::actions
