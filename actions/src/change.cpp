#include "src/change.hpp"

#include <algorithm>
#include <cmath>

#include "src/command.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions {
namespace {

core::Failure none(std::string why) {
  return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
}

core::Result<Change> next_rung(const ActionSpec& spec, const std::string& present) {
  const auto rung = std::find(spec.ladder.begin(), spec.ladder.end(), present);
  if (rung == spec.ladder.end())
    return none("read " + first_line(present, spec.environment) + ", which is not on the ladder");
  if (std::next(rung) == spec.ladder.end()) return none("already at the top rung, " + present);
  return Change{present, *std::next(rung)};
}

/// How many are wanted, within the bounds; or why it cannot be said.
core::Result<std::int64_t> wanted_count(const CountSpec& count, std::int64_t present, std::optional<double> value) {
  if (!count.target_value) {
    if (count.step <= 0) return none("the step is not positive");
    // Both are within min and max here, so the sum is compared without being made.
    return present > count.max - count.step ? count.max : present + count.step;
  }
  if (!(*count.target_value > 0)) return none("the target value is not positive");
  if (!value || !std::isfinite(*value) || *value < 0)
    return none("the value to be divided is missing or no usable number");
  const double wanted = std::ceil(*value / *count.target_value);
  if (wanted >= static_cast<double>(count.max)) return count.max;
  return std::max(count.min, static_cast<std::int64_t>(wanted));
}

core::Result<Change> next_count(const ActionSpec& spec, const CountSpec& count, const std::string& present,
                                std::optional<double> value) {
  const auto now = core::parse_number<std::int64_t>(present);
  if (!now) return none("read " + first_line(present, spec.environment) + ", which is not a whole number");
  if (count.min > count.max) return none("the bounds are empty: min is above max");
  const std::string bounds = std::to_string(count.min) + ".." + std::to_string(count.max);
  if (*now < 0 || *now > count.max) return none("read " + present + ", which is out of the bounds " + bounds);
  if (*now == count.max) return none("already at the maximum, " + present);
  const auto wanted = *now < count.min ? core::Result<std::int64_t>(count.min) : wanted_count(count, *now, value);
  if (!wanted) return wanted.error();
  const std::string to = std::to_string(*wanted);
  if (*wanted == *now) return none("already at the wanted count, " + present);
  if (*wanted < *now) return none("wanted is " + to + ", there are " + present + ": scaling down is not configured");
  return Change{std::to_string(*now), to};
}

}  // namespace

core::Result<Change> next_change(const ActionSpec& spec, const std::string& present, std::optional<double> value) {
  if (spec.count) return next_count(spec, *spec.count, present, value);
  if (spec.ladder.empty()) return none("the action has neither a ladder nor a count");
  return next_rung(spec, present);
}

std::string out_of_bounds(const ActionSpec& spec, const Change& change) {
  if (change.from == change.to) return "it is there already";
  if (spec.count) {
    const auto from = core::parse_number<std::int64_t>(change.from);
    const auto to = core::parse_number<std::int64_t>(change.to);
    if (!from || !to) return "a count is not a whole number";
    if (*to < spec.count->min || *to > spec.count->max) return change.to + " is out of bounds";
    if (*to < *from) return "scaling down is not configured";
    return {};
  }
  const auto from = std::find(spec.ladder.begin(), spec.ladder.end(), change.from);
  const auto to = std::find(spec.ladder.begin(), spec.ladder.end(), change.to);
  if (from == spec.ladder.end() || to == spec.ladder.end()) return "a value is not on the ladder";
  if (to - from != 1) return "more than one rung";
  return {};
}

}  // namespace tocsin::actions
