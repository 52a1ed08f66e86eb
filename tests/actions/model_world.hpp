// A world for the machine to live in: a disk that survives crashes, platforms that obey, fail or lie, an Alertmanager,
// alerts, people, and a clock that is a number. It carries out what the machine asks for, and shows everything to a
// referee (model_referee.hpp). Nothing here is random: the scripts of model_script.hpp are.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/model_referee.hpp"
#include "tocsin/actions/machine.hpp"

namespace tocsin::actions::model {

/// How a target's platform answers when it is read.
enum class Reads { well, fails, stale, junk, hangs };
/// What a target's platform does when it is told to change, and what it says about it.
enum class Calls {
  well,
  late,             // says done, does it later
  nothing,          // says done, does nothing
  other,            // says done, does something else
  refused,          // says no, does nothing
  unclear_done,     // says nothing in time, has done it
  unclear_late,     // says nothing in time, does it later
  unclear_nothing,  // says nothing in time, does nothing
};
enum class Writes { well, fails, fails_but_keeps };

struct Platform {
  std::string value;
  std::string before;  // what a stale reading shows
  bool ready = true;
  unsigned version = 1;
  Reads reads = Reads::well;
  Calls calls = Calls::well;
  core::Duration late{std::chrono::minutes{3}};
  core::Duration settles{0};  // how long it is not ready after a change
};

struct Delays {
  core::Duration disk{0}, read{0}, ask{0}, query{0}, call{0};
};

/// Ways to break what the machine relies on, so that the referee has something to find.
struct Sabotage {
  std::function<void(Settings&)> settings;             // the machine gets others than the referee knows of
  std::function<void(std::vector<Effect>&)> effects;   // what it asks for is changed on the way
  std::function<void(core::Suppression&)> suppressed;  // so are answers
  std::function<void(Reading&)> reading;
  std::function<void(core::Alert&)> alert;
  std::function<void(Moment&)> moment;
  std::function<void(state::Remembered&)> remembered;
};

struct TheAlert {
  core::Alert alert;
  bool fires = false;
  bool told_on = true;  // false: the rules have gone quiet, nothing is told any more
  core::Suppression suppression{core::Suppression::State::none, {}, ""};
};

class World {
 public:
  /// `traced`: keep what happens in words.
  explicit World(Settings settings, bool journal = true, Sabotage sabotage = {}, bool traced = false);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Time passes: what is due happens, and firing alerts are told again every minute.
  void advance(core::Duration span);
  [[nodiscard]] core::TimePoint now() const { return now_; }

  /// An alert by its name, or NAME/JOB for one of several series.
  TheAlert& alert(const std::string& name);
  void fire(const std::string& name, double value = 1);
  void resolve(const std::string& name);
  /// Tells all that fire once more, at once.
  void tell();

  Platform& platform(const std::string& target) { return platforms_[target]; }
  /// Somebody else changes it.
  void drift(const std::string& target, const std::string& value);
  void settle_on(const std::string& target, const std::string& value);

  /// Gives an order; what was answered to the last one is in `answers`.
  void order(Order order);
  void reload(Settings settings);
  /// SIGKILL and a new start. The first `kept` of the writes that wait reach the disk; calls under way do their work
  /// all the same, or not.
  void crash(std::size_t kept = 0, bool calls_go_on = true);
  /// SIGTERM, then a new start.
  void restart(bool abandoned = false);
  /// Everything works again, nothing fires, and time passes; then what was begun must have ended.
  void calm_down();

  [[nodiscard]] const std::optional<Violation>& violation() const { return referee_.violation(); }
  [[nodiscard]] Machine& machine() { return *machine_; }
  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }
  /// What was made, in words: "web 2 -> 4".
  [[nodiscard]] const std::vector<std::string>& made() const { return made_; }
  /// The steps that were written of an action (all if empty), in order, with one space between.
  [[nodiscard]] std::string steps(const std::string& action = "") const;
  /// The newest row that the machine wrote, of an action or of all, at that step if given.
  [[nodiscard]] core::ActionRecord last(const std::string& action = "",
                                        std::optional<core::ActionStep> step = std::nullopt) const;
  [[nodiscard]] ActionStatus status(const std::string& action) const;
  [[nodiscard]] Moment moment() const { return {now_, around}; }
  [[nodiscard]] const std::vector<core::ActionRecord>& rows() const { return rows_; }
  /// A plan, with what it needs learnt from this world.
  [[nodiscard]] Plan plan(const std::string& action);
  /// Gives the machine an event by hand.
  void give(Event event, const core::ActionRecord* written = nullptr);

  Surroundings around{false, 20, 0};
  Writes writes = Writes::well;
  Delays delays;
  std::map<std::string, std::optional<double>> queries;  // none: it cannot be had
  std::vector<OrderResult> answers;
  bool journal;

 private:
  struct Waiting {
    Write write;
    core::TimePoint due;
  };
  using Deed = std::function<void()>;

  void start();
  void later(core::Duration delay, Deed deed, bool of_this_life = true);
  void pump();
  void carry_out(Effect& effect, const core::ActionRecord* written);
  void begin(Write& write);
  void write_next();
  void begin(const Read& read);
  void begin(const MakeChange& make, const core::ActionRecord* written);
  void apply(const std::string& target, const std::string& value);
  [[nodiscard]] core::Result<Reading> look(const std::string& target) const;
  void tell_one(const TheAlert& one, core::AlertChange::Kind kind);
  [[nodiscard]] bool tick();
  void note(const std::function<std::string()>& words);

  Settings settings_;
  Sabotage sabotage_;
  Disk disk_;
  Referee referee_{disk_};
  std::unique_ptr<Machine> machine_;
  core::TimePoint now_ = core::from_millis(1'700'000'000'000);
  core::TimePoint next_telling_ = now_ + std::chrono::minutes(1);
  std::map<std::string, TheAlert> alerts_;
  std::map<std::string, Platform> platforms_;
  std::deque<Waiting> writing_;
  std::multimap<core::TimePoint, std::pair<std::uint64_t, Deed>> due_;  // the life it belongs to (0: any)
  std::uint64_t life_ = 0;
  bool calls_go_on_ = true;
  std::uint64_t number_ = 0;
  Token next_order_ = 1'000'000'000;
  bool traced_;
  std::vector<std::string> trace_;
  std::vector<std::string> made_;
  std::vector<core::ActionRecord> rows_;
};

[[nodiscard]] std::string clock_words(core::TimePoint at);

}  // namespace tocsin::actions::model
