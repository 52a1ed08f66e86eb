// When to let others have the processor.
#pragma once

#include <atomic>
#include <chrono>

namespace tocsin::net {

/// Who asks a near peer may hold the processor that the peer waits for. Where many coroutines would give way at a time,
/// one does it for all; and where somebody else then kept the processor for long, nobody does for a while. Any thread.
class GivingWay {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Times = unsigned;

  /// How often it was done, to be given to `falls_to_me`.
  [[nodiscard]] Times times() const { return times_.load(std::memory_order_relaxed); }
  /// Whether to give way now: true for one of those who were told the same `since`. It then says when it was back.
  [[nodiscard]] bool falls_to_me(Times since, Time now) {
    return now >= not_before_.load(std::memory_order_relaxed) &&
           times_.compare_exchange_strong(since, since + 1, std::memory_order_relaxed);
  }
  void was_away(Time from, Time to) {
    if (to - from > answers_take) not_before_.store(to + rarely * (to - from), std::memory_order_relaxed);
  }

 private:
  /// Servers that are near answer some dozens of questions in less; who takes more has other things to do.
  static constexpr std::chrono::milliseconds answers_take{2};
  static constexpr int rarely = 15;  // so that others take no more than a sixteenth of our time

  std::atomic<Times> times_ = 0;
  std::atomic<Time> not_before_{Time::min()};
};

}  // namespace tocsin::net
