// The decision and the gate, pure: given the situation at one moment, the next step, or why there is none. The driver
// asks again after everything that it did; so what stops an action is looked at anew, all of it, right before the
// command.
#pragma once

#include <optional>
#include <string>

#include "src/change.hpp"
#include "src/history.hpp"
#include "src/identity.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

/// What was read from the platform.
struct Reading {
  std::string value;
  bool ready = true;
  std::string not_ready;  // what was read instead of "ready"
};

struct Situation {
  const ActionSpec* spec = nullptr;
  const core::Alert* alert = nullptr;  // as it is now; null when it no longer fires
  Episode episode;                     // the one this decision is about
  core::TimePoint now;
  const History* history = nullptr;
  bool stopping = false;
  bool journal = false;  // there is one
  std::string busy;      // the action whose run is under way on this target; empty if there is none
  std::optional<core::Result<Reading>> reading;
  std::optional<core::Result<double>> query;
  std::optional<core::Suppression> suppression;
};

struct Decision;

/// The right to run one command. Only the gate makes one, and whoever runs a command that changes something must have
/// it.
class Permit {
 public:
  [[nodiscard]] const Change& change() const { return change_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const Episode& episode() const { return episode_; }

 private:
  friend Decision decide(const Situation& situation);
  Permit(Change change, std::string id, Episode episode)
      : change_(std::move(change)), id_(std::move(id)), episode_(std::move(episode)) {}
  Change change_;
  std::string id_;
  Episode episode_;
};

struct Decision {
  enum class Next {
    none,    // nothing is done; `reason` says why
    read,    // read the present value
    query,   // ask for the value of `of`
    shadow,  // say what would be done
    ask,     // ask Alertmanager whether the alert is silenced or inhibited
    act,     // make the change; `permit` is set
  };
  Next next = Next::none;
  std::string reason;
  Change change;
  std::string id;  // of the run, once it is known what would change; of the decision until then
  std::optional<Permit> permit;
};

[[nodiscard]] Decision decide(const Situation& situation);

/// Whether this spec is meant by that alert.
[[nodiscard]] bool applies(const ActionSpec& spec, const core::Labels& labels);

/// What may no longer be so between the permit and the command: empty, or why the command must not be run after all.
[[nodiscard]] std::string withdrawn(const Situation& situation);

/// A time for people: 2026-11-21T10:37:14Z.
[[nodiscard]] std::string utc(core::TimePoint at);

}  // namespace tocsin::actions
