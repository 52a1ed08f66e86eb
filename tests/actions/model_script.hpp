// What happens in a world, as a list of commands made from a seed: to be played, told in words, and made shorter while
// it still goes wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actions/model_world.hpp"

namespace tocsin::actions::model {

/// A small generator whose numbers are the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  unsigned below(unsigned bound) { return static_cast<unsigned>(next() % bound); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return *(all.begin() + below(static_cast<unsigned>(all.size())));
  }

 private:
  std::uint64_t state_;
};

struct Command {
  enum class Kind {
    advance,       // span
    fire,          // who, value
    resolve,       // who
    hold,          // who: its data is missing (how), or there again
    keep,          // who: only kept firing
    quiet,         // who: the rules say nothing more of it (how), or again
    suppress,      // who, how
    surroundings,  // how
    reads,         // who, how
    ready,         // who, how
    calls,         // who, how, span
    drift,         // who, value
    writes,        // how
    delays,        // who: of what; span
    query,         // value; how: whether it can be had
    approve,       // who: which action; how: by whom
    reject,        // who, how
    pause,         // who, how: direction, span
    resume,        // who, how
    rearm,         // who
    reload,        // value: the seed of the settings
    crash,         // how: how many writes are kept; value: whether calls go on
    restart,       // how: abandoned
  } kind = Kind::advance;
  unsigned who = 0;
  unsigned how = 0;
  unsigned value = 0;
  core::Duration span{0};
};
[[nodiscard]] std::string words(const Command& command);

struct Script {
  std::uint64_t settings = 0;  // their seed
  std::vector<Command> commands;
};
[[nodiscard]] Script script_of(std::uint64_t seed);
[[nodiscard]] Settings settings_of(std::uint64_t seed);
[[nodiscard]] std::string words(const Settings& settings);

/// Plays it from the beginning to the calm end. `trace`: what happened, in words; `rows`: all that was written.
[[nodiscard]] std::optional<Violation> play(const Script& script, const Sabotage& sabotage = {},
                                            std::vector<std::string>* trace = nullptr,
                                            std::vector<core::ActionRecord>* rows = nullptr);
/// The shortest that was found that still breaks the same rule.
[[nodiscard]] Script shrink(Script script, const std::string& rule, const Sabotage& sabotage = {});
/// What went wrong, for a person: the rule, the settings, the commands, and all that happened.
[[nodiscard]] std::string report(std::uint64_t seed, const Script& shrunk, const Sabotage& sabotage = {});

}  // namespace tocsin::actions::model
