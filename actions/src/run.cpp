// A run: written down, carried out, read back, verified. It has a permit.
#include <algorithm>
#include <array>

#include "src/command.hpp"
#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;

constexpr core::Duration receipt_patience = std::chrono::seconds{10};  // for the disk
constexpr core::Duration first_pause = std::chrono::milliseconds{100};
constexpr core::Duration longest_pause = std::chrono::seconds{15};
constexpr core::Duration after_abandoning = std::chrono::seconds{2};

constexpr std::array announced{ActionStep::claimed,
                               ActionStep::started};  // rows that must be on disk before the command

/// A receipt on its way from the state thread to the loop.
struct Receipt {
  explicit Receipt(net::Executor executor) : arrived(std::move(executor)) {}
  net::Event arrived;
  std::optional<std::string> problem;
};

/// 90 s, 0.3 s, 0.03 s.
std::string seconds(core::Duration span) {
  std::string text = std::to_string(span.count() / 1000);
  std::string rest = std::to_string(1000 + span.count() % 1000).substr(1);
  rest.erase(rest.find_last_not_of('0') + 1);
  return text + (rest.empty() ? "" : "." + rest) + " s";
}

}  // namespace

net::Task<std::optional<std::string>> Executor::Impl::write(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                            ActionStep step, std::string reason, NotBefore not_before) {
  if (self->closed) co_return "it is closed";
  run->record.step = step;
  run->record.at = self->hooks.clock();
  run->record.reason = std::move(reason);
  self->note(run->record, not_before);
  if (self->journal == nullptr) co_return "there is no journal";
  auto receipt = std::make_shared<Receipt>(self->executor);
  // Called on the state thread; the loop is only touched while the executor is there.
  state::Journal::Receipt tell = [self, receipt](std::optional<std::string> problem) {
    self->post([receipt, problem = std::move(problem)] {
      receipt->problem = problem;
      receipt->arrived.set();
    });
  };
  self->journal->append(run->record, std::move(not_before), std::move(tell));
  const core::Deadline deadline = in(receipt_patience);
  const bool arrived = co_await receipt->arrived.wait(deadline);
  if (!arrived) co_return "the journal has not answered within 10 s";
  co_return receipt->problem;
}

/// Both rows that must be on disk before the command, and a look at what may have changed meanwhile. False if it must
/// not be run.
net::Task<bool> Executor::Impl::announce(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, Episode episode) {
  const ActionSpec& spec = *run->spec;
  const std::string key = History::cooldown_key(spec.target);
  const std::string reason = run->record.reason;
  for (const ActionStep step : announced) {
    NotBefore not_before;
    if (step == ActionStep::claimed)
      not_before.emplace(key, self->hooks.clock() + spec.timeout + spec.provisioning + spec.cooldown_up);
    const auto problem = co_await write(self, run, step, reason, std::move(not_before));
    if (self->closed) co_return false;
    Learnt nothing;
    const std::string gone = withdrawn(self->situation(spec, episode, nothing));
    if (!problem && gone.empty()) continue;
    // Nothing was run: the target is free again. If this row does not get to disk either, a restart reads the target
    // back.
    NotBefore free;
    free.emplace(key, self->hooks.clock());
    const std::string why = problem ? "held: it could not be written down: " + *problem : "not run: " + gone;
    co_await write(self, run, ActionStep::skipped, why, std::move(free));
    co_return false;
  }
  co_return true;
}

net::Task<void> Executor::Impl::run_command(std::shared_ptr<Run> run, std::shared_ptr<Command> command,
                                            net::ProcessSpec process, core::Deadline deadline) {
  auto exit = co_await net::run_process(std::move(process), deadline);
  command->exit.emplace(std::move(exit));
  run->wake.set();
}

net::Task<std::shared_ptr<Command>> Executor::Impl::execute(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                            Permit permit) {
  auto command = std::make_shared<Command>();
  const ActionSpec& spec = *run->spec;
  const Placeholders values{permit.change().from, permit.change().to, spec.target};
  auto argv = fill(spec.set_argv, values);
  if (!argv) {
    command->exit.emplace(argv.error());
    co_return command;
  }
  net::ProcessSpec process;
  process.argv = std::move(*argv);
  process.environment = environment_of(spec);
  const core::Deadline deadline = in(spec.timeout);
  const core::Deadline lost = deadline + process.kill_after + std::chrono::seconds{10};
  self->spawn("command of " + spec.name, run_command(run, command, std::move(process), deadline));
  while (!command->exit && !run->abandoned && !self->closed) {
    run->wake.reset();
    const bool woken = co_await run->wake.wait(lost);
    if (!woken) break;
  }
  co_return command;
}

net::Task<void> Executor::Impl::act(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, Permit permit) {
  if (self->closed) co_return;
  const RunEnds ends(*self, *run);
  const bool may = co_await announce(self, run, permit.episode());
  if (!may) co_return;
  const auto command = co_await execute(self, run, permit);
  if (self->closed) co_return;

  const ActionSpec& spec = *run->spec;
  if (!command->exit) {
    const std::string why =
        run->abandoned ? "tocsin stopped before the command ended" : "the command's end was not seen";
    co_await write(self, run, ActionStep::unknown, why, std::nullopt);
    co_return;
  }
  const core::Result<net::ProcessExit>& exit = *command->exit;
  NotBefore cooldown;
  cooldown.emplace(History::cooldown_key(spec.target), self->hooks.clock() + spec.cooldown_up);
  if (!exit && exit.error().outcome != core::Outcome::cancelled) {
    const std::string why = "the command could not be run: " + first_line(exit.error().detail, spec.environment);
    co_await write(self, run, ActionStep::failed, why, std::move(cooldown));
    co_return;
  }
  const bool unclear = !exit || exit->timed_out || exit->signal;
  if (unclear) {
    // It may have done its work, or may yet have it done: only reading can tell.
    const std::string why = exit ? describe(*exit, spec.environment) : "the command was cancelled";
    co_await write(self, run, ActionStep::unknown, why, std::nullopt);
    if (self->closed || self->stopping) co_return;
  } else if (exit->status != 0) {
    co_await write(self, run, ActionStep::failed, describe(*exit, spec.environment), std::move(cooldown));
    co_return;
  }
  co_await settle(self, run, spec.provisioning + spec.timeout, !unclear);
}

/// Reads until the target shows the wanted value, or the time is up. The last reading.
net::Task<core::Result<Reading>> Executor::Impl::read_back(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                           core::Duration at_most) {
  const core::Deadline deadline = in(at_most);
  core::Duration pause = first_pause;
  for (;;) {
    auto reading = co_await read(run->spec);
    const bool there = reading && reading->value == run->record.to && reading->ready;
    if (there || self->closed || self->stopping || in(core::Duration{0}) >= deadline) co_return reading;
    const core::Deadline next = std::min(in(pause), deadline);
    // Woken early by a stop, or by the alert; the latter is looked at when verifying.
    while (!self->stopping && !self->closed && in(core::Duration{0}) < next) {
      run->wake.reset();
      co_await run->wake.wait(next);
    }
    pause = std::min(pause * 2, longest_pause);
  }
}

net::Task<void> Executor::Impl::settle(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, core::Duration at_most,
                                       bool ended_well) {
  const auto reading = co_await read_back(self, run, at_most);
  if (self->closed) co_return;
  const ActionSpec& spec = *run->spec;
  const std::string& to = run->record.to;
  if (reading && reading->value == to) {
    NotBefore cooldown;
    cooldown.emplace(History::cooldown_key(spec.target), self->hooks.clock() + spec.cooldown_up);
    const std::string why = "read back " + to + (reading->ready ? "" : ", not ready yet: " + reading->not_ready);
    co_await write(self, run, ActionStep::succeeded, why, std::move(cooldown));
    if (!self->closed && !self->stopping) co_await verify(self, run, spec.clears_within);
    co_return;
  }
  const std::string found = reading ? "read back " + first_line(reading->value, spec.environment) + " instead of " + to
                                    : "could not be read back: " + reading.error().detail;
  if (self->stopping) {
    const std::string why = "tocsin stopped before the change was seen: " + found;
    co_await write(self, run, ActionStep::unknown, why, std::nullopt);
    co_return;
  }
  const std::string waited = " after " + seconds(at_most);
  if (ended_well && reading) {
    const std::string why = "the command ended well, but " + found + waited;
    co_await write(self, run, ActionStep::failed, why, std::nullopt);
  } else if (reading && reading->value == run->record.from) {
    const std::string why = "nothing has changed: " + found + waited;
    co_await write(self, run, ActionStep::failed, why, std::nullopt);
  } else if (run->record.step != ActionStep::unknown || run->record.reason != found) {
    co_await write(self, run, ActionStep::unknown, found, std::nullopt);
  }
}

net::Task<void> Executor::Impl::verify(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, core::Duration at_most) {
  const ActionSpec& spec = *run->spec;
  if (run->record.step != ActionStep::verifying) {
    const std::string waits = "waits for the alert to clear within " + seconds(spec.clears_within);
    co_await write(self, run, ActionStep::verifying, waits, std::nullopt);
  }
  const core::Deadline deadline = in(at_most);
  while (!self->closed && !run->resolved && !self->stopping) {
    run->wake.reset();
    const bool woken = co_await run->wake.wait(deadline);
    if (!woken) break;
  }
  if (self->closed) co_return;
  if (run->resolved) {
    co_await write(self, run, ActionStep::effective, "the alert has cleared", std::nullopt);
  } else if (!self->stopping) {  // a stop leaves it as it is: the next start goes on waiting
    const std::string why = "the alert has not cleared within " + seconds(spec.clears_within);
    co_await write(self, run, ActionStep::ineffective, why, std::nullopt);
  }
}

net::Task<void> Executor::Impl::stop(std::shared_ptr<Impl> self, core::Deadline deadline) {
  self->stopping = true;
  for (const auto& [target, run] : self->runs) run->wake.set();
  const auto all_ended = [&self](core::Deadline until) -> net::Task<void> {
    while (!self->runs.empty() && !self->closed) {
      self->ended.reset();
      const bool woken = co_await self->ended.wait(until);
      if (!woken) break;
    }
  };
  co_await all_ended(deadline);
  for (const auto& [target, run] : self->runs) {
    run->abandoned = true;
    run->wake.set();
  }
  const core::Deadline last = in(after_abandoning);
  co_await all_ended(last);
}

}  // namespace tocsin::actions
