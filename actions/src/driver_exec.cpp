// Commands: an argv, never a shell, in a process group of its own.
#include <utility>
#include <variant>
#include <vector>

#include "src/command.hpp"
#include "src/driver.hpp"
#include "tocsin/net/process.hpp"

namespace tocsin::actions {
namespace {

/// A command that is ready to be run, or why there is none.
struct Prepared {
  net::ProcessSpec process;
  Secrets secrets;
};

core::Result<Prepared> prepare(const ActionSpec& spec, const ExecCall& call, const Placeholders& values) {
  Prepared prepared;
  for (const std::string& argument : call.argv) {
    auto filled = fill(spec, argument, values);
    if (!filled) return filled.error();
    prepared.process.argv.push_back(std::move(*filled));
  }
  auto environment = environment_of(spec);
  if (!environment) return environment.error();
  prepared.process.environment = std::move(environment->variables);
  prepared.secrets = std::move(environment->secrets);
  return prepared;
}

}  // namespace

net::Task<core::Result<Reading>> read_by_exec(Spec spec, Placeholders values, core::Deadline deadline) {
  auto prepared = prepare(*spec, std::get<ExecCall>(spec->read.call), values);
  if (!prepared) co_return cannot(prepared.error().detail);
  const auto exit = co_await net::run_process(std::move(prepared->process), deadline);
  const Secrets& secrets = prepared->secrets;
  if (!exit) co_return cannot("the command could not be run: " + first_line(exit.error().detail, secrets));
  if (exit->timed_out || exit->signal || exit->status != 0) co_return cannot(describe(*exit, secrets));
  if (exit->output_cut) co_return cannot("the command printed too much");
  co_return reading_of(*spec, exit->out, secrets);
}

net::Task<CallEnd> change_by_exec(Spec spec, Placeholders values, core::Deadline deadline) {
  auto prepared = prepare(*spec, std::get<ExecCall>(spec->set), values);
  if (!prepared) co_return refused("the command was not run: " + prepared.error().detail);
  const auto exit = co_await net::run_process(std::move(prepared->process), deadline);
  const Secrets& secrets = prepared->secrets;
  if (!exit) {
    // It may have done its work, or may yet have it done.
    if (exit.error().outcome == core::Outcome::cancelled) co_return unclear("the command was cancelled");
    co_return refused("the command could not be run: " + first_line(exit.error().detail, secrets));
  }
  if (exit->timed_out || exit->signal) co_return unclear(describe(*exit, secrets));
  if (exit->status != 0) co_return refused(describe(*exit, secrets));
  CallEnd end;
  end.how = CallEnd::How::done;
  end.words = describe(*exit, secrets);
  co_return end;
}

}  // namespace tocsin::actions
