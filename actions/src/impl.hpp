// The driver's state, on the loop: what fires, which decisions and runs are under way. It decides nothing; see
// decide.hpp.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/decide.hpp"
#include "src/history.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/net/process.hpp"

namespace tocsin::actions {

using Spec = std::shared_ptr<const ActionSpec>;
using NotBefore = std::optional<std::pair<std::string, core::TimePoint>>;

/// A run on a target, from its claim to its verification. One at a time on a target.
struct Run {
  Run(Spec its_spec, core::ActionRecord its_record, net::Executor executor)
      : spec(std::move(its_spec)), record(std::move(its_record)), wake(std::move(executor)) {}
  Spec spec;
  core::ActionRecord record;  // its last row
  bool resolved = false;      // its alert has cleared
  bool abandoned = false;     // a stop cannot wait for it any longer
  net::Event wake;            // something of the above, `stopping` or the command's end has changed
};

/// The command of a run; it ends in a coroutine of its own, so that a stop need not wait for it.
struct Command {
  std::optional<core::Result<net::ProcessExit>> exit;
};

/// What the decision has learnt so far.
struct Learnt {
  std::optional<core::Result<Reading>> reading;
  std::optional<core::Result<double>> query;
  std::optional<core::Suppression> suppression;
};

struct Executor::Impl {
  Impl(net::Loop& its_loop, state::Journal* its_journal, ExecutorHooks its_hooks);

  // executor.cpp
  void configure(std::vector<ActionSpec> specs);
  void take_inbox(const std::shared_ptr<Impl>& self);
  void on_change(const std::shared_ptr<Impl>& self, core::AlertChange change);
  /// Forgets alerts that nothing has confirmed, or that no action is for any more.
  void forget_stale();
  void publish();
  /// Runs it on the loop, if the executor is still there. Any thread.
  void post(std::function<void()> work);
  void spawn(const std::string& name, net::Task<void> task);
  [[nodiscard]] Situation situation(const ActionSpec& spec, const Episode& episode, Learnt learnt) const;
  /// Tells of a decision, unless the same was said within the cooldown.
  void say(const ActionSpec& spec, const Episode& episode, core::ActionStep step, const std::string& id,
           const Change& change, const std::string& reason);
  /// Takes a row into memory, status and log; the journal is the caller's.
  void note(const core::ActionRecord& record, const NotBefore& not_before);
  [[nodiscard]] std::shared_ptr<Run> begin(const Spec& spec, core::ActionRecord record);

  // consider.cpp
  static net::Task<void> consider(std::shared_ptr<Impl> self, Spec spec, Episode episode, core::Labels labels);
  static net::Task<core::Result<Reading>> read(Spec spec);
  static net::Task<core::Suppression> ask(std::shared_ptr<Impl> self, core::Labels labels);
  static net::Task<core::Result<double>> query(std::shared_ptr<Impl> self, std::string expression);
  void settle_unknown(const ActionSpec& spec, const Reading& reading);

  // run.cpp
  static net::Task<void> act(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, Permit permit);
  static net::Task<bool> announce(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, Episode episode);
  static net::Task<std::shared_ptr<Command>> execute(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                     Permit permit);
  static net::Task<void> run_command(std::shared_ptr<Run> run, std::shared_ptr<Command> command,
                                     net::ProcessSpec process, core::Deadline deadline);
  static net::Task<void> settle(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, core::Duration at_most,
                                bool ended_well);
  static net::Task<core::Result<Reading>> read_back(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                    core::Duration at_most);
  static net::Task<void> verify(std::shared_ptr<Impl> self, std::shared_ptr<Run> run, core::Duration at_most);
  /// Writes the run's next row and waits for its receipt; nothing if it is on disk, or why not.
  static net::Task<std::optional<std::string>> write(std::shared_ptr<Impl> self, std::shared_ptr<Run> run,
                                                     core::ActionStep step, std::string reason, NotBefore not_before);
  static net::Task<void> stop(std::shared_ptr<Impl> self, core::Deadline deadline);

  // recover.cpp
  void recover(const std::shared_ptr<Impl>& self);
  static net::Task<void> resume(std::shared_ptr<Impl> self, std::shared_ptr<Run> run);

  state::Journal* journal;
  ExecutorHooks hooks;
  net::Executor executor;
  std::atomic<bool> closed = false;  // the Executor is gone: touch nothing but this
  bool stopping = false;
  std::vector<Spec> specs;
  History history;
  std::map<std::string, core::Alert> firing;         // by labels; only alerts that some action is for
  std::set<std::string> deciding;                    // names of actions
  std::map<std::string, std::shared_ptr<Run>> runs;  // by target
  net::Event ended;                                  // a run has ended

  struct Said {
    core::ActionRecord record;
    Episode episode;
  };
  std::map<std::string, Said> said;                 // by action, alert and kind
  std::map<std::string, core::ActionRecord> shown;  // by action: what the status shows

  std::mutex loop_mutex;
  net::Loop* loop;
  std::mutex inbox_mutex;
  std::vector<core::AlertChange> inbox;
  mutable std::mutex status_mutex;
  std::vector<ActionStatus> status;
};

/// Takes a run off its target when its coroutine ends, however it ends.
class RunEnds {
 public:
  RunEnds(Executor::Impl& impl, const Run& run);
  ~RunEnds();
  RunEnds(const RunEnds&) = delete;
  RunEnds& operator=(const RunEnds&) = delete;

 private:
  Executor::Impl& impl_;
  std::string target_;
};

/// From now, on the steady clock, as net/ wants it.
[[nodiscard]] core::Deadline in(core::Duration span);

}  // namespace tocsin::actions
