// From an alert that fires to a permit: ask the decision what to learn next, learn it, ask again.
#include "src/command.hpp"
#include "src/extract.hpp"
#include "src/impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;

constexpr core::Duration patience = std::chrono::seconds{10};  // for Alertmanager to answer

core::Failure failure(std::string detail) {
  return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(detail)};
}

/// Takes an action out of those that decide, however its coroutine ends.
class DecisionEnds {
 public:
  DecisionEnds(Executor::Impl& impl, std::string name) : impl_(impl), name_(std::move(name)) {}
  ~DecisionEnds() { impl_.deciding.erase(name_); }
  DecisionEnds(const DecisionEnds&) = delete;
  DecisionEnds& operator=(const DecisionEnds&) = delete;

 private:
  Executor::Impl& impl_;
  std::string name_;
};

core::Result<Reading> reading_of(const ActionSpec& spec, const core::Result<net::ProcessExit>& exit) {
  if (!exit) return failure("the command could not be run: " + first_line(exit.error().detail, spec.environment));
  if (exit->timed_out || exit->signal || exit->status != 0) return failure(describe(*exit, spec.environment));
  if (exit->output_cut) return failure("the command printed too much");
  auto value = extract(spec.read.value, exit->out);
  if (!value) return failure(first_line(value.error().detail, spec.environment));
  Reading reading;
  reading.value = std::move(*value);
  if (!spec.read.ready) return reading;
  const auto& [how, wanted] = *spec.read.ready;
  const auto found = extract(how, exit->out);
  if (!found) return failure("whether it is ready: " + first_line(found.error().detail, spec.environment));
  reading.ready = *found == wanted;
  reading.not_ready = first_line(*found, spec.environment) + " instead of " + wanted;
  return reading;
}

}  // namespace

net::Task<core::Result<Reading>> Executor::Impl::read(Spec spec) {
  const Placeholders values{"", "", spec->target};
  auto argv = fill(spec->read.argv, values);
  if (!argv) co_return argv.error();
  if (argv->empty()) co_return failure("there is no command to read with");
  net::ProcessSpec process;
  process.argv = std::move(*argv);
  process.environment = environment_of(*spec);
  const core::Deadline deadline = in(spec->timeout);
  const auto exit = co_await net::run_process(std::move(process), deadline);
  co_return reading_of(*spec, exit);
}

net::Task<core::Suppression> Executor::Impl::ask(std::shared_ptr<Impl> self, core::Labels labels) {
  core::Suppression answer;
  if (!self->hooks.suppression) {
    answer.detail = "there is no Alertmanager to ask";
    co_return answer;
  }
  try {
    const core::Deadline deadline = in(patience);
    answer = co_await self->hooks.suppression(std::move(labels), deadline);
  } catch (const std::exception& error) {
    answer = core::Suppression();
    answer.detail = error.what();
  }
  co_return answer;
}

net::Task<core::Result<double>> Executor::Impl::query(std::shared_ptr<Impl> self, std::string expression) {
  if (!self->hooks.query) co_return failure("there is nothing to ask");
  try {
    const auto answer = co_await self->hooks.query(std::move(expression));
    if (!answer.first) co_return failure(answer.second);
    co_return *answer.first;
  } catch (const std::exception& error) {
    co_return failure(error.what());
  }
}

// A run that ended nobody knows how is moved on by reading alone.
void Executor::Impl::settle_unknown(const ActionSpec& spec, const Reading& reading) {
  const auto before = history.runs_of(spec.name, spec.target);
  if (before.empty() || before.back()->step != ActionStep::unknown || runs.contains(spec.target)) return;
  core::ActionRecord record = *before.back();
  const core::TimePoint now = hooks.clock();
  const bool had_time = now > record.at + spec.timeout + spec.provisioning;
  if (reading.value == record.to) {
    record.step = ActionStep::succeeded;
    record.reason = "read back later: it is " + record.to;
  } else if (reading.value == record.from && reading.ready && had_time) {
    record.step = ActionStep::failed;
    record.reason = "read back later: it is still " + record.from;
  } else {
    return;
  }
  record.at = now;
  note(record, std::nullopt);
  if (journal != nullptr) journal->append(std::move(record), std::nullopt, nullptr);
}

net::Task<void> Executor::Impl::consider(std::shared_ptr<Impl> self, Spec spec, Episode episode, core::Labels labels) {
  if (self->closed) co_return;
  const DecisionEnds ends(*self, spec->name);
  Learnt learnt;
  const std::string decision_name = decision_id(spec->name, spec->target, episode);
  self->say(*spec, episode, ActionStep::proposed, decision_name, Change(), "the alert fires");
  for (;;) {
    if (self->closed) co_return;
    Decision decision = decide(self->situation(*spec, episode, learnt));
    switch (decision.next) {
      case Decision::Next::none:
        self->say(*spec, episode, ActionStep::skipped, decision_name, decision.change, decision.reason);
        co_return;
      case Decision::Next::shadow:
        self->say(*spec, episode, ActionStep::shadow, decision_name, decision.change, decision.reason);
        co_return;
      case Decision::Next::read:
        learnt.reading = co_await read(spec);
        if (!self->closed && *learnt.reading) self->settle_unknown(*spec, **learnt.reading);
        break;
      case Decision::Next::query:
        learnt.query = co_await query(self, spec->count->of);
        break;
      case Decision::Next::ask:
        learnt.suppression = co_await ask(self, labels);
        break;
      case Decision::Next::act: {
        // Nothing is awaited between the gate and this: the target is taken before anybody else can decide.
        core::ActionRecord record{decision.id,          spec->name,          spec->target,
                                  ActionStep::proposed, self->hooks.clock(), decision.change.from,
                                  decision.change.to,   episode.alert,       decision.reason};
        auto run = self->begin(spec, std::move(record));
        self->spawn("run " + spec->name, act(self, std::move(run), std::move(*decision.permit)));
        co_return;
      }
    }
  }
}

}  // namespace tocsin::actions
