// Running a coroutine to its end in a test.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "tocsin/net/loop.hpp"

namespace tocsin::test {

/// A loop whose crashes are remembered (and rethrown by `run`).
class TestLoop {
 public:
  TestLoop() : loop_([this](const std::string& name, const std::string& what) { crash_ = name + ": " + what; }) {}

  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] net::Executor executor() const { return loop_.executor(); }
  [[nodiscard]] const std::string& crash() const { return crash_; }
  [[nodiscard]] static core::Deadline in(std::chrono::nanoseconds time) {
    return std::chrono::steady_clock::now() + std::chrono::duration_cast<core::Deadline::duration>(time);
  }

  /// Runs the loop in this thread until the task has ended. Throws when it takes too long or something crashed.
  template <class T>
  T run(net::Task<T> task, std::chrono::nanoseconds at_most = std::chrono::seconds(20)) {
    auto state = std::make_shared<State<T>>();
    loop_.post_after(at_most, [state, this] {
      if (state->done) return;
      state->late = true;
      loop_.stop();
    });
    loop_.spawn("test", hold<T>(state, std::move(task), &loop_));
    while (!state->done && !state->late && crash_.empty()) loop_.run();
    state->done = true;
    if (!crash_.empty()) throw std::runtime_error("crashed: " + std::exchange(crash_, {}));
    if (state->late) throw std::runtime_error("the task did not end in time");
    if constexpr (!std::is_void_v<T>) return std::move(*state->value);
  }

 private:
  struct Nothing {};
  template <class T>
  struct State {
    bool done = false;
    bool late = false;
    std::optional<std::conditional_t<std::is_void_v<T>, Nothing, T>> value;
  };
  struct StopAtEnd {
    net::Loop* loop;
    ~StopAtEnd() { loop->stop(); }
  };

  template <class T>
  static net::Task<void> hold(std::shared_ptr<State<T>> state, net::Task<T> task, net::Loop* loop) {
    const StopAtEnd stop{loop};
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      state->value.emplace(co_await std::move(task));
    }
    state->done = true;
  }

  std::string crash_;
  net::Loop loop_;
};

}  // namespace tocsin::test
