// Doing: what an action is, and the executor that carries it out. One gate for every side effect. On one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

enum class Mode { shadow, approve, automatic };

/// How a value is taken out of a command's output.
struct Extract {
  enum class Kind { whole, json, regex } kind = Kind::whole;  // whole: the trimmed output
  std::string expression;                                     // JSONPath ($.a[0].b), or RE2 with one group
};

struct ReadSpec {
  std::vector<std::string> argv;
  Extract value;
  std::optional<std::pair<Extract, std::string>> ready;  // what must equal what before anything is changed
};

struct CountSpec {
  std::int64_t min = 1;
  std::int64_t max = 1;
  std::int64_t step = 1;               // with neither target_value: this much up
  std::optional<double> target_value;  // per instance; the wanted count is ceil(value / target_value)
  std::string of;                      // PromQL whose value is divided; empty: the alert's value
};

struct RateLimit {
  unsigned count = 0;
  core::Duration window{0};
};

struct ActionSpec {
  std::string name;
  std::string when_alert;           // alertname
  std::vector<core::Matcher> when;  // further matchers on the alert's labels
  std::string target;
  Mode mode = Mode::shadow;
  std::vector<std::string> ladder;  // one of ladder and count
  std::optional<CountSpec> count;
  ReadSpec read;
  std::vector<std::string> set_argv;  // placeholders {from} {to} {target}
  std::vector<std::pair<std::string, std::string>> environment;
  core::Duration timeout{std::chrono::seconds{60}};
  core::Duration provisioning{0};
  core::Duration cooldown_up{std::chrono::minutes{30}};
  core::Duration cooldown_down{std::chrono::hours{2}};
  std::optional<RateLimit> per_target;
  std::optional<RateLimit> all;
  core::Duration clears_within{std::chrono::minutes{10}};
  unsigned breaker_after = 2;
};

/// What the page and the API show.
struct ActionStatus {
  std::string name;
  std::string target;
  std::string mode;  // "shadow", "auto"; "shadow (no data folder)" where that forces it
  core::ActionStep step = core::ActionStep::proposed;  // of the newest run
  bool running = false;
  std::string last_reason;  // why it acted, or did not
  std::string from, to;
  std::optional<core::TimePoint> last_change;
  std::optional<core::TimePoint> not_before;
  unsigned failures_in_row = 0;
  bool breaker_open = false;
};

struct ExecutorHooks {
  std::function<core::TimePoint()> clock;
  /// Every decision, acted on or not, in words: a log line.
  std::function<void(const core::ActionRecord&)> record;
  /// Asks Alertmanager. An exception or `unknown` holds.
  std::function<net::Task<core::Suppression>(core::Labels, core::Deadline)> suppression;
  /// Evaluates PromQL now, on whatever thread, and gives one number, or nothing with the reason.
  std::function<net::Task<std::pair<std::optional<double>, std::string>>(std::string expression)> query;
};

class Executor {
 public:
  /// `journal` may be null: then every action is shadow, and says so. Reads the clock; runs that the journal shows
  /// without a result are read back as soon as the loop runs, and never run again. Loop and journal must outlive it; it
  /// is destroyed on the loop's thread, or when the loop does not run.
  Executor(net::Loop& loop, std::vector<ActionSpec> specs, state::Journal* journal, ExecutorHooks hooks);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// From any thread: what the rules said. Firing starts a decision; resolved serves verification; nothing here blocks.
  void notice(std::vector<core::AlertChange> changes);
  /// On the loop: replaces the specs; runs under way finish under the old ones.
  void reconfigure(std::vector<ActionSpec> specs);
  /// On the loop: takes no new decision; a running command may finish until the deadline, then it is journalled
  /// `unknown`.
  [[nodiscard]] net::Task<void> stop(core::Deadline deadline);
  /// On the loop: closes an action's breaker by hand; what failed before no longer counts. False if there is no such
  /// action.
  bool rearm(const std::string& action);
  /// From any thread.
  [[nodiscard]] std::vector<ActionStatus> status() const;

  struct Impl;  // private to the room

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::actions
