#include "redis/capability.hpp"

#include <algorithm>
#include <chrono>

namespace tocsin::probes::redis {

void Capabilities::refused(Question question, core::TimePoint at) {
  Command& command = of(question);
  command.state = State::refused;
  command.last = at;
  ++command.refusals;
}

bool Capabilities::may_ask(Question question, core::TimePoint at, bool fresh) const {
  const Command& command = states_[static_cast<std::size_t>(question)];
  if (command.state != State::refused) return true;
  if (!fresh) return false;
  const std::chrono::minutes gap(command.refusals <= 1 ? 0 : std::min(5U << std::min(command.refusals, 5U), 60U));
  return at - command.last >= gap;
}

void Capabilities::append(core::SeriesTable& table) {
  for (std::size_t i = 0; i < question_count; ++i) {
    const auto question = static_cast<Question>(i);
    if (states_[i].state == State::unknown || !is_optional(question)) continue;
    const double good = states_[i].state == State::good ? 1 : 0;
    known_[i].add(table, good, [&] {
      return series_labels(base_, "tocsin_redis_command_available", {{"command", to_string(question)}});
    });
  }
}

}  // namespace tocsin::probes::redis
