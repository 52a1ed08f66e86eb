// What was done before, as far as decisions need it: which ids are used up, how many changes there were, which runs
// failed in a row, what a target was set to last, and the persisted deadlines. Fed with rows in the order in which they
// were written. Pure; bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tocsin/core/journal.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

/// Whether a run at this step has, or may have, changed something, or has taken its target to do so.
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
  /// Forgets deadlines that were over at that time.
  void forget_before(core::TimePoint now);

  /// The last row of a run, or null.
  [[nodiscard]] const core::ActionRecord* run(const std::string& id) const;
  /// The runs of an action that were begun, oldest first; the newest 64 are kept.
  [[nodiscard]] std::vector<const core::ActionRecord*> runs_of(const std::string& action,
                                                               const std::string& target) const;
  [[nodiscard]] std::optional<core::TimePoint> not_before(const std::string& key) const;
  [[nodiscard]] const std::map<std::string, core::TimePoint>& deadlines() const { return not_before_; }
  /// How many calls were started in the window that ends now; of one target, or of all.
  [[nodiscard]] std::size_t started(const std::string& target, core::Duration window, core::TimePoint now) const;
  [[nodiscard]] std::size_t started_all(core::Duration window, core::TimePoint now) const;
  /// How many distinct targets were changed in it, `target` left out.
  [[nodiscard]] std::size_t other_targets(const std::string& target, core::Duration window, core::TimePoint now) const;
  /// The runs that failed, changed nothing for the better or ended nobody knows how, since the last that helped or the
  /// last rearming.
  [[nodiscard]] unsigned failures_in_row(const std::string& action, const std::string& target) const;

  /// What the target was last set to by this action, or was found at and adopted.
  struct Known {
    std::string value;
    core::TimePoint at;
    bool adopted = false;
    std::string before;  // what it was instead
  };
  [[nodiscard]] const Known* known(const std::string& action, const std::string& target) const;
  /// When the target was last changed by this action, as far as it is known.
  [[nodiscard]] std::optional<core::TimePoint> last_change(const std::string& action, const std::string& target) const;
  /// The last successful change of this action in that direction.
  [[nodiscard]] const core::ActionRecord* last_success(const std::string& action, const std::string& target,
                                                       core::Direction direction) const;

  // Keys of persisted deadlines.
  [[nodiscard]] static std::string cooldown_key(core::Direction direction, const std::string& target);
  [[nodiscard]] static std::string rearmed_key(const std::string& action) { return "rearmed/" + action; }
  [[nodiscard]] static std::string approval_key(const std::string& id) { return "approval/" + id; }
  /// Of an id that may not be used again: rejected, or lapsed.
  [[nodiscard]] static std::string used_key(const std::string& id) { return "used/" + id; }
  static constexpr std::string_view run_key = "run-key";  // the number of the last run, as a time

 private:
  using Key = std::pair<std::string, std::string>;  // action and target
  struct Started {
    std::string target;
    core::TimePoint at;
  };
  void add_started(const core::ActionRecord& record);
  void add_known(const core::ActionRecord& record);

  std::unordered_map<std::string, core::ActionRecord> runs_;  // by id
  std::map<Key, std::deque<std::string>> ids_;                // oldest first
  std::map<Key, core::TimePoint> last_change_;
  std::map<Key, Known> known_;
  std::map<std::pair<Key, core::Direction>, core::ActionRecord> last_success_;
  std::deque<Started> started_;  // oldest first
  std::map<std::string, core::TimePoint> not_before_;
};

}  // namespace tocsin::actions
