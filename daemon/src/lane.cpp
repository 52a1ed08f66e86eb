#include "src/lane.hpp"

#include <algorithm>
#include <boost/container/static_vector.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "src/connectivity.hpp"
#include "src/lane_impl.hpp"
#include "src/make_prober.hpp"
#include "tocsin/core/fetch_ahead.hpp"

namespace tocsin::daemon {
namespace {

/// A sentinel may ask for a probe at once, but a server that closes every connection may not make us a load generator.
constexpr std::chrono::seconds sentinel_pause{1};
/// How many new targets are probed without waiting for their place on the wheel.
constexpr std::ptrdiff_t first_at_once = 256;
/// The wheel looks up at least this often: targets that were added meanwhile may be due before the next it knew.
constexpr std::chrono::seconds longest_turn{1};
/// How many of the probes that are due start before others may go on.
constexpr std::size_t start_at_once = 8;

/// Bytes that a probe begins with, about: with many targets they are not in the caches, and are asked for together.
constexpr std::size_t runner_head = 256;
constexpr std::size_t prober_head = 1024;

}  // namespace

void Lane::Impl::change(const std::vector<std::uint32_t>& removed, std::vector<Added> added) {
  for (const std::uint32_t id : removed) drop(id);
  if (stopped) return;
  const auto now = std::chrono::steady_clock::now();
  for (Added& target : added) {
    auto runner = std::make_shared<Runner>();
    runner->id = target.id;
    runner->config = std::move(target.config);
    runner->name = "probe " + runner->config.display;
    runner->host = host_of(runner->config);
    runner->room = admission.host(runner->host);
    runner->prober = prober_of(*runner);
    {
      const TargetConfig& c = runner->config;
      const std::lock_guard lock(status_mutex);
      TargetStatus& status = statuses[runner->id];
      runner->status = &status;
      status.job = c.job;
      status.kind = c.kind;
      status.display = c.display;
      status.labels = c.labels;
      status.interval = c.interval;
      status.timeout = c.timeout;
    }
    wheel.add(runner->id, sequence++, runner->config.interval, now);
    runners.emplace(runner->id, runner);
    // Who starts wants to know now; more than a few hundred at once would be a burden, so the rest waits for the wheel.
    if (&target - added.data() < first_at_once) start(runner);
  }
  if (!turning && !runners.empty()) {
    turning = true;
    loop.spawn("wheel", turn());
  }
}

std::unique_ptr<probes::Prober> Lane::Impl::prober_of(Runner& runner) {
  auto prober = make_prober(tools, loop.executor(), runner.id, runner.config);
  const TargetConfig& config = runner.config;
  if (!config.budget && !config.sleeps_after) return prober;
  if (config.budget) runner.budget = budget_of(*config.budget);
  return make_sparing_prober(std::move(prober), runner.id, {runner.budget, config.sleeps_after, config.cold_start});
}

std::shared_ptr<Budget> Lane::Impl::budget_of(const BudgetConfig& config) {
  std::shared_ptr<Budget>& budget = shares[config.share].budget;
  if (budget && budget->sells(config.commands, config.per)) return budget;
  std::string spent;
  if (budget) {
    spent = budget->spent();
  } else if (hooks.recall_spent) {
    spent = hooks.recall_spent(config.share);
  }
  budget = std::make_shared<Budget>(config.commands, config.per);
  budget->recall(spent);
  return budget;
}

void Lane::Impl::drop(std::uint32_t id) {
  const auto it = runners.find(id);
  if (it == runners.end()) return;
  const RunnerPtr runner = it->second;
  runner->removed = true;
  runner->prober->stop_watching();
  runner->prober->close();
  wheel.remove(id);
  runners.erase(it);
  const bool spends = runner->budget && std::any_of(runners.begin(), runners.end(), [&runner](const auto& other) {
                        return other.second->budget == runner->budget;
                      });
  const std::lock_guard lock(status_mutex);
  statuses.erase(id);
  if (runner->budget && !spends) budgets.erase(runner->config.budget->share);
}

net::Task<void> Lane::Impl::turn() {
  const auto self = shared_from_this();
  while (!stopped) {
    const auto now = std::chrono::steady_clock::now();
    const auto when = std::min(wheel.next(now), now + longest_turn);
    if (!co_await net::sleep_until(when)) break;
    for (const std::uint32_t id : wheel.due(std::chrono::steady_clock::now())) {
      due.push_back(id);
    }
    if (!due.empty() && !starting) start_some();
  }
  turning = false;
}

/// What is due starts a few at a time: the memory that a probe used is still in the processor's cache for the next, and
/// what has been asked may answer meanwhile.
void Lane::Impl::start_some() {
  const std::size_t end = std::min(due.size(), next_due + start_at_once);
  starting = end < due.size();
  if (starting) loop.post([self = shared_from_this()] { self->start_some(); });
  boost::container::static_vector<RunnerPtr, start_at_once> some;
  for (; next_due < end; ++next_due) {
    const auto it = runners.find(due[next_due]);
    if (it == runners.end()) continue;
    some.push_back(it->second);
    core::fetch_ahead(it->second.get(), runner_head);
  }
  for (const RunnerPtr& runner : some) {
    core::fetch_ahead(runner->room.get(), sizeof *runner->room);
    core::fetch_ahead(runner->prober.get(), prober_head);
  }
  for (const RunnerPtr& runner : some) start(runner);
  if (starting) return;
  due.clear();
  next_due = 0;
}

void Lane::Impl::start(const RunnerPtr& runner) {
  if (stopped || runner->removed) return;
  if (runner->probing) {
    skipped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (runner->watching) {
    // The watch must have let go of the connection before a probe uses it.
    runner->probe_after_watch = true;
    runner->prober->stop_watching();
    return;
  }
  runner->probing = true;
  loop.start(std::shared_ptr<const std::string>(runner, &runner->name), run(runner));
}

net::Task<void> Lane::Impl::run(RunnerPtr runner) {
  const auto self = shared_from_this();
  bool again = true;
  while (again) {
    co_await probe(*runner);
    if (stopped || runner->removed) co_return;
    if (runner->confirmation.holding()) {
      loop.spawn("confirm " + runner->config.display, confirm_later(runner));
      co_return;
    }
    if (!runner->config.sentinel || !runner->prober->has_sentinel()) co_return;
    again = co_await watch(*runner);
    if (again) runner->probing = true;
  }
}

/// Waits for room that was not there, an interval at most.
net::Task<bool> Lane::Impl::admit(Runner& runner) {
  waited.fetch_add(1, std::memory_order_relaxed);
  const auto ticket = admission.wait(*runner.room);
  net::Event event(loop.executor());
  called_up.emplace(ticket, &event);
  const bool called = co_await event.wait(std::chrono::steady_clock::now() + runner.config.interval);
  called_up.erase(ticket);
  if (called || !admission.give_up(ticket)) co_return true;
  crowded_out.fetch_add(1, std::memory_order_relaxed);
  co_return false;
}

void Lane::Impl::leave(const Runner& runner) {
  for (const auto ticket : admission.leave(*runner.room)) {
    if (const auto it = called_up.find(ticket); it != called_up.end()) it->second->set();
  }
}

/// Called by `run` alone, which keeps the runner.
net::Task<void> Lane::Impl::probe(Runner& runner) {
  if (!admission.enter(*runner.room) && !co_await admit(runner)) {
    runner.probing = false;
    co_return;
  }
  const auto now = std::chrono::steady_clock::now();
  probes::ProbeStart begin;
  begin.at = hooks.clock();
  begin.deadline = now + runner.config.timeout;
  // However the first probe failed, the second has decided by `timeout + confirm` after the first began.
  if (runner.confirmation.holding()) {
    begin.deadline = std::min(begin.deadline, runner.first_failure + runner.config.timeout + runner.config.confirm);
  }
  begin.confirming = runner.confirmation.holding();
  begin.light = !begin.confirming && runner.confirmation.settled() == false;
  begin.fresh = now >= runner.fresh_after;
  if (begin.fresh) runner.fresh_after = now + runner.config.reconnect;
  probes.fetch_add(1, std::memory_order_relaxed);
  ++in_flight;
  under_way = in_flight;
  core::Observation observation = co_await runner.prober->probe(begin);
  --in_flight;
  under_way = in_flight;
  if (!runner.removed) core::fetch_ahead(runner.status, sizeof *runner.status);
  leave(runner);
  bool doubtful = may_be_ours(runner, observation.outcome);
  if (doubtful) doubtful = co_await hooks.doubt(observation.outcome, runner.confirmation.settled() != false);
  runner.probing = false;
  if (stopped || runner.removed) co_return;
  if (doubtful) {
    withhold(runner, std::move(observation));
    co_return;
  }
  conclude(runner, std::move(observation));
  if (runner.confirmation.holding()) runner.first_failure = now;
}

net::Task<void> Lane::Impl::confirm_later(RunnerPtr runner) {
  const auto self = shared_from_this();
  const auto when = runner->first_failure + runner->config.confirm;
  if (!co_await net::sleep_until(when)) co_return;
  // A regular probe may have come in between and settled it.
  if (runner->confirmation.holding() && !runner->probing) start(runner);
}

/// The idle connection as a sentinel; true if a probe is to follow at once.
net::Task<bool> Lane::Impl::watch(Runner& runner) {
  runner.watching = true;
  const bool closed = co_await runner.prober->watch();
  runner.watching = false;
  if (stopped || runner.removed) co_return false;
  if (std::exchange(runner.probe_after_watch, false)) co_return true;
  if (!closed) co_return false;
  if (std::chrono::steady_clock::now() < runner.sentinel_after) {
    co_await net::sleep_until(runner.sentinel_after);
    if (stopped || runner.removed || runner.probing) co_return false;
  }
  runner.sentinel_after = std::chrono::steady_clock::now() + sentinel_pause;
  sentinel_wakes.fetch_add(1, std::memory_order_relaxed);
  co_return true;
}

Lane::Lane(net::Loop& loop, ProberTools tools, Log log, LaneHooks hooks, Limits limits)
    : impl_(std::make_shared<Impl>(loop, tools, std::move(log), std::move(hooks), limits)) {}
Lane::~Lane() = default;

void Lane::change(std::vector<std::uint32_t> removed, std::vector<Added> added) {
  impl_->loop.post([impl = impl_, removed = std::move(removed), added = std::move(added)]() mutable {
    impl->change(removed, std::move(added));
  });
}

void Lane::stop() {
  impl_->loop.post([impl = impl_] {
    impl->stopped = true;
    std::vector<std::uint32_t> ids;
    for (const auto& [id, runner] : impl->runners) ids.push_back(id);
    for (const std::uint32_t id : ids) impl->drop(id);
  });
}

std::vector<TargetStatus> Lane::status() const {
  const std::lock_guard lock(impl_->status_mutex);
  std::vector<TargetStatus> all;
  all.reserve(impl_->statuses.size());
  for (const auto& [id, status] : impl_->statuses) all.push_back(status);
  return all;
}

LaneHealth Lane::health() const {
  const std::lock_guard lock(impl_->status_mutex);
  LaneHealth health;
  health.targets = impl_->statuses.size();
  for (const auto& [id, status] : impl_->statuses)
    health.failing += status.last_probe && !status.good && !status.held ? 1 : 0;
  return health;
}

LaneCounters Lane::counters() const {
  return {impl_->probes.load(), impl_->skipped.load(),     impl_->held_dropped.load(), impl_->sentinel_wakes.load(),
          impl_->waited.load(), impl_->crowded_out.load(), impl_->withheld.load(),     impl_->under_way.load()};
}

std::map<std::string, BudgetStatus> Lane::budgets() const {
  const std::lock_guard lock(impl_->status_mutex);
  return impl_->budgets;
}

}  // namespace tocsin::daemon
