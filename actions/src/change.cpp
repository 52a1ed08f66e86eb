#include "src/change.hpp"

#include <algorithm>
#include <cmath>

#include "src/command.hpp"
#include "tocsin/core/number.hpp"

namespace tocsin::actions {
namespace {

using core::Direction;
using Place = core::Result<std::int64_t>;

core::Failure none(std::string why) {
  return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
}
core::Failure at_end(std::string why) { return core::Failure{core::Outcome::limit, core::Phase::none, std::move(why)}; }

std::string shown(const std::string& present) { return first_line(present, {}); }

Place place_of_count(const CountSpec& count, const std::string& present) {
  const auto now = core::parse_number<std::int64_t>(present);
  if (!now) return none("read " + shown(present) + ", which is not a whole number");
  if (count.min > count.max) return none("the bounds are empty: min is above max");
  const std::string bounds = std::to_string(count.min) + ".." + std::to_string(count.max);
  if (*now < 0 || *now > count.max) return none("read " + present + ", which is out of the bounds " + bounds);
  return *now;
}

/// How many the value asks for, not bounded below; at most max + 1, which stands for all that is more.
Place divided(const CountSpec& count, std::int64_t present, std::optional<double> value) {
  if (!(*count.target_value > 0)) return none("the target value is not positive");
  if (!value || !std::isfinite(*value) || *value < 0)
    return none("the value to be divided is missing or no usable number");
  const double carried = static_cast<double>(present) * *count.target_value;
  if (carried > 0 && std::abs(*value / carried - 1) <= count.tolerance)
    return none("the value is within the tolerance of what " + std::to_string(present) + " carry");
  const double wanted = std::ceil(*value / *count.target_value);
  return wanted > static_cast<double>(count.max) ? count.max + 1 : static_cast<std::int64_t>(wanted);
}

Place wanted_more(const CountSpec& count, std::int64_t present, std::optional<double> value) {
  if (present >= count.max) return at_end("already at the maximum, " + std::to_string(present));
  if (present < count.min) return count.min;
  if (!count.target_value) {
    std::int64_t step = count.step;
    if (count.percent) {
      const double part = std::ceil(static_cast<double>(present) * *count.percent / 100);
      step = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(part, static_cast<double>(count.max))));
    }
    if (step <= 0) return none("the step is not positive");
    // Both are within 0 and max here, so the sum is compared without being made.
    return present > count.max - step ? count.max : present + step;
  }
  const Place wanted = divided(count, present, value);
  if (!wanted) return wanted;
  if (*wanted == present) return none("already at the wanted count, " + std::to_string(present));
  if (*wanted < present)
    return none("wanted is " + std::to_string(*wanted) + ", there are " + std::to_string(present) + " already");
  return std::min(*wanted, count.max);
}

Place wanted_less(const ActionSpec& spec, const CountSpec& count, std::int64_t present, std::optional<double> value) {
  if (present <= count.min) return at_end("already at the minimum, " + std::to_string(present));
  if (!count.target_value) {
    if (spec.down->step <= 0) return none("the step down is not positive");
    return std::max(count.min, present - std::min(present, spec.down->step));
  }
  const Place wanted = divided(count, present, value);
  if (!wanted) return wanted;
  if (*wanted >= present)
    return none("wanted is " + std::to_string(*wanted) + ", there are only " + std::to_string(present));
  return std::max(*wanted, count.min);
}

std::int64_t last_rung(const ActionSpec& spec) { return static_cast<std::int64_t>(spec.ladder.size()) - 1; }

Place wanted_rung(const ActionSpec& spec, Direction direction, std::int64_t present) {
  const auto name = [&spec](std::int64_t rung) { return spec.ladder.at(static_cast<std::size_t>(rung)); };
  if (direction == Direction::up) {
    if (present >= last_rung(spec)) return at_end("already at the top rung, " + name(present));
    return present + 1;
  }
  if (present <= 0) return at_end("already at the lowest rung, " + name(present));
  return present - 1;
}

}  // namespace

Place place_of(const ActionSpec& spec, const std::string& present) {
  if (spec.count) return place_of_count(*spec.count, present);
  if (spec.ladder.empty()) return none("the action has neither a ladder nor a count");
  const auto rung = std::find(spec.ladder.begin(), spec.ladder.end(), present);
  if (rung == spec.ladder.end()) return none("read " + shown(present) + ", which is not on the ladder");
  return static_cast<std::int64_t>(rung - spec.ladder.begin());
}

Place wanted_place(const ActionSpec& spec, Direction direction, std::int64_t present, std::optional<double> value) {
  if (direction == Direction::down && !spec.down) return none("scaling down is not configured");
  if (!spec.count) return wanted_rung(spec, direction, present);
  return direction == Direction::up ? wanted_more(*spec.count, present, value)
                                    : wanted_less(spec, *spec.count, present, value);
}

core::Result<Change> change_towards(const ActionSpec& spec, Direction direction, std::int64_t present,
                                    std::int64_t wanted) {
  const bool up = direction == Direction::up;
  if (up ? wanted <= present : wanted >= present) return none("nothing is to be changed any more");
  if (!spec.count) {
    const auto at = static_cast<std::size_t>(present);
    return Change{spec.ladder.at(at), spec.ladder.at(up ? at + 1 : at - 1)};
  }
  const CountSpec& count = *spec.count;
  std::int64_t to = std::clamp(wanted, count.min, count.max);
  // Below the minimum the way to it is one step.
  if (count.max_step && present >= count.min)
    to = up ? std::min(to, present + *count.max_step) : std::max(to, present - *count.max_step);
  if (to == present) return none("nothing is to be changed any more");
  return Change{std::to_string(present), std::to_string(to)};
}

std::string out_of_bounds(const ActionSpec& spec, Direction direction, const Change& change) {
  if (change.from == change.to) return "it is there already";
  const bool up = direction == Direction::up;
  if (!up && !spec.down) return "scaling down is not configured";
  if (spec.count) {
    const auto from = core::parse_number<std::int64_t>(change.from);
    const auto to = core::parse_number<std::int64_t>(change.to);
    if (!from || !to) return "a count is not a whole number";
    if (*to < spec.count->min || *to > spec.count->max) return change.to + " is out of bounds";
    if (up ? *to < *from : *to > *from) return "the change goes the wrong way";
    const std::int64_t step = up ? *to - *from : *from - *to;
    const bool to_minimum = up && *to == spec.count->min;
    if (spec.count->max_step && step > *spec.count->max_step && !to_minimum)
      return "the step of " + std::to_string(step) + " is larger than " + std::to_string(*spec.count->max_step);
    return {};
  }
  const auto from = std::find(spec.ladder.begin(), spec.ladder.end(), change.from);
  const auto to = std::find(spec.ladder.begin(), spec.ladder.end(), change.to);
  if (from == spec.ladder.end() || to == spec.ladder.end()) return "a value is not on the ladder";
  if (to - from != (up ? 1 : -1)) return "more than one rung, or the wrong way";
  return {};
}

}  // namespace tocsin::actions
