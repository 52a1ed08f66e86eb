// The gate before every side effect, pure: all that speaks against acting in a situation at one moment. It is asked
// when a change is proposed, again by preflight, and once more right before the call; what stops an action is looked at
// anew each time, all of it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/history.hpp"
#include "src/identity.hpp"
#include "tocsin/actions/machine.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/alert.hpp"

namespace tocsin::actions {

/// Which look it is. The cooldown that a run itself has begun does not hold it, and at its call it is counted already.
enum class Stage { proposal, preflight, call };

struct Situation {
  const ActionSpec* spec = nullptr;
  core::Direction direction = core::Direction::up;
  const core::Alert* alert = nullptr;  // as it is now; null when it does not fire
  Episode episode;                     // the one this decision is about
  const Moment* moment = nullptr;
  const History* history = nullptr;
  const Settings* settings = nullptr;
  bool stopping = false;
  const History::Known* known = nullptr;  // what the target was set to, or found at, last
  std::string busy;                       // what is under way on the target, in words; empty if nothing is
  std::size_t asking_targets = 0;         // targets of actions whose alerts fire
  std::size_t all_targets = 0;            // targets of actions
  Stage stage = Stage::proposal;
  bool all_agree = true;          // going down: every action on the target says that less would do, by now
  bool more_than_before = false;  // more is wanted than what the last change gave: cooldown up does not hold it
};

/// All that is against acting, before anything was read: the first is the one to name. Empty: nothing is.
[[nodiscard]] std::vector<std::string> obstacles(const Situation& situation);

/// What may no longer be so between the last row on disk and the call: empty, or why it must not be made after all.
[[nodiscard]] std::string withdrawn(const Situation& situation);

/// Why an alert that fires says nothing about now: it is only held or kept firing, or nobody has confirmed it. Empty:
/// it does.
[[nodiscard]] std::string against_data(const core::Alert& alert, core::TimePoint now);
[[nodiscard]] std::string against_reading(const core::Result<Reading>& reading);
/// Empty only if Alertmanager says that people see the alert.
[[nodiscard]] std::string against_suppression(const core::Suppression& found);
/// Whether more than the last growth gave (null: there was none) may be asked for in its cooldown: it has had its time.
[[nodiscard]] bool may_preempt(const ActionSpec& spec, const core::ActionRecord* last_growth, std::int64_t wanted,
                               core::TimePoint now);

/// Keys of pauses: all, one direction, one action, one direction of an action.
[[nodiscard]] std::string pause_key(const std::string& action, std::optional<core::Direction> direction);
/// Why this direction of this action is paused; empty if it is not.
[[nodiscard]] std::string paused(const History& history, const std::string& action, core::Direction direction,
                                 core::TimePoint now);
/// A pause that ends only when somebody ends it.
[[nodiscard]] core::TimePoint for_good();

/// Whether an alert is the one that an action is for, or the one that says that less would do.
[[nodiscard]] bool asks_for_more(const ActionSpec& spec, const core::Labels& labels);
[[nodiscard]] bool asks_for_less(const ActionSpec& spec, const core::Labels& labels);

/// A time for people: 2026-11-21T10:37:14Z.
[[nodiscard]] std::string utc(core::TimePoint at);
/// A span for people: 90 s, 0.3 s.
[[nodiscard]] std::string seconds(core::Duration span);

/// Makes permits, where nothing is against it.
class Gate {
 public:
  /// The last look: bounds, placeholders, and all that `withdrawn` sees. A permit, or why there is none.
  [[nodiscard]] static core::Result<Permit> pass(const Situation& situation, const core::ActionRecord& claimed,
                                                 const Reading& reading, const core::Suppression& suppression,
                                                 std::uint64_t key);
};

}  // namespace tocsin::actions
