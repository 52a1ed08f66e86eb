// What is decided about actions, and when: pure. Events go in, effects come out; the executor, a test and `tocsin test
// rules` carry the effects out, each in its way. It reads no clock and does no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tocsin/actions/spec.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

/// What is watched at the moment, as the lane sees it.
struct Surroundings {
  bool cut_off = false;     // tocsin itself has no network
  std::size_t targets = 0;  // that are probed
  std::size_t failing = 0;  // whose last probe failed
};

/// The time of a step, and what is around it.
struct Moment {
  core::TimePoint now;
  Surroundings around;
};

/// What was read from the platform.
struct Reading {
  std::string value;
  bool ready = true;
  std::string not_ready;  // what was read instead of "ready"
  std::string version;    // what fences a change, such as a resourceVersion; empty if the platform has none
  bool operator==(const Reading&) const = default;
};

struct Change {
  std::string from;
  std::string to;
  bool operator==(const Change&) const = default;
};

/// How a call that changes something ended.
struct CallEnd {
  enum class How {
    done,     // the platform says that it is done or under way
    refused,  // it says that nothing was done; nothing will come of it
    unclear,  // a timeout, a signal, a lost connection: only reading can tell
  } how = How::unclear;
  std::string words;  // for people, redacted
};

/// What a person wants.
struct Order {
  enum class Kind { approve, reject, pause, resume, rearm } kind = Kind::approve;
  std::string what;  // approve, reject: the proposal's id or the action's name; rearm: the action; pause, resume: an
                     // action's name, or empty for all
  std::optional<core::Direction> direction;  // pause, resume: only this one
  std::optional<core::Duration> lasts;       // pause: this long; none: until resumed
  std::string by;                            // who
  std::string note;                          // why, in their words
};
struct OrderResult {
  bool done = false;
  std::string message;
};

using Token = std::uint64_t;  // joins an effect and the event that answers it; 0: nobody waits

// Events.
struct AlertsTold {
  std::vector<core::AlertChange> changes;
};
struct Tick {};  // time has passed: `next_look`
struct Written {
  Token token = 0;
  std::optional<std::string> problem;  // why it is not on disk
};
struct WasRead {
  Token token = 0;
  core::Result<Reading> reading;
};
struct WasQueried {
  Token token = 0;
  core::Result<double> value;
};
struct WasAsked {
  Token token = 0;
  core::Suppression suppression;
};
struct CallEnded {
  Token token = 0;
  CallEnd end;
};
struct Ordered {
  Token token = 0;
  Order order;
};
struct Reconfigured {
  Settings settings;
};
struct Stopping {
  bool abandon = false;  // what runs is waited for no longer
};
using Event =
    std::variant<AlertsTold, Tick, Written, WasRead, WasQueried, WasAsked, CallEnded, Ordered, Reconfigured, Stopping>;

using Spec = std::shared_ptr<const ActionSpec>;

/// The right to change something. Only the gate makes one, and a `MakeChange` cannot be had without.
class Permit {
 public:
  [[nodiscard]] const Change& change() const { return change_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::uint64_t key() const { return key_; }               // grows with every run, over restarts as well
  [[nodiscard]] const std::string& version() const { return version_; }  // of the reading it was decided on
  [[nodiscard]] const core::Labels& labels() const { return labels_; }   // of the alert

 private:
  friend class Gate;
  Permit(Change change, std::string id, std::uint64_t key, std::string version, core::Labels labels)
      : change_(std::move(change)),
        id_(std::move(id)),
        key_(key),
        version_(std::move(version)),
        labels_(std::move(labels)) {}
  Change change_;
  std::string id_;
  std::uint64_t key_ = 0;
  std::string version_;
  core::Labels labels_;
};

using Deadlines = std::vector<std::pair<std::string, core::TimePoint>>;

// Effects, in the order in which they are to be begun.
/// A row for the journal, with deadlines that move in the same transaction. It is also a log line.
struct Write {
  Token token = 0;
  core::ActionRecord record;
  Deadlines not_before;
};
/// Reads the target, within spec->timeout.
struct Read {
  Token token = 0;
  Spec spec;
  core::Labels labels;  // of the alert, for placeholders; may be empty
};
struct Query {
  Token token = 0;
  std::string expression;
};
/// Asks Alertmanager whether the alert is kept from people.
struct Ask {
  Token token = 0;
  core::Labels labels;
};
/// Changes the target, within spec->timeout. Answered by CallEnded.
struct MakeChange {
  Token token = 0;
  Spec spec;
  Permit permit;
};
struct AnswerOrder {
  Token token = 0;
  OrderResult result;
};
using Effect = std::variant<Write, Read, Query, Ask, MakeChange, AnswerOrder>;

/// What the page, the metrics and the API show of an action.
struct ActionStatus {
  std::string name;
  std::string target;
  std::string mode;      // "shadow", "approve", "auto"; "shadow (no data folder)" where that forces it
  std::string mode_set;  // as configured: "shadow", "approve", "auto"
  core::ActionStep step = core::ActionStep::proposed;  // of the newest run or decision
  core::Direction direction = core::Direction::up;     // of the same
  std::string id;                                      // of the same
  core::TimePoint at;                                  // of the same; the epoch if there is none
  bool running = false;
  std::string last_reason;  // why it acted, or did not
  std::string inputs;       // what that was decided from
  std::string by;           // who approved it
  std::string from, to;
  std::string present;  // the value read last; empty: never read
  std::optional<core::TimePoint> last_change;
  std::optional<core::TimePoint> not_before;       // for going up
  std::optional<core::TimePoint> not_before_down;  // for going down
  unsigned failures_in_row = 0;
  bool breaker_open = false;
  bool at_end = false;                    // an alert asks for more, and there is no more
  std::optional<core::TimePoint> lapses;  // waits for approval until then (id says of what)
  std::string paused;                     // in words; empty: it is not
  std::string drift_from, drift_to;       // what somebody else changed last
  std::optional<core::TimePoint> drifted_at;
  std::string also_scaled_by;  // who is expected to; empty: nobody
};

struct Pause {
  std::string what;  // "all", "up", "down" or an action's name
  std::optional<core::TimePoint> until;
};

/// What would be done now.
struct Plan {
  std::string action;
  std::string target;
  core::Direction direction = core::Direction::up;
  bool asked_for = false;  // an alert asks for it
  std::string present;     // empty: it could not be read
  std::string wanted;      // empty: nothing
  std::string inputs;
  std::vector<std::string> against;  // all that holds it; empty: it would be done now
};
/// What a plan is made from: learnt by whoever asks for it.
struct PlanInput {
  std::string action;
  core::Result<Reading> reading;
  std::optional<core::Result<double>> value;
  std::optional<core::Suppression> suppression;
};
/// What must be learnt for it.
struct PlanNeed {
  Spec spec;
  std::string query;                   // empty: nothing
  std::optional<core::Labels> labels;  // of the alert that asks for it, if there is one
};

class Machine {
 public:
  /// `journal`: whether there is one. Without, every action is shadow. What `remembered` shows without a result is
  /// taken up by the first step, and read back.
  Machine(Settings settings, const state::Remembered& remembered, bool journal, core::TimePoint now);
  ~Machine();
  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) noexcept;

  [[nodiscard]] std::vector<Effect> step(Event event, const Moment& moment);
  /// When a Tick is due at the latest; none: only another event can bring news.
  [[nodiscard]] std::optional<core::TimePoint> next_look() const;
  /// Whether a run is under way, from its claim to the end of its verification.
  [[nodiscard]] bool running() const;
  /// Whether a run is between `claimed` and the end of its call: what a stop waits for.
  [[nodiscard]] bool calling() const;

  [[nodiscard]] std::vector<PlanNeed> plan_needs(const Moment& moment) const;
  [[nodiscard]] std::vector<Plan> plan(const std::vector<PlanInput>& learnt, const Moment& moment) const;
  [[nodiscard]] std::vector<ActionStatus> status(core::TimePoint now) const;
  [[nodiscard]] std::vector<Pause> pauses(core::TimePoint now) const;

  struct Impl;  // private to the room

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::actions
