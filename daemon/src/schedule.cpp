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
  if (under_way_ >= in_all_) return false;
  Host& place = hosts_[host];
  if (place.under_way >= per_host_) return false;
  ++place.under_way;
  ++under_way_;
  return true;
}

Admission::Ticket Admission::wait(const std::string& host) {
  Place& place = *hosts_.try_emplace(host).first;
  place.second.waiting.insert(next_);
  waiting_.emplace(next_, &place);
  look_at(place);
  return next_++;
}

bool Admission::give_up(Ticket ticket) {
  const auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return false;
  Place& place = *it->second;
  waiting_.erase(it);
  next_to_go_.erase(ticket);
  place.second.waiting.erase(ticket);
  look_at(place);
  forget_if_idle(place);
  return true;
}

std::vector<Admission::Ticket> Admission::leave(const std::string& host) {
  Place& left = *hosts_.find(host);
  --under_way_;
  --left.second.under_way;
  look_at(left);
  std::vector<Ticket> called;
  while (under_way_ < in_all_ && !next_to_go_.empty()) {
    const auto [ticket, place] = *next_to_go_.begin();
    next_to_go_.erase(next_to_go_.begin());
    waiting_.erase(ticket);
    place->second.waiting.erase(ticket);
    ++place->second.under_way;
    ++under_way_;
    look_at(*place);
    called.push_back(ticket);
  }
  forget_if_idle(left);
  return called;
}

void Admission::look_at(Place& place) {
  const Host& host = place.second;
  if (host.under_way < per_host_ && !host.waiting.empty()) next_to_go_.emplace(*host.waiting.begin(), &place);
}

// Most hosts come again soon: only where there are very many is the memory worth more than making it anew each time.
void Admission::forget_if_idle(const Place& place) {
  constexpr std::size_t most_kept = 4096;
  if (hosts_.size() <= most_kept) return;
  if (place.second.under_way == 0 && place.second.waiting.empty()) hosts_.erase(hosts_.find(place.first));
}

}  // namespace tocsin::daemon
