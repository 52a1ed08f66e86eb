// What the machine wants learnt or done and takes time, each in a coroutine of its own and within a bound.
#include <algorithm>
#include <exception>

#include "src/driver.hpp"
#include "src/drivers.hpp"
#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

constexpr core::Duration patience = std::chrono::seconds{10};        // for Alertmanager, and for an expression
constexpr core::Duration order_patience = std::chrono::seconds{30};  // for a machine whose disk is slow
constexpr core::Duration plan_patience = std::chrono::seconds{24};   // a command may take 5 s more to end
constexpr core::Duration lost_after = std::chrono::seconds{20};      // past its timeout nobody waits for a call
constexpr core::Duration after_abandoning = std::chrono::seconds{2};
constexpr std::size_t at_a_time = 4;

/// A task that somebody waits for, but not for ever.
template <class T>
struct Errand {
  explicit Errand(net::Executor executor) : done(std::move(executor)) {}
  std::optional<T> result;
  std::string problem = "it took too long";
  net::Event done;
};

template <class T>
net::Task<void> run_errand(std::shared_ptr<Errand<T>> errand, net::Task<T> task) {
  try {
    auto result = co_await std::move(task);
    errand->result.emplace(std::move(result));
  } catch (const std::exception& error) {
    errand->problem = error.what();
  }
  errand->done.set();
}

enum class Late { cancelled, left_alone };

/// The task's result, or the problem when it has none: it threw, or took longer than the deadline.
template <class T>
net::Task<std::shared_ptr<Errand<T>>> within(std::shared_ptr<Executor::Impl> self, core::Deadline deadline, Late late,
                                             net::Task<T> task) {
  auto errand = std::make_shared<Errand<T>>(self->executor);
  const std::function<void()> cancel =
      self->mailbox->spawn_cancellable("an action's errand", run_errand<T>(errand, std::move(task)));
  const bool ended = co_await errand->done.wait(deadline);
  if (!ended && !self->closed && late == Late::cancelled) cancel();
  co_return errand;
}

net::Task<core::Suppression> suppression(std::shared_ptr<Executor::Impl> self, core::Labels labels) {
  core::Suppression unknown;
  if (!self->hooks.suppression) {
    unknown.detail = "there is no Alertmanager to ask";
    co_return unknown;
  }
  const core::Deadline deadline = in(patience);
  try {
    net::Task<core::Suppression> task = self->hooks.suppression(std::move(labels), deadline);
    const auto errand = co_await within<core::Suppression>(self, deadline, Late::cancelled, std::move(task));
    if (errand->result) co_return std::move(*errand->result);
    unknown.detail = errand->problem;
  } catch (const std::exception& error) {
    unknown.detail = error.what();
  }
  co_return unknown;
}

net::Task<core::Result<double>> value(std::shared_ptr<Executor::Impl> self, std::string expression) {
  using Found = std::pair<std::optional<double>, std::string>;
  if (!self->hooks.query) co_return cannot("there is nothing to ask");
  const core::Deadline deadline = in(patience);
  try {
    net::Task<Found> task = self->hooks.query(std::move(expression));
    const auto errand = co_await within<Found>(self, deadline, Late::cancelled, std::move(task));
    if (!errand->result) co_return cannot(errand->problem);
    if (!errand->result->first) co_return cannot(errand->result->second);
    co_return *errand->result->first;
  } catch (const std::exception& error) {
    co_return cannot(error.what());
  }
}

net::Task<core::Result<Reading>> reading(std::shared_ptr<Executor::Impl> self, Spec spec, core::Labels labels,
                                         core::Deadline deadline) {
  const core::Deadline lost = deadline + lost_after;
  net::Task<core::Result<Reading>> task = read_target(self->connector, spec, std::move(labels), deadline);
  const auto errand = co_await within<core::Result<Reading>>(self, lost, Late::cancelled, std::move(task));
  if (errand->result) co_return std::move(*errand->result);
  co_return cannot(errand->problem);
}

/// What one action's plan must know.
net::Task<void> learn(std::shared_ptr<Executor::Impl> self, PlanNeed need, core::Deadline deadline,
                      std::shared_ptr<std::vector<PlanInput>> learnt, std::size_t place) {
  if (self->closed) co_return;
  core::Labels labels = need.labels.value_or(core::Labels());
  const core::Deadline read_until = std::min(in(need.spec->timeout), deadline);
  auto present = co_await reading(self, need.spec, std::move(labels), read_until);
  (*learnt)[place].reading = std::move(present);
  if (!need.query.empty() && !self->closed) {
    auto number = co_await value(self, std::move(need.query));
    (*learnt)[place].value.emplace(std::move(number));
  }
  if (need.labels && !self->closed) {
    auto found = co_await suppression(self, std::move(*need.labels));
    (*learnt)[place].suppression.emplace(std::move(found));
  }
}

}  // namespace

net::Task<void> Executor::Impl::watch_time(std::shared_ptr<Impl> self) {
  while (!self->closed) {
    self->moved.reset();
    const core::Deadline until = self->due();
    const bool moved = co_await self->moved.wait(until);
    if (!moved && !self->closed) self->time_passed();
  }
}

net::Task<void> Executor::Impl::read(std::shared_ptr<Impl> self, Read effect) {
  if (self->closed) co_return;
  const core::Deadline deadline = in(effect.spec->timeout);
  auto found = co_await reading(self, effect.spec, std::move(effect.labels), deadline);
  if (!self->closed) self->take(WasRead{effect.token, std::move(found)});
}

net::Task<void> Executor::Impl::query(std::shared_ptr<Impl> self, Query effect) {
  if (self->closed) co_return;
  auto found = co_await value(self, std::move(effect.expression));
  if (!self->closed) self->take(WasQueried{effect.token, std::move(found)});
}

net::Task<void> Executor::Impl::ask(std::shared_ptr<Impl> self, Ask effect) {
  if (self->closed) co_return;
  auto found = co_await suppression(self, std::move(effect.labels));
  if (!self->closed) self->take(WasAsked{effect.token, std::move(found)});
}

net::Task<void> Executor::Impl::change(std::shared_ptr<Impl> self, MakeChange effect) {
  if (self->closed) co_return;
  const core::Deadline deadline = in(effect.spec->timeout);
  const core::Deadline lost = deadline + lost_after;
  net::Task<CallEnd> task = make_change(self->connector, effect.spec, effect.permit, deadline);
  const auto errand = co_await within<CallEnd>(self, lost, Late::left_alone, std::move(task));
  CallEnd end =
      errand->result ? std::move(*errand->result) : unclear("the call's end was not seen: " + errand->problem);
  if (!self->closed) self->take(CallEnded{effect.token, std::move(end)});
}

net::Task<OrderResult> Executor::Impl::order(std::shared_ptr<Impl> self, Order order) {
  OrderResult stopping;
  stopping.message = "tocsin is stopping";
  if (self->closed) co_return stopping;
  const Token token = ++self->last_order;
  const auto waiting = std::make_shared<Waiting>(self->executor);
  self->orders.emplace(token, waiting);
  self->take(Ordered{token, std::move(order)});
  const core::Deadline deadline = in(order_patience);
  const bool answered = co_await waiting->answered.wait(deadline);
  if (self->closed) co_return stopping;
  self->orders.erase(token);
  if (answered) co_return waiting->result;
  OrderResult late;
  late.message = "no answer within 30 s: look whether it was done";
  co_return late;
}

net::Task<std::vector<Plan>> Executor::Impl::plan(std::shared_ptr<Impl> self) {
  if (self->closed) co_return std::vector<Plan>();
  const core::Deadline deadline = in(plan_patience);
  std::vector<PlanNeed> needs = self->machine.plan_needs(self->moment());
  auto learnt = std::make_shared<std::vector<PlanInput>>(needs.size());
  std::vector<net::Task<void>> tasks;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    (*learnt)[i].action = needs[i].spec->name;
    tasks.push_back(learn(self, std::move(needs[i]), deadline, learnt, i));
  }
  co_await net::run_all(std::move(tasks), at_a_time);
  if (self->closed) co_return std::vector<Plan>();
  co_return self->machine.plan(*learnt, self->moment());
}

net::Task<void> Executor::Impl::stop(std::shared_ptr<Impl> self, core::Deadline deadline) {
  if (self->closed) co_return;
  self->take(Stopping{});
  while (!self->closed && self->machine.calling()) {
    self->stepped.reset();
    const bool stepped = co_await self->stepped.wait(deadline);
    if (!stepped) break;
  }
  if (self->closed) co_return;
  Stopping abandon;
  abandon.abandon = true;
  self->take(abandon);
  const core::Deadline last = in(after_abandoning);
  while (!self->closed && !self->unwritten.empty()) {
    self->stepped.reset();
    const bool stepped = co_await self->stepped.wait(last);
    if (!stepped) break;
  }
}

}  // namespace tocsin::actions
