#include "kafka/progress.hpp"

namespace tocsin::probes::kafka {

void Progress::add(core::TimePoint now, std::int64_t offset, std::int64_t lag) {
  if (offset != commit) {
    if (commit >= 0) pause = std::max(core::Duration{0}, now - moved_at);
    commit = offset;
    moved_at = now;
  }
  if (lag > 0 && !behind) behind_at = now;
  behind = lag > 0;
}

void StatusWindow::add(core::TimePoint now, std::int64_t commit, std::int64_t lag) {
  looks_[next_] = {now, commit, lag};
  next_ = (next_ + 1) % size;
  count_ = std::min(count_ + 1, size);
}

ConsumerStatus StatusWindow::status(const Progress& progress, core::TimePoint now, bool has_members) const {
  if (count_ < size || look(0).lag == 0) return ConsumerStatus::ok;
  bool was_caught_up = false, lag_fell = false, moved = false;
  std::int64_t highest = look(0).commit;
  for (std::size_t age = 0; age < size; ++age) {
    was_caught_up = was_caught_up || look(age).lag == 0;
    highest = std::max(highest, look(age).commit);
    if (age == 0) continue;
    lag_fell = lag_fell || look(age - 1).lag < look(age).lag;
    moved = moved || look(age - 1).commit != look(age).commit;
  }
  if (highest > look(0).commit) return ConsumerStatus::rewind;
  if (was_caught_up) return ConsumerStatus::ok;
  if (!moved) {
    if (progress.stalled(now) < 2 * progress.pause) return ConsumerStatus::ok;
    return has_members ? ConsumerStatus::stall : ConsumerStatus::stop;
  }
  return !lag_fell && look(0).lag > look(size - 1).lag ? ConsumerStatus::warn : ConsumerStatus::ok;
}

}  // namespace tocsin::probes::kafka
