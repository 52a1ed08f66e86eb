#include "src/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::daemon {

std::chrono::milliseconds wheel_offset(std::uint64_t n, core::Duration interval) {
  constexpr double golden = 0.6180339887498949;
  const double turn = std::fmod(static_cast<double>(n) * golden, 1.0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(turn * static_cast<double>(interval.count())));
}

Wheel::Tick Wheel::tick_of(core::Deadline when) const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(when - start_);
  return since / wheel_tick;
}

void Wheel::add(std::uint32_t target, std::uint64_t n, core::Duration interval, core::Deadline now) {
  const Tick every = std::max<Tick>(1, interval / wheel_tick);
  const Tick offset = wheel_offset(n, interval) / wheel_tick;
  const Tick current = tick_of(now);
  Tick first = current - current % every + offset;
  while (first < current) first += every;
  std::erase(removed_, target);
  queue_.push({first, every, target});
}

std::vector<std::uint32_t> Wheel::due(core::Deadline now) {
  const Tick current = tick_of(now);
  std::vector<std::uint32_t> targets;
  while (!queue_.empty() && queue_.top().tick <= current) {
    Entry entry = queue_.top();
    queue_.pop();
    if (const auto gone = std::find(removed_.begin(), removed_.end(), entry.target); gone != removed_.end()) {
      removed_.erase(gone);
      continue;
    }
    targets.push_back(entry.target);
    const Tick slept_through = (current - entry.tick) / entry.every;
    entry.tick += entry.every * (slept_through + 1);
    queue_.push(entry);
  }
  return targets;
}

void Wheel::remove(std::uint32_t target) { removed_.push_back(target); }

core::Deadline Wheel::next(core::Deadline now) const {
  const Tick tick = queue_.empty() ? tick_of(now) + 10 : queue_.top().tick;
  return start_ + tick * wheel_tick;
}

Confirmation::Verdict Confirmation::judge(bool good, core::Duration confirm) {
  if (good) {
    const bool slip = holding_;
    holding_ = false;
    settled_ = true;
    return slip ? Verdict::drop_held : Verdict::append;
  }
  if (holding_) {
    holding_ = false;
    settled_ = false;
    return Verdict::append_both;
  }
  if (settled_ == false || confirm == core::Duration{0}) {
    settled_ = false;
    return Verdict::append;
  }
  holding_ = true;
  return Verdict::hold;
}

bool Admission::enter(const std::string& host) {
  std::size_t& of_host = hosts_[host];
  if (under_way_ >= in_all_ || of_host >= per_host_) return false;
  ++of_host;
  ++under_way_;
  return true;
}

Admission::Ticket Admission::wait(const std::string& host) {
  waiting_.push_back({next_, host});
  return next_++;
}

bool Admission::give_up(Ticket ticket) {
  const auto it =
      std::find_if(waiting_.begin(), waiting_.end(), [ticket](const Waiting& w) { return w.ticket == ticket; });
  if (it == waiting_.end()) return false;
  waiting_.erase(it);
  return true;
}

std::vector<Admission::Ticket> Admission::leave(const std::string& host) {
  --under_way_;
  if (const auto it = hosts_.find(host); --it->second == 0) hosts_.erase(it);
  std::vector<Ticket> called;
  for (auto it = waiting_.begin(); it != waiting_.end() && under_way_ < in_all_;) {
    if (enter(it->host)) {
      called.push_back(it->ticket);
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
  return called;
}

}  // namespace tocsin::daemon
