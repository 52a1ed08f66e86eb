#include "src/lane.hpp"

#include <algorithm>
#include <atomic>
#include <boost/container/static_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "src/connectivity.hpp"
#include "src/make_prober.hpp"
#include "src/schedule.hpp"
#include "src/sparing.hpp"

namespace tocsin::daemon {
namespace {

/// A sentinel may ask for a probe at once, but a server that closes every connection may not make us a load generator.
constexpr std::chrono::seconds sentinel_pause{1};
/// How many new targets are probed without waiting for their place on the wheel.
constexpr std::ptrdiff_t first_at_once = 256;
/// The wheel looks up at least this often: targets that were added meanwhile may be due before the next it knew.
constexpr std::chrono::seconds longest_turn{1};
/// How often what is spent of a budget is kept: a kill forgets no more.
constexpr std::chrono::seconds keep_spent_every{10};
/// How many of the probes that are due start before others may go on.
constexpr std::size_t start_at_once = 8;

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

constexpr std::size_t prober_head = 2048;  // bytes of a prober that its probe begins with, about

/// Asks for memory that others have driven from the caches, for all that is about to start at one time: probes would
/// miss it line by line.
void fetch_ahead(const void* memory, std::size_t size) {
  for (std::size_t at = 0; at < size; at += 64) __builtin_prefetch(static_cast<const char*>(memory) + at);
}

/// One target at work. Lives as long as its map entry or a coroutine of it.
struct Runner {
  std::uint32_t id = 0;
  TargetConfig config;
  std::string name;  // of its coroutine
  std::string host;  // which it shares with other targets
  std::shared_ptr<Admission::Host> room;
  std::shared_ptr<Budget> budget;
  std::unique_ptr<probes::Prober> prober;
  TargetStatus* status = nullptr;  // under the mutex; gone with the target
  Confirmation confirmation;
  std::optional<core::Observation> held;
  std::optional<core::Observation> withheld;  // the last one that was not believed
  core::Deadline first_failure{};             // when the probe began whose failure is held
  core::Deadline fresh_after{};               // the next probe from then on starts with a new connection
  core::Deadline sentinel_after{};            // a sentinel is not believed before
  bool probing = false;
  bool watching = false;
  bool probe_after_watch = false;
  bool removed = false;
};
using RunnerPtr = std::shared_ptr<Runner>;

}  // namespace

struct Lane::Impl : std::enable_shared_from_this<Lane::Impl> {
  Impl(net::Loop& loop_, ProberTools tools_, Log log_, LaneHooks hooks_, Limits limits)
      : admission(limits.in_all, limits.per_host),
        loop(loop_),
        tools(tools_),
        log(std::move(log_)),
        hooks(std::move(hooks_)),
        wheel(std::chrono::steady_clock::now()) {}

  Admission admission;
  std::unordered_map<Admission::Ticket, net::Event*> called_up;  // of those that wait for room
  struct Share {
    std::shared_ptr<Budget> budget;
    std::optional<core::TimePoint> kept;  // when what is spent was last handed to the hook
  };
  std::map<std::string, Share> shares;  // also those that have no target at present: what was spent stays spent
  net::Loop& loop;
  ProberTools tools;
  Log log;
  LaneHooks hooks;
  Wheel wheel;
  std::uint64_t sequence = 0;
  boost::unordered_flat_map<std::uint32_t, RunnerPtr> runners;
  std::vector<std::uint32_t> due;  // what the wheel gave, from `next_due` on still to be started
  std::size_t next_due = 0;
  bool starting = false;
  std::vector<core::Observation> outgoing;
  std::size_t in_flight = 0;  // probes under way
  bool flush_due = false;     // a flush is ordered for the end of the slot
  bool turning = false;
  bool stopped = false;

  std::atomic<std::uint64_t> probes{0}, skipped{0}, held_dropped{0}, sentinel_wakes{0}, waited{0}, crowded_out{0},
      withheld{0};
  std::atomic<std::size_t> under_way{0};
  std::map<std::string, BudgetStatus> budgets;  // under the mutex
  mutable std::mutex status_mutex;
  std::map<std::uint32_t, TargetStatus> statuses;

  void change(const std::vector<std::uint32_t>& removed, std::vector<Added> added);
  void drop(std::uint32_t id);
  net::Task<void> turn();
  void start_some();
  void start(const RunnerPtr& runner);
  net::Task<void> run(RunnerPtr runner);
  std::unique_ptr<probes::Prober> prober_of(Runner& runner);
  std::shared_ptr<Budget> budget_of(const BudgetConfig& config);
  void keep_spent(const std::string& share, core::TimePoint now);
  net::Task<bool> admit(Runner& runner);
  void leave(const Runner& runner);
  net::Task<void> probe(Runner& runner);
  net::Task<void> confirm_later(RunnerPtr runner);
  net::Task<bool> watch(Runner& runner);
  [[nodiscard]] bool may_be_ours(const Runner& runner, core::Outcome outcome) const;
  void withhold(Runner& runner, core::Observation observation);
  void conclude(Runner& runner, core::Observation observation);
  void hand_over(core::Observation observation, bool flip);
  void flush(bool flip);
  void note(const Runner& runner, const core::Observation& observation, bool flip);
};

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

void Lane::Impl::keep_spent(const std::string& name, core::TimePoint now) {
  const auto it = shares.find(name);
  if (!hooks.keep_spent || it == shares.end()) return;
  Share& share = it->second;
  if (share.kept && now - *share.kept < keep_spent_every) return;
  share.kept = now;
  hooks.keep_spent(name, share.budget->spent());
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
    fetch_ahead(it->second.get(), sizeof(Runner));
  }
  for (const RunnerPtr& runner : some) fetch_ahead(runner->prober.get(), prober_head);
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
  runner.withheld = std::move(observation);
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
      runner.held = std::move(observation);
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
