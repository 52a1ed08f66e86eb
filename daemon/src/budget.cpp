#include "src/budget.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tocsin::daemon {
namespace {

constexpr double first_guess = 10;  // commands of a probe that was never seen
constexpr double weight = 0.2;      // of the newest cost in the smoothed one

}  // namespace

void Budget::join(Member member) { costs_.emplace(member, first_guess); }

void Budget::leave(Member member) { costs_.erase(member); }

void Budget::turn(core::TimePoint now) {
  const std::int64_t number = core::to_millis(now) / period_.count();
  if (number == number_) return;
  number_ = number;
  used_ = 0;
}

core::Duration Budget::rest(core::TimePoint now) const {
  return core::Duration((number_ + 1) * period_.count() - core::to_millis(now));
}

core::Duration Budget::spacing(core::TimePoint now) {
  turn(now);
  double round = 0;  // what it costs to ask every member once
  for (const auto& [member, cost] : costs_) round += cost;
  const auto remaining = static_cast<double>(left(now));
  if (remaining < round) return rest(now);
  const double share = round / remaining;
  return core::Duration(static_cast<std::int64_t>(std::ceil(share * static_cast<double>(rest(now).count()))));
}

bool Budget::affords(Member member, core::TimePoint now) {
  turn(now);
  const auto it = costs_.find(member);
  return it != costs_.end() && static_cast<double>(left(now)) >= std::ceil(it->second);
}

void Budget::spend(Member member, std::uint32_t commands, core::TimePoint now) {
  turn(now);
  used_ += commands;
  if (const auto it = costs_.find(member); it != costs_.end()) {
    it->second += weight * (static_cast<double>(std::max(commands, 1U)) - it->second);
  }
}

std::string Budget::spent() const {
  return std::to_string(period_.count()) + " " + std::to_string(number_) + " " + std::to_string(used_);
}

void Budget::recall(std::string_view spent) {
  std::istringstream words{std::string(spent)};
  std::int64_t period = 0, number = 0;
  std::uint64_t used = 0;
  if (!(words >> period >> number >> used) || period != period_.count()) return;
  number_ = number;
  used_ = used;
}

std::uint64_t Budget::used(core::TimePoint now) {
  turn(now);
  return used_;
}

std::uint64_t Budget::left(core::TimePoint now) {
  turn(now);
  return used_ >= commands_ ? 0 : commands_ - used_;
}

}  // namespace tocsin::daemon
