#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "src/connectivity.hpp"
#include "src/lane_impl.hpp"

namespace tocsin::daemon {
namespace {

/// How often what is spent of a budget is kept: a kill forgets no more.
constexpr std::chrono::seconds keep_spent_every{10};

/// The series that a dropped batch introduced are known to its prober by then: the next batch must introduce them
/// instead.
void introduce_again(core::Observation& lost, core::Observation& observation) {
  if (observation.described.empty()) observation.described = std::move(lost.described);
  core::Batch& dropped = lost.batch;
  core::Batch& next = observation.batch;
  for (core::NewSeries& series : dropped.fresh) {
    const bool anew = std::any_of(next.fresh.begin(), next.fresh.end(),
                                  [&](const core::NewSeries& other) { return other.slot == series.slot; });
    if (!anew) next.fresh.push_back(std::move(series));
  }
}

}  // namespace

/// Whether a failure may be that of our own network.
bool Lane::Impl::may_be_ours(const Runner& runner, core::Outcome outcome) const {
  return hooks.doubt && speaks_of_network(outcome) && !is_local(runner.host);
}

/// Nothing is appended and nothing changes: the target stays what it was.
void Lane::Impl::withhold(Runner& runner, core::Observation observation) {
  withheld.fetch_add(1, std::memory_order_relaxed);
  runner.confirmation.withdraw();
  if (runner.held) introduce_again(*runner.held, observation);
  runner.held.reset();
  if (runner.withheld) introduce_again(*runner.withheld, observation);
  {
    const std::lock_guard lock(status_mutex);
    TargetStatus& status = *runner.status;
    status.outcome = observation.outcome;
    status.phase = observation.phase;
    status.detail = "not believed: tocsin itself is cut off (" + observation.detail + ")";
    status.last_probe = observation.at;
    status.held = true;
  }
  if (hooks.withheld) hooks.withheld(runner.id);
  runner.withheld = std::make_unique<core::Observation>(std::move(observation));
}

void Lane::Impl::conclude(Runner& runner, core::Observation observation) {
  if (runner.withheld) introduce_again(*runner.withheld, observation);
  runner.withheld.reset();
  const bool good = observation.good();
  const auto before = runner.confirmation.settled();
  const auto verdict = runner.confirmation.judge(good, runner.config.confirm);
  const bool flip = before != runner.confirmation.settled();
  note(runner, observation, flip);
  switch (verdict) {
    case Confirmation::Verdict::hold:
      runner.held = std::make_unique<core::Observation>(std::move(observation));
      return;
    case Confirmation::Verdict::append_both:
      if (runner.held) hand_over(std::move(*runner.held), false);
      break;
    case Confirmation::Verdict::drop_held:
      held_dropped.fetch_add(1, std::memory_order_relaxed);
      if (runner.held) introduce_again(*runner.held, observation);
      break;
    case Confirmation::Verdict::append:
      break;
  }
  runner.held.reset();
  hand_over(std::move(observation), flip);
}

void Lane::Impl::hand_over(core::Observation observation, bool flip) {
  outgoing.push_back(std::move(observation));
  if (flip || in_flight == 0) return flush(flip);
  // What starts in one slot of the wheel goes to the judge together, and not later than the slot's end.
  if (std::exchange(flush_due, true)) return;
  loop.post_after(wheel_tick, [self = shared_from_this()] {
    self->flush_due = false;
    self->flush(false);
  });
}

void Lane::Impl::flush(bool flip) {
  if (outgoing.empty()) return;
  hooks.deliver(std::exchange(outgoing, {}), flip);
}

void Lane::Impl::note(const Runner& runner, const core::Observation& observation, bool flip) {
  const bool good = observation.good();
  if (runner.budget && observation.cost > 0) keep_spent(runner.config.budget->share, observation.at);
  const bool held = runner.confirmation.holding();
  {
    const std::lock_guard lock(status_mutex);
    if (runner.budget) {
      Budget& budget = *runner.budget;
      const double every =
          std::max(core::to_seconds(budget.spacing(observation.at)), core::to_seconds(runner.config.interval));
      budgets[runner.config.budget->share] = {budget.used(observation.at), budget.left(observation.at), every};
    }
    TargetStatus& status = *runner.status;
    if (flip || !status.since) status.since = observation.at;
    status.outcome = observation.outcome;
    status.phase = observation.phase;
    status.detail = observation.detail;
    status.last_probe = observation.at;
    status.took_seconds = std::chrono::duration<double>(observation.took).count();
    status.held = held;
    if (!held) status.good = good;
  }
  if (held) {
    log.debug("first failure held", {{"target", runner.config.display},
                                     {"class", std::string(to_string(observation.outcome))},
                                     {"detail", observation.detail}});
  } else if (flip && good) {
    log.info("target is well", {{"job", runner.config.job}, {"target", runner.config.display}});
  } else if (flip) {
    log.warning("target is sick", {{"job", runner.config.job},
                                   {"target", runner.config.display},
                                   {"class", std::string(to_string(observation.outcome))},
                                   {"phase", std::string(to_string(observation.phase))},
                                   {"detail", observation.detail}});
  }
}

void Lane::Impl::keep_spent(const std::string& name, core::TimePoint now) {
  const auto it = shares.find(name);
  if (!hooks.keep_spent || it == shares.end()) return;
  Share& share = it->second;
  if (share.kept && now - *share.kept < keep_spent_every) return;
  share.kept = now;
  hooks.keep_spent(name, share.budget->spent());
}

}  // namespace tocsin::daemon
