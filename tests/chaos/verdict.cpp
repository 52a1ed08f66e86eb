#include "chaos/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tocsin/core/duration.hpp"

namespace tocsin::chaos {
namespace {

void find(Verdict& verdict, std::size_t& count, const Rule& rule, std::size_t target, core::TimePoint at,
          const std::string& what) {
  ++count;
  verdict.findings.push_back(
      fmt::format("{} {} of target {}: {}", core::format_rfc3339(at), rule.alertname, target, what));
}

/// The episode in which something began, noticed up to `slack` later.
const Episode* episode_of(const std::vector<Episode>& episodes, core::TimePoint at, core::Duration slack) {
  for (const Episode& episode : episodes) {
    if (at >= episode.from && (!episode.until || at <= *episode.until + slack)) return &episode;
  }
  return nullptr;
}

void judge_episode(const Rule& rule, std::size_t target, const Episode& episode, const std::vector<Told>& told,
                   core::Duration slack, Verdict& verdict) {
  if (!episode.until) return;
  const core::Duration lasted = *episode.until - episode.from;
  if (lasted <= rule.hold + slack) {
    if (lasted > rule.hold - slack) ++verdict.undecided;
    return;
  }
  ++verdict.owed;
  const auto mine = [&](const Told& one) { return one.starts >= episode.from && one.starts <= *episode.until + slack; };
  const auto fired = std::find_if(told.begin(), told.end(), mine);
  if (fired == told.end()) {
    find(verdict, verdict.lost, rule, target, episode.from,
         fmt::format("never told, though it lasted {} ms", lasted.count()));
    return;
  }
  if (fired->starts > episode.from + rule.hold + slack) {
    find(verdict, verdict.restarted_timers, rule, target, episode.from,
         fmt::format("fired {} ms after it began", (fired->starts - episode.from).count()));
  }
  ++verdict.resolutions;
  const bool ended = std::any_of(told.begin(), told.end(), [&](const Told& one) {
    return mine(one) && one.resolved() && one.ends >= *episode.until;
  });
  if (!ended) find(verdict, verdict.lost_resolutions, rule, target, *episode.until, "its end was never told");
}

}  // namespace

void judge(const Rule& rule, std::size_t target, const std::vector<Episode>& episodes, const std::vector<Told>& told,
           core::Duration slack, Verdict& verdict) {
  std::vector<Told> mine;
  std::copy_if(told.begin(), told.end(), std::back_inserter(mine),
               [&](const Told& one) { return one.alertname == rule.alertname && one.target == target; });
  for (const Episode& episode : episodes) judge_episode(rule, target, episode, mine, slack, verdict);
  core::TimePoint over{};  // the newest episode whose end was told began then
  for (const Told& one : mine) {
    if (one.resolved()) over = std::max(over, one.starts);
    if (!one.resolved() && one.starts <= over)
      find(verdict, verdict.out_of_order, rule, target, one.received, "told as firing after its end was told");
    const Episode* const episode = episode_of(episodes, one.starts, slack);
    if (episode == nullptr || one.starts < episode->from + rule.hold) {
      find(verdict, verdict.false_alarms, rule, target, one.starts, "fired while it was well, or before its time");
    } else if (one.resolved() && (!episode->until || one.ends < *episode->until)) {
      find(verdict, verdict.false_resolutions, rule, target, one.ends, "resolved while it was sick");
    }
  }
}

}  // namespace tocsin::chaos
