// Whether an answer is there soon after the question.
#pragma once

#include <algorithm>
#include <atomic>

namespace tocsin::net {

/// Where many ask near peers at a time, most answers are there once the loop has gone round: then to look is cheaper
/// than to be told (no registration with epoll, no timer). It learns from how it went. What threads lose of each
/// other's votes does not matter.
class Prediction {
 public:
  /// Whether it is worth looking; now and then also where it was not.
  [[nodiscard]] bool soon() {
    constexpr unsigned now_and_then = 64;
    return score_.load(std::memory_order_relaxed) > 0 ||
           asked_.fetch_add(1, std::memory_order_relaxed) % now_and_then == 0;
  }
  /// A look that finds nothing costs less than one that finds something saves.
  void was(bool there) {
    constexpr int most = 64;
    const int score = score_.load(std::memory_order_relaxed) + (there ? 2 : -1);
    score_.store(std::clamp(score, 0, most), std::memory_order_relaxed);
  }

 private:
  std::atomic<int> score_ = 0;
  std::atomic<unsigned> asked_ = 0;
};

}  // namespace tocsin::net
