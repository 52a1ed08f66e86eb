// What was done before, as far as decisions need it: which ids are used up, how many changes there were, which runs
// failed in a row, and when a target may be changed again. Fed with rows in the order in which they were written. Pure;
// bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tocsin/core/journal.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

/// Whether a run at this step has, or may have, changed something.
[[nodiscard]] bool begun(core::ActionStep step);
/// Whether a run at this step has no result yet.
[[nodiscard]] bool unsettled(core::ActionStep step);

class History {
 public:
  History() = default;
  explicit History(const state::Remembered& remembered);

  /// A row that was written, or is about to be.
  void add(const core::ActionRecord& record);
  /// Moves a deadline; `key` as made below.
  void set_not_before(const std::string& key, core::TimePoint at);

  /// The last row of a run, or null.
  [[nodiscard]] const core::ActionRecord* run(const std::string& id) const;
  /// The runs of an action that were begun, oldest first; the newest 64 are kept.
  [[nodiscard]] std::vector<const core::ActionRecord*> runs_of(const std::string& action,
                                                               const std::string& target) const;
  [[nodiscard]] std::optional<core::TimePoint> not_before(const std::string& key) const;
  /// How many commands were started in the window that ends now; of one target, or of all.
  [[nodiscard]] std::size_t started(const std::string& target, core::Duration window, core::TimePoint now) const;
  [[nodiscard]] std::size_t started_all(core::Duration window, core::TimePoint now) const;
  /// The runs that failed, changed nothing for the better or ended nobody knows how, since the last that helped or the
  /// last rearming.
  [[nodiscard]] unsigned failures_in_row(const std::string& action, const std::string& target) const;
  /// When the target was last changed by this action, as far as it is known.
  [[nodiscard]] std::optional<core::TimePoint> last_change(const std::string& action, const std::string& target) const;

  /// Keys of persisted deadlines: one a target for the cooldown, one an action for when its breaker was closed by hand.
  [[nodiscard]] static std::string cooldown_key(const std::string& target) { return "cooldown/" + target; }
  [[nodiscard]] static std::string rearmed_key(const std::string& action) { return "rearmed/" + action; }

 private:
  struct Started {
    std::string target;
    core::TimePoint at;
  };
  void add_started(const core::ActionRecord& record);

  std::unordered_map<std::string, core::ActionRecord> runs_;  // by id
  std::map<std::pair<std::string, std::string>, std::deque<std::string>>
      ids_;  // of an action and a target, oldest first
  std::map<std::pair<std::string, std::string>, core::TimePoint> last_change_;
  std::deque<Started> started_;  // oldest first
  std::map<std::string, core::TimePoint> not_before_;
};

}  // namespace tocsin::actions
