// Waiting for a condition, with a deadline.
#pragma once

#include <chrono>
#include <thread>

namespace tocsin::test {

/// True as soon as `condition()` is; false if it was not for that long.
template <class Condition>
[[nodiscard]] bool wait_until(Condition condition, std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace tocsin::test
