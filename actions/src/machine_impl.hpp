// The machine's state. What is under way on a target is a consideration (what should be done?), a proposal (may it?) or
// a run (it is being done).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/gate.hpp"
#include "src/history.hpp"
#include "src/identity.hpp"
#include "src/stabilization.hpp"
#include "tocsin/actions/machine.hpp"

namespace tocsin::actions {

/// One action that an alert asks for, and what was learnt about it.
struct Candidate {
  Spec spec;
  core::Direction direction = core::Direction::up;
  Episode episode;
  core::Labels labels;
  std::optional<core::Result<Reading>> reading;
  std::optional<core::Result<double>> value;
  std::string inputs;
  Change change;
  std::string id;
};

/// What should be done about a target: its candidates are learnt about one after the other, then the best is chosen.
struct Consideration {
  std::vector<Candidate> open;    // to be learnt about; the last is the one that is being
  std::vector<Candidate> chosen;  // that would change something, the best last: it is being asked about
  std::string against;            // going down: an action that asks for no less
  Token token = 0;                // of the answer that is waited for
};

/// A change that waits for a person. It is on disk.
struct Proposal {
  Spec spec;
  core::ActionRecord record;
  core::TimePoint lapses;
};

/// A change from its claim to the end of its verification.
struct Run {
  enum class Phase {
    claiming,      // `claimed` is on its way to the disk
    announcing,    // `preflight` is
    looking,       // the target is read again
    valuing,       // the value that is divided is asked for again
    asking,        // Alertmanager is asked again
    starting,      // `started` is on its way to the disk
    calling,       // the platform is at it
    reading_back,  // the target is being read
    pausing,       // until it is read again
    verifying,     // until the alert clears
  };
  Run(Spec its_spec, core::ActionRecord its_record, Episode its_episode)
      : spec(std::move(its_spec)), record(std::move(its_record)), episode(std::move(its_episode)) {}

  Phase phase = Phase::claiming;
  Spec spec;
  core::ActionRecord record;  // its last row
  Episode episode;
  Token token = 0;                 // of the answer that is waited for
  Deadlines before;                // the deadlines as they were, should nothing be begun
  std::uint64_t key = 0;           // its number
  std::optional<Reading> reading;  // of the preflight
  std::optional<Permit> permit;
  bool ended_well = false;  // the platform said that it is done
  core::TimePoint until;    // reading back or verifying ends then
  core::TimePoint next;     // the target is read again then
  core::Duration pause{0};  // grows
  bool resolved = false;    // its alert has cleared
};

struct Machine::Impl {
  Impl(Settings its_settings, const state::Remembered& remembered, bool has_journal, core::TimePoint now);

  // machine.cpp
  std::vector<Effect> step(Event event, const Moment& at);
  void on(AlertsTold event);
  void on(Tick);
  void on(Written event);
  void on(WasRead event);
  void on(WasQueried event);
  void on(WasAsked event);
  void on(CallEnded event);
  void on(Ordered event);
  void on(Reconfigured event);
  void on(Stopping event);
  void configure(std::vector<ActionSpec> given);
  void take(core::AlertChange change);
  /// Forgets alerts that nothing has confirmed for that long past their time.
  void forget_stale(core::Duration grace);
  [[nodiscard]] std::optional<core::TimePoint> next_look() const;

  // What all parts use (machine.cpp).
  [[nodiscard]] core::TimePoint now() const { return moment.now; }
  [[nodiscard]] Token token() { return ++last_token; }
  void emit(Effect effect) { effects.push_back(std::move(effect)); }
  /// Takes a row into memory and puts it out for the disk and the log.
  void write(core::ActionRecord record, Deadlines not_before, Token token);
  /// Tells of a decision, unless the same was said within the cooldown.
  void say(const Candidate& candidate, core::ActionStep step, const std::string& reason);
  [[nodiscard]] Spec current(const ActionSpec& spec) const;
  [[nodiscard]] Situation situation(const ActionSpec& spec, core::Direction direction, const Episode& episode,
                                    Stage stage) const;
  /// Of all actions that move the same kind of value of the same target: what it was set to or found at last, and the
  /// last growth that succeeded; null if there is none.
  [[nodiscard]] const History::Known* last_known(const ActionSpec& spec) const;
  [[nodiscard]] const core::ActionRecord* last_growth(const ActionSpec& spec) const;
  [[nodiscard]] std::set<std::string> asking_targets() const;
  [[nodiscard]] std::size_t all_targets() const;

  // machine_proposal.cpp: from an alert that fires to a change that may be made
  void consider(const std::string& target);
  [[nodiscard]] std::vector<Candidate> candidates(const std::string& target) const;
  [[nodiscard]] const core::Alert* strongest(const ActionSpec& spec, core::Direction direction) const;
  [[nodiscard]] bool all_agree_to_less(const std::string& target) const;
  void learn(const std::string& target);
  void take_reading(const std::string& target, core::Result<Reading> reading);
  void take_value(const std::string& target, core::Result<double> value);
  void take_suppression(const std::string& target, const core::Suppression& suppression);
  [[nodiscard]] bool work_out(Candidate& candidate);
  [[nodiscard]] core::Result<std::string> free_id(const Candidate& candidate, const Change& change) const;
  void choose(const std::string& target);
  void decided(const std::string& target, const Candidate& candidate);
  void look_again(const std::string& target, core::Duration in);
  void adopt(const ActionSpec& spec, const Reading& reading);
  [[nodiscard]] std::string busy(const std::string& target) const;

  // machine_life.cpp: a run
  void begin(Spec spec, core::ActionRecord record, Episode episode);
  void run_step(Run& run, core::ActionStep step, std::string reason, Deadlines not_before, Token token);
  void give_up(Run& run, const std::string& why);
  void on_written(Run& run, const std::optional<std::string>& problem);
  void on_read(Run& run, core::Result<Reading> reading);
  void on_valued(Run& run, const core::Result<double>& value);
  void on_asked(Run& run, const core::Suppression& suppression);
  void ask_again(Run& run, std::optional<double> value);
  void on_ended(Run& run, const CallEnd& end);
  void read_back(Run& run);
  void begin_reading_back(Run& run, core::Duration at_most);
  void settle(Run& run, const core::Result<Reading>& reading);
  void verify(Run& run, core::Duration at_most);
  void look(Run& run);  // time has passed, or its alert has changed
  void end(const Run& run);
  void stop(bool abandon);
  [[nodiscard]] Deadlines cooldowns(const Run& run, core::Duration extra) const;

  // machine_start.cpp: what the journal shows
  void take_up(const state::Remembered& remembered);
  void take_up_run(const core::ActionRecord& last);

  // machine_orders.cpp: people
  void order(Token token, const Order& order);
  void approve(Token token, const Order& order);
  void reject(Token token, const Order& order);
  void pause(Token token, const Order& order, bool on);
  void rearm(Token token, const Order& order);
  void answer(Token token, bool done, std::string message);
  void note_order(Token asked, const Order& order, core::ActionRecord record, Deadlines deadlines, std::string message);
  void sweep_proposals();
  void propose(const Candidate& candidate);
  [[nodiscard]] std::vector<Proposal>::iterator proposal_of(const std::string& what);
  void drop(const Proposal& proposal, const std::string& why, const std::string& by, bool used_up);

  // machine_status.cpp
  [[nodiscard]] std::vector<ActionStatus> status(core::TimePoint at) const;
  [[nodiscard]] std::vector<Pause> pauses(core::TimePoint at) const;
  [[nodiscard]] std::vector<PlanNeed> plan_needs() const;
  [[nodiscard]] std::vector<Plan> plan(const std::vector<PlanInput>& learnt) const;
  [[nodiscard]] Plan plan_of(const ActionSpec& spec, const PlanInput& input) const;

  Settings settings;
  std::vector<Spec> specs;
  bool journal;
  bool stopping = false;
  History history;
  std::optional<state::Remembered> remembered;          // until the first step has taken it up
  std::map<std::string, core::Alert> firing;            // by labels; all: a reload may bring an action for any
  std::set<std::string> ended;                          // alerts that ended in this step
  std::map<std::string, Consideration> considerations;  // by target
  std::map<std::string, Run> runs;                      // by target
  std::vector<Proposal> proposals;                      // oldest first
  std::map<std::string, core::TimePoint> looks;         // by target: when it is considered again
  std::map<std::pair<std::string, core::Direction>, Stabilization> windows;  // by action
  std::map<Token, std::string> waiting;                                      // target that an answer is for
  struct Asked {
    Token token = 0;
    std::string message;
    Deadlines then;  // what is so once the row is on disk: what lets more happen is not believed earlier
  };
  std::map<Token, Asked> orders;  // by the token of the row that is on its way
  struct Said {
    core::ActionRecord record;
    Episode episode;
  };
  std::map<std::string, Said> said;                 // by action, alert and kind
  std::map<std::string, core::ActionRecord> shown;  // by action: what the status shows
  std::map<std::string, std::string> present;       // by action: what was read last
  std::set<std::string> at_end;                     // actions that are asked for more and have no more
  Token last_token = 0;

  // Of the step that is being taken.
  Moment moment;
  std::vector<Effect> effects;
};

}  // namespace tocsin::actions
