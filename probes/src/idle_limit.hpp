// After how long a server closes an idle connection, learnt from watching.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "tocsin/core/time.hpp"

namespace tocsin::probes {

/// Two closes after about the same idle time, each with a healthy server behind it, are a limit; one may be a restart
/// or an operator's CLIENT KILL. What was learnt is forgotten after an hour, since configurations change.
class IdleLimit {
 public:
  using Span = std::chrono::nanoseconds;

  /// The server closed a connection that had been idle for so long, and answered on a new one.
  void closed_after(Span idle, core::Deadline now) {
    if (seen_ && similar(*seen_, idle)) {
      limit_ = std::min(*seen_, idle);
      learnt_ = now;
    }
    seen_ = idle;
  }
  /// Whether a connection is worth keeping if it will idle for so long.
  [[nodiscard]] bool outlives(Span idle, core::Deadline now) {
    if (limit_ && now - learnt_ > std::chrono::hours(1)) limit_.reset();
    return !limit_ || idle + idle / 10 < *limit_;
  }

 private:
  [[nodiscard]] static bool similar(Span a, Span b) {
    const Span apart = a > b ? a - b : b - a;
    return apart <= std::chrono::milliseconds(1500) || apart <= std::max(a, b) / 10;
  }

  std::optional<Span> seen_;
  std::optional<Span> limit_;
  core::Deadline learnt_;
};

}  // namespace tocsin::probes
