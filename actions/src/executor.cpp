#include <algorithm>
#include <chrono>

#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

using core::AlertChange;

constexpr std::size_t max_inbox = 10'000;
constexpr core::Duration receipt_patience = std::chrono::seconds{10};  // for the disk
constexpr core::Duration longest_wait = std::chrono::seconds{30};      // the wall clock may jump
constexpr core::Duration shortest_wait = std::chrono::milliseconds{5};

const state::Remembered& nothing() {
  static const state::Remembered empty;
  return empty;
}

}  // namespace

core::Deadline in(core::Duration span) { return std::chrono::steady_clock::now() + span; }

void Mailbox::post(std::function<void()> work) {
  const std::lock_guard guard(mutex_);
  if (loop_ != nullptr) loop_->post(std::move(work));
}

void Mailbox::spawn(std::string name, net::Task<void> task) {
  const std::lock_guard guard(mutex_);
  if (loop_ != nullptr) loop_->spawn(std::move(name), std::move(task));
}

std::function<void()> Mailbox::spawn_cancellable(std::string name, net::Task<void> task) {
  const std::lock_guard guard(mutex_);
  if (loop_ == nullptr) return [] {};
  return loop_->spawn_cancellable(std::move(name), std::move(task));
}

void Mailbox::close() {
  const std::lock_guard guard(mutex_);
  loop_ = nullptr;
}

Executor::Impl::Impl(net::Loop& loop, net::Connector& its_connector, Settings settings, state::Journal* its_journal,
                     ExecutorHooks its_hooks)
    : connector(its_connector),
      journal(its_journal),
      hooks(std::move(its_hooks)),
      executor(loop.executor()),
      mailbox(std::make_shared<Mailbox>(loop)),
      machine(std::move(settings), journal != nullptr ? journal->remembered() : nothing(), journal != nullptr,
              hooks.clock()),
      stepped(executor),
      moved(executor),
      last_tick(in(core::Duration{0})) {}

Moment Executor::Impl::moment() const {
  Moment now;
  now.now = hooks.clock();
  if (hooks.surroundings) now.around = hooks.surroundings();
  return now;
}

void Executor::Impl::take(Event event) {
  events.push_back(std::move(event));
  if (stepping) return;
  stepping = true;
  while (!events.empty() && !closed) {
    Event next = std::move(events.front());
    events.pop_front();
    std::vector<Effect> effects = machine.step(std::move(next), moment());
    for (Effect& effect : effects) {
      std::visit([this](auto& one) { carry_out(std::move(one)); }, effect);
    }
  }
  stepping = false;
  if (closed) return;
  publish();
  stepped.set();
  moved.set();
}

void Executor::Impl::carry_out(Write effect) {
  if (hooks.record) hooks.record(effect.record);
  if (journal == nullptr) {
    if (effect.token != 0) events.emplace_back(Written{effect.token, std::nullopt});
    return;
  }
  state::Journal::Receipt tell;
  if (effect.token != 0) {
    unwritten.insert_or_assign(effect.token, in(receipt_patience));
    // Called on the state thread, which must not be the one to end the Impl.
    tell = [to = mailbox, weak = weak_from_this(), token = effect.token](std::optional<std::string> problem) {
      to->post([weak, token, problem = std::move(problem)] {
        if (const auto self = weak.lock(); self && !self->closed) self->on_receipt(token, problem);
      });
    };
  }
  journal->append(std::move(effect.record), std::move(effect.not_before), std::move(tell));
}

void Executor::Impl::carry_out(Read effect) {
  std::string name = "reading for the action " + effect.spec->name;
  mailbox->spawn(std::move(name), read(shared_from_this(), std::move(effect)));
}

void Executor::Impl::carry_out(Query effect) {
  mailbox->spawn("an action's query", query(shared_from_this(), std::move(effect)));
}

void Executor::Impl::carry_out(Ask effect) {
  mailbox->spawn("asking Alertmanager for an action", ask(shared_from_this(), std::move(effect)));
}

void Executor::Impl::carry_out(MakeChange effect) {
  std::string name = "the change of the action " + effect.spec->name;
  mailbox->spawn(std::move(name), change(shared_from_this(), std::move(effect)));
}

void Executor::Impl::carry_out(AnswerOrder effect) {
  const auto order = orders.find(effect.token);
  if (order == orders.end()) return;
  order->second->result = std::move(effect.result);
  order->second->answered.set();
}

void Executor::Impl::on_receipt(Token token, std::optional<std::string> problem) {
  // One that comes late was answered for already.
  if (unwritten.erase(token) == 0) return;
  take(Written{token, std::move(problem)});
}

core::Deadline Executor::Impl::due() const {
  core::Deadline at = in(longest_wait);
  if (const auto next = machine.next_look()) {
    const core::Duration wait = std::max(*next - hooks.clock(), core::Duration{0});
    at = std::min(at, in(std::min(wait, longest_wait)));
  }
  for (const auto& [token, until] : unwritten) at = std::min(at, until);
  return std::max(at, last_tick + shortest_wait);
}

void Executor::Impl::time_passed() {
  const core::Deadline now = in(core::Duration{0});
  std::vector<Token> late;
  for (const auto& [token, until] : unwritten) {
    if (until <= now) late.push_back(token);
  }
  for (const Token token : late) on_receipt(token, "the journal has not answered within 10 s");
  const auto next = machine.next_look();
  if (!next || *next > hooks.clock()) return;
  last_tick = now;
  take(Tick{});
}

void Executor::Impl::publish() {
  const core::TimePoint now = hooks.clock();
  std::vector<ActionStatus> fresh_status = machine.status(now);
  std::vector<Pause> fresh_pauses = machine.pauses(now);
  const std::lock_guard guard(published_mutex);
  status = std::move(fresh_status);
  pauses = std::move(fresh_pauses);
}

void Executor::Impl::take_inbox() {
  AlertsTold told;
  {
    const std::lock_guard guard(inbox_mutex);
    told.changes.swap(inbox);
  }
  take(std::move(told));
}

void Executor::Impl::close() {
  closed = true;
  mailbox->close();
  // Whoever waits looks, and goes.
  stepped.set();
  moved.set();
  for (const auto& [token, waiting] : orders) waiting->answered.set();
}

Executor::Executor(net::Loop& loop, net::Connector& connector, Settings settings, state::Journal* journal,
                   ExecutorHooks hooks)
    : impl_(std::make_shared<Impl>(loop, connector, std::move(settings), journal, std::move(hooks))) {
  impl_->publish();
  // The first step takes up what the journal shows.
  impl_->mailbox->post([weak = std::weak_ptr(impl_)] {
    if (const auto self = weak.lock(); self && !self->closed) self->take(Tick{});
  });
  impl_->mailbox->spawn("the time of actions", Impl::watch_time(impl_));
}

Executor::~Executor() { impl_->close(); }

void Executor::notice(std::vector<AlertChange> changes) {
  // Alerts that only wait for their `for` are none of our business.
  std::erase_if(changes, [](const AlertChange& change) {
    return change.kind == AlertChange::Kind::pending || change.kind == AlertChange::Kind::gone;
  });
  if (changes.empty()) return;
  bool first = false;
  {
    const std::lock_guard guard(impl_->inbox_mutex);
    first = impl_->inbox.empty();
    for (AlertChange& change : changes) {
      // What is lost here is said again, but a resolved alert is told once.
      if (impl_->inbox.size() >= max_inbox && change.kind != AlertChange::Kind::resolved) continue;
      impl_->inbox.push_back(std::move(change));
    }
  }
  if (!first) return;
  impl_->mailbox->post([weak = std::weak_ptr(impl_)] {
    if (const auto self = weak.lock(); self && !self->closed) self->take_inbox();
  });
}

void Executor::reconfigure(Settings settings) { impl_->take(Reconfigured{std::move(settings)}); }

net::Task<void> Executor::stop(core::Deadline deadline) { return Impl::stop(impl_, deadline); }
net::Task<OrderResult> Executor::order(Order order) { return Impl::order(impl_, std::move(order)); }
net::Task<std::vector<Plan>> Executor::plan() { return Impl::plan(impl_); }

std::vector<ActionStatus> Executor::status() const {
  const std::lock_guard guard(impl_->published_mutex);
  return impl_->status;
}

std::vector<Pause> Executor::pauses() const {
  const std::lock_guard guard(impl_->published_mutex);
  return impl_->pauses;
}

}  // namespace tocsin::actions
