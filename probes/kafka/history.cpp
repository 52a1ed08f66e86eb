#include "kafka/history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin::probes::kafka {
namespace {

constexpr auto clock_set_back = std::chrono::minutes{5};
constexpr double max_extrapolation = 7 * 86400.0;

double seconds_between(core::TimePoint from, core::TimePoint to) { return core::to_seconds(to - from); }

/// Seconds from `a` until the log ended at `offset`, on the straight line from `a` to `b`.
double seconds_into(const EndAt& a, const EndAt& b, std::int64_t offset) {
  if (b.offset == a.offset) return 0;
  return static_cast<double>(offset - a.offset) / static_cast<double>(b.offset - a.offset) *
         seconds_between(a.at, b.at);
}

}  // namespace

std::string_view to_string(LagMethod method) {
  switch (method) {
    case LagMethod::caught_up:
      return "caught_up";
    case LagMethod::interpolated:
      return "interpolated";
    case LagMethod::extrapolated:
      return "extrapolated";
    case LagMethod::at_least:
      return "at_least";
  }
  return "unknown";
}

void OffsetHistory::add(EndAt end) {
  if (!points_.empty()) {
    EndAt& last = points_.back();
    if (end.offset < last.offset || last.at - end.at > clock_set_back) {
      points_.clear();
    } else if (end.at <= last.at) {
      return;
    } else if (end.offset == last.offset && points_.size() >= 2 && points_[points_.size() - 2].offset == end.offset) {
      last.at = end.at;  // nothing is written: the two ends of that stretch are enough
      return;
    }
  }
  if (points_.size() == max_points) thin();
  points_.push_back(end);
}

void OffsetHistory::thin() {
  const core::TimePoint now = points_.back().at;
  std::size_t least = 1;
  double least_error = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i + 1 < points_.size(); ++i) {
    const EndAt& before = points_[i - 1];
    const double without = seconds_into(before, points_[i + 1], points_[i].offset);
    const double error =
        std::abs(without - seconds_between(before.at, points_[i].at)) / (1 + seconds_between(points_[i].at, now));
    if (error < least_error) {
      least_error = error;
      least = i;
    }
  }
  points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(least));
}

void OffsetHistory::seed(std::span<const EndAt> past) {
  for (auto it = past.rbegin(); it != past.rend() && points_.size() < max_points; ++it) {
    if (!points_.empty() && (it->at >= points_.front().at || it->offset > points_.front().offset)) continue;
    points_.insert(points_.begin(), *it);
  }
}

void OffsetHistory::drop_below(std::int64_t oldest) {
  const auto after = std::find_if(points_.begin(), points_.end(), [&](const EndAt& p) { return p.offset > oldest; });
  if (after - points_.begin() > 1) points_.erase(points_.begin(), after - 1);
}

std::optional<TimeLag> OffsetHistory::lag(std::int64_t commit, core::TimePoint now) const {
  if (points_.empty()) return std::nullopt;
  const EndAt& first = points_.front();
  const EndAt& last = points_.back();
  if (commit >= last.offset) return TimeLag{0, LagMethod::caught_up};
  const auto age_at = [&](const EndAt& p) { return std::max(0.0, seconds_between(p.at, now)); };
  if (commit >= first.offset) {
    const auto after = std::upper_bound(points_.begin(), points_.end(), commit,
                                        [](std::int64_t offset, const EndAt& p) { return offset < p.offset; });
    const EndAt& before = *(after - 1);
    return TimeLag{std::max(0.0, seconds_between(before.at, now) - seconds_into(before, *after, commit)),
                   LagMethod::interpolated};
  }
  const double span = seconds_between(first.at, last.at);
  if (span <= 0) return std::nullopt;
  if (last.offset == first.offset) return TimeLag{age_at(first), LagMethod::at_least};
  const double back =
      static_cast<double>(first.offset - commit) / static_cast<double>(last.offset - first.offset) * span;
  return TimeLag{age_at(first) + std::min(back, max_extrapolation), LagMethod::extrapolated};
}

}  // namespace tocsin::probes::kafka
