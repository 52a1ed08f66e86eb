#include "src/schedule.hpp"

#include <algorithm>

#include "tocsin/core/spread.hpp"

namespace tocsin::daemon {

std::chrono::milliseconds wheel_offset(std::uint64_t n, core::Duration interval) {
  const double at = core::golden_turn(n) * static_cast<double>(interval.count());
  return std::chrono::milliseconds(static_cast<std::int64_t>(at));
}

Wheel::Tick Wheel::tick_of(core::Deadline when) const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(when - start_);
  return since / wheel_tick;
}

void Wheel::add(std::uint32_t target, std::uint64_t n, core::Duration interval, core::Deadline now) {
  const Tick every = std::max<Tick>(1, interval / wheel_tick);
  constexpr Tick slot = wheel_slot / wheel_tick;
  const Tick step = every % slot == 0 ? slot : 1;
  const Tick offset = wheel_offset(n, interval) / wheel_tick / step * step;
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

std::shared_ptr<Admission::Host> Admission::host(const std::string& name) {
  if (hosts_.size() >= tidy_at_) {
    std::erase_if(hosts_, [](const auto& one) { return one.second.expired(); });
    tidy_at_ = std::max(tidy_at_, 2 * hosts_.size());
  }
  std::weak_ptr<Host>& known = hosts_[name];
  std::shared_ptr<Host> host = known.lock();
  if (!host) known = host = std::make_shared<Host>();
  return host;
}

bool Admission::enter(Host& host) {
  if (under_way_ >= in_all_ || host.under_way >= per_host_) return false;
  ++host.under_way;
  ++under_way_;
  return true;
}

Admission::Ticket Admission::wait(Host& host) {
  host.waiting.insert(next_);
  waiting_.emplace(next_, &host);
  look_at(host);
  return next_++;
}

bool Admission::give_up(Ticket ticket) {
  const auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return false;
  Host& host = *it->second;
  waiting_.erase(it);
  next_to_go_.erase(ticket);
  host.waiting.erase(ticket);
  look_at(host);
  return true;
}

std::vector<Admission::Ticket> Admission::leave(Host& left) {
  --under_way_;
  --left.under_way;
  look_at(left);
  std::vector<Ticket> called;
  while (under_way_ < in_all_ && !next_to_go_.empty()) {
    const auto [ticket, host] = *next_to_go_.begin();
    next_to_go_.erase(next_to_go_.begin());
    waiting_.erase(ticket);
    host->waiting.erase(ticket);
    ++host->under_way;
    ++under_way_;
    look_at(*host);
    called.push_back(ticket);
  }
  return called;
}

void Admission::look_at(Host& host) {
  if (host.under_way < per_host_ && !host.waiting.empty()) next_to_go_.emplace(*host.waiting.begin(), &host);
}

}  // namespace tocsin::daemon
