#include "src/hearing.hpp"

namespace tocsin::daemon {

bool Hearing::lost(std::uint32_t target, core::TimePoint now) {
  const auto [it, fresh] = silent_.try_emplace(target, 0);
  const bool known = fresh || it->second > 0;
  it->second = 0;
  if (!excused_) until_ = now + patience;
  return known;
}

bool Hearing::heard(std::uint32_t target) {
  const auto it = silent_.find(target);
  if (it == silent_.end()) return false;
  const bool first = it->second == 0;
  if (++it->second >= enough) silent_.erase(it);
  return first;
}

bool Hearing::removed(std::uint32_t target) {
  const bool was = unknown(target);
  silent_.erase(target);
  return was;
}

void Hearing::set_excused(bool excused, core::TimePoint now) {
  excused_ = excused;
  until_.reset();
  if (!excused) until_ = now + patience;
}

bool Hearing::unknown(std::uint32_t target) const {
  const auto it = silent_.find(target);
  return it != silent_.end() && it->second == 0;
}

bool Hearing::give_up(core::TimePoint now) {
  if (silent_.empty() || excused_ || !until_ || now < *until_) return false;
  silent_.clear();
  return true;
}

void Hearing::shift(core::Duration by) {
  if (until_) *until_ += by;
}

}  // namespace tocsin::daemon
