// When a partition's log ended where: the way from a lag in records to a lag in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tocsin/core/time.hpp"

namespace tocsin::probes::kafka {

/// The log ended at `offset` (the next record's) at `at`. Plain, so that a history can be kept over a restart.
struct EndAt {
  core::TimePoint at;
  std::int64_t offset = 0;
  bool operator==(const EndAt&) const = default;
};

/// How a lag in seconds was come by.
enum class LagMethod {
  caught_up,     // nothing is left to read
  interpolated,  // between two points of the history
  extrapolated,  // from the average rate, back beyond the history's first point
  at_least,      // the record is older than the history, and nothing was written since: its age is more than this
};
inline constexpr std::size_t lag_method_count = 4;
[[nodiscard]] std::string_view to_string(LagMethod method);

struct TimeLag {
  double seconds = 0;
  LagMethod method = LagMethod::caught_up;
};

/// The end offsets of one partition over time. It holds at most `max_points`: when it is full, the point goes whose
/// absence changes the answers least in proportion to the age they are about, so that the recent past is known in
/// detail and hours ago roughly. Offsets never fall within it: a topic that was made anew starts a new history.
class OffsetHistory {
 public:
  static constexpr std::size_t max_points = 32;

  /// Records where the log ends now. An offset below the last one begins a new history. A time that does not move on
  /// is left out; if it went back by more than five minutes the history begins anew.
  void add(EndAt end);
  /// Points from before the first one, oldest first. Those that do not fit in front of it are left out.
  void seed(std::span<const EndAt> past);
  /// Forgets what no commit can be behind any more: below this offset there are no records.
  void drop_below(std::int64_t oldest);

  /// For how long the record at `commit` (the next to be read) has been waiting, at most up to a week beyond the
  /// history. Nothing where the history is too short to say. Never negative; 0 only if nothing waits or it was written
  /// this moment; falls as `commit` grows.
  [[nodiscard]] std::optional<TimeLag> lag(std::int64_t commit, core::TimePoint now) const;

  [[nodiscard]] std::span<const EndAt> points() const { return points_; }

 private:
  void thin();

  std::vector<EndAt> points_;  // times rise, offsets do not fall
};

}  // namespace tocsin::probes::kafka
