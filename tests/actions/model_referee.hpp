// What must always hold, judged from what the machine asks for and what the world did, never from what the machine says
// of itself.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/actions/machine.hpp"
#include "tocsin/core/alert.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions::model {

/// What survives a crash.
struct Disk {
  std::vector<core::ActionRecord> rows;
  std::map<std::string, core::TimePoint> not_before;

  void add(const core::ActionRecord& record, const Deadlines& deadlines);
  [[nodiscard]] bool has(const std::string& id, core::ActionStep step) const;
  [[nodiscard]] const core::ActionRecord* last(const std::string& id) const;
  /// As state/ makes it of its file.
  [[nodiscard]] state::Remembered remembered() const;
};

struct Violation {
  std::string rule;  // a word for each thing that must hold
  std::string words;
};

/// Whether this alert asks for more of that action, or says that less would do.
[[nodiscard]] bool asks_up(const ActionSpec& spec, const core::Labels& labels);
[[nodiscard]] bool asks_down(const ActionSpec& spec, const core::Labels& labels);
[[nodiscard]] std::string pause_key(const Order& order);
/// Whether a run at this step has ended, and it is known how.
[[nodiscard]] bool settled(core::ActionStep step);
/// The action of that name, or null.
[[nodiscard]] const ActionSpec* spec_of(const Settings& settings, const std::string& name);
[[nodiscard]] std::string words(const Change& change);

class Referee {
 public:
  explicit Referee(const Disk& disk) : disk_(disk) {}

  // What happens, as the world sees it. `now` only grows.
  void time_is(core::TimePoint now) { now_ = now; }
  void life_begins(const Settings& settings, bool journal);
  void reloaded(const Settings& settings);
  void stopping() { stopping_ = true; }
  void told(const core::AlertChange& change);
  std::uint64_t asks_now() { return ++order_; }  // of a question, for the answers below
  void was_read(const std::string& target, const core::Result<Reading>& reading, std::uint64_t asked);
  void was_asked(const core::Labels& labels, const core::Suppression& answer, std::uint64_t asked);
  void was_queried(const std::string& expression, const core::Result<double>& value, std::uint64_t asked);
  void wrote(const Write& write);  // asked for, not on disk yet
  void ordered(Token token, const Order& order);
  void answered(Token token, const OrderResult& result);
  /// `written`: the row of the receipt that this is the answer to, or null.
  void makes(const MakeChange& make, const Moment& moment, const core::ActionRecord* written);
  void call_ended(const std::string& id);
  void effects(std::size_t of_one_step, std::size_t waiting);
  /// All is calm, and time has passed.
  void judge_the_end(const std::vector<ActionStatus>& status);
  void complain(std::string rule, std::string words);

  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

 private:
  struct Run {
    std::string id, action, target;
    Change change;
    core::Direction direction = core::Direction::up;
    core::TimePoint claimed_at;
    std::uint64_t claimed = 0;  // when, in the order of things
    std::shared_ptr<const Settings> settings;
    core::TimePoint started_at;
    std::optional<core::TimePoint> made_at;
    std::optional<core::TimePoint> succeeded_at;
    std::uint64_t number = 0;  // of those that were made
    bool call_ended = false;
    core::ActionStep last = core::ActionStep::proposed;
    core::TimePoint last_at;
    std::optional<core::TimePoint> lapses;
    bool approved = false;
    bool rejected = false;
    bool lost = false;  // what it did will never be known
  };
  struct Told {
    core::Alert alert;
    bool fires = false;
    std::deque<std::pair<core::TimePoint, double>> values;
  };
  struct Answer {
    core::Result<Reading> reading = core::Failure{};
    std::uint64_t asked = 0;
  };
  using Against = std::optional<Violation>;

  [[nodiscard]] Against judge(const Settings& settings, const ActionSpec& spec, const Run& run, const MakeChange& make,
                              const Moment& moment) const;
  [[nodiscard]] Against against_mode(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_bounds(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_count(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_wanted(const ActionSpec& spec, const Run& run, std::int64_t to) const;
  [[nodiscard]] Against against_limits(const Settings& settings, const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_cooldown(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_breaker(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_data(const ActionSpec& spec, const Run& run, const MakeChange& make) const;
  [[nodiscard]] Against against_down(const Settings& settings, const ActionSpec& spec) const;
  [[nodiscard]] Against against_stabilization(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] Against against_people(const Settings& settings, const ActionSpec& spec, const Run& run,
                                       const MakeChange& make) const;
  [[nodiscard]] Against against_surroundings(const Settings& settings, const Moment& moment) const;
  [[nodiscard]] Against against_others(const Run& run) const;
  [[nodiscard]] Against against_drift(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] bool may_preempt(const ActionSpec& spec, const Run& run) const;
  [[nodiscard]] const Run* last_made(const std::string& target, std::optional<core::Direction> direction,
                                     const std::string& but) const;
  [[nodiscard]] bool any_fires(const ActionSpec& spec, core::Direction direction, bool usable) const;
  [[nodiscard]] bool usable(const Told& told) const;
  [[nodiscard]] bool open_run(const std::string& target) const;
  Run& run_of(const core::ActionRecord& record);
  void judge_row(const Write& write);
  void judge_claim(const Run& run);

  const Disk& disk_;
  core::TimePoint now_;
  std::uint64_t order_ = 0;
  std::uint64_t made_count_ = 0;
  std::shared_ptr<const Settings> settings_;
  bool journal_ = true;
  bool stopping_ = false;
  std::map<std::string, Run> runs_;
  std::set<std::string> made_;
  std::map<std::string, std::uint64_t> last_key_;  // by target
  std::map<core::Labels, Told> told_;
  std::map<std::string, core::TimePoint> fires_since_;  // by name, whichever of its series does
  std::map<std::string, Answer> readings_;
  std::map<core::Labels, std::pair<core::Suppression, std::uint64_t>> suppressions_;
  std::map<std::string, std::pair<std::optional<double>, std::uint64_t>> values_;
  std::map<std::string, core::TimePoint> deadlines_;  // as on disk, or on their way to it
  std::map<std::string, core::TimePoint> pauses_;
  std::map<std::string, core::TimePoint> rearmed_;
  std::map<std::string, std::string> believed_;     // what a target was last set to or adopted at
  std::map<std::string, core::TimePoint> drifted_;  // when a reading first showed something else
  struct Waits {
    Order order;
    core::TimePoint at;
    std::vector<std::string> about;                 // ids
    std::map<std::string, core::TimePoint> lifted;  // the pauses that a resume would end
  };
  std::map<Token, Waits> orders_;
  std::optional<Violation> violation_;
};

}  // namespace tocsin::actions::model
