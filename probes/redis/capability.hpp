// Which commands a server answers: asked once, remembered, and told as a metric.
#pragma once

#include <array>

#include "redis/question.hpp"
#include "redis/series.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/observation.hpp"

namespace tocsin::probes::redis {

class Capabilities {
 public:
  explicit Capabilities(core::Labels base) : base_(std::move(base)) {}

  void answered(Question question) { of(question) = {State::good, 0, {}}; }
  void refused(Question question, core::TimePoint at);
  /// What was refused is asked again by a fresh probe only (rights change), at first by the next, then less and less
  /// often, down to once an hour.
  [[nodiscard]] bool may_ask(Question question, core::TimePoint at, bool fresh) const;
  [[nodiscard]] bool is_refused(Question question) const {
    return states_[static_cast<std::size_t>(question)].state == State::refused;
  }
  /// Another server: nothing is known about it.
  void forget() { states_ = {}; }
  /// Adds tocsin_redis_command_available{command} for each that was asked.
  void append(core::SeriesTable& table);

 private:
  enum class State : std::uint8_t { unknown, good, refused };
  struct Command {
    State state = State::unknown;
    unsigned refusals = 0;
    core::TimePoint last;
  };
  [[nodiscard]] Command& of(Question question) { return states_[static_cast<std::size_t>(question)]; }

  core::Labels base_;
  std::array<Command, question_count> states_{};
  std::array<KnownSeries, question_count> known_{};
};

}  // namespace tocsin::probes::redis
