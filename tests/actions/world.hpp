// A platform made of files and small shell scripts, a loop, a journal and an executor, with a clock that runs and that
// the test may turn.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/run_task.hpp"
#include "support/temp_dir.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::actions {

[[nodiscard]] inline ExecCall command(std::vector<std::string> argv) {
  ExecCall call;
  call.argv = std::move(argv);
  return call;
}

[[nodiscard]] inline core::SecretSource in_place(const std::string& value) {
  core::SecretSource source;
  source.value = core::Secret(value);
  return source;
}

/// What stays when the process goes: the platform's files and the data folder.
class Platform {
 public:
  Platform() {
    dir_.write("value", "small\n");
    dir_.write("log", "");
    set_script("echo \"$1\" > \"$DIR/value\"");
  }
  /// What the set command does after it has noted in the log that it ran; $1 is {to}.
  void set_script(const std::string& body) { dir_.write("set.sh", "echo \"$1\" >> \"$DIR/log\"\n" + body + "\n"); }
  void value(const std::string& text) { dir_.write("value", text + "\n"); }
  [[nodiscard]] std::string value() const { return test::read_text(dir_ / "value"); }
  /// One line for each time that the set command ran.
  [[nodiscard]] std::string log() const { return test::read_text(dir_ / "log"); }
  [[nodiscard]] std::string data() const { return dir_ / "data"; }
  [[nodiscard]] const test::TempDir& dir() const { return dir_; }

  [[nodiscard]] ActionSpec spec() const {
    ActionSpec spec;
    spec.name = "grow";
    spec.when_alert = "Full";
    spec.target = "cache";
    spec.mode = Mode::automatic;
    spec.ladder = {"small", "medium", "large"};
    spec.read.call = command({"cat", dir_ / "value"});
    spec.set = command({"sh", dir_ / "set.sh", "{to}"});
    spec.environment = {{"DIR", in_place(dir_.path().string())}, {"TOKEN", in_place("hunter22")}};
    spec.timeout = std::chrono::seconds{5};
    spec.clears_within = std::chrono::seconds{10};
    return spec;
  }

 private:
  test::TempDir dir_;
};

/// One life of the daemon, as far as actions go.
class World {
 public:
  explicit World(Platform& platform, std::vector<ActionSpec> specs, bool with_journal = true) : platform_(platform) {
    if (with_journal) journal = state::Journal::open(platform_.data()).value();
    start(std::move(specs), journal.get());
  }
  World(Platform& platform, std::vector<ActionSpec> specs, state::Journal* other) : platform_(platform) {
    start(std::move(specs), other);
  }

  /// Runs the loop until the condition holds; false if it does not in fifteen seconds.
  [[nodiscard]] bool until(std::function<bool()> condition) { return loop.run(poll(std::move(condition))); }
  /// Runs the loop until a record's reason has this in it.
  [[nodiscard]] bool until_said(const std::string& words) {
    return until([this, words] { return said(words); });
  }
  /// Runs the loop until this step was told of so many times.
  [[nodiscard]] bool until(core::ActionStep step, std::size_t times = 1) {
    return until([this, step, times] { return count(step) >= times; });
  }
  /// Runs the loop until no run is under way: the row of its last step is told of before it is on disk.
  [[nodiscard]] bool idle() {
    return until([this] { return !status().running; });
  }
  /// Lets everything happen that is ready to: the loop goes round for a while.
  void settle(std::chrono::milliseconds span = std::chrono::milliseconds{150}) { loop.run(wait(span)); }

  static core::Alert alert(const std::string& name = "Full",
                           core::TimePoint fired = core::from_millis(1'700'000'000'000)) {
    core::Alert made;
    made.labels = core::Labels{{"alertname", name}, {"job", "cache"}};
    made.state = core::AlertState::firing;
    made.active_at = made.fired_at.emplace(fired);
    return made;
  }
  void tell(core::AlertChange::Kind kind, core::Alert alert) {
    std::vector<core::AlertChange> changes(1);
    changes[0].kind = kind;
    changes[0].at = clock();
    if (kind == core::AlertChange::Kind::resolved) alert.state = core::AlertState::inactive;
    changes[0].alert = std::move(alert);
    executor->notice(std::move(changes));
  }
  void fire() { tell(core::AlertChange::Kind::repeated, alert()); }
  void resolve() { tell(core::AlertChange::Kind::resolved, alert()); }

  [[nodiscard]] std::size_t count(core::ActionStep step) const {
    return static_cast<std::size_t>(
        std::count_if(records.begin(), records.end(), [step](const auto& r) { return r.step == step; }));
  }
  /// The steps so far, `proposed` left out.
  [[nodiscard]] std::string steps() const {
    std::string text;
    for (const core::ActionRecord& record : records) {
      if (record.step == core::ActionStep::proposed) continue;
      text += (text.empty() ? "" : " ") + std::string(core::to_string(record.step));
    }
    return text;
  }
  [[nodiscard]] std::string last_reason() const { return records.empty() ? "" : records.back().reason; }
  [[nodiscard]] bool said(const std::string& words) const {
    return std::any_of(records.begin(), records.end(),
                       [&](const auto& r) { return r.reason.find(words) != std::string::npos; });
  }
  /// The newest record of a step.
  [[nodiscard]] core::ActionRecord last(core::ActionStep step) const {
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      if (record->step == step) return *record;
    }
    return {};
  }
  [[nodiscard]] ActionStatus status() const { return executor->status().at(0); }

  /// The time: `now` when it began, and it has run since then.
  [[nodiscard]] core::TimePoint clock() const {
    return now + std::chrono::duration_cast<core::Duration>(std::chrono::steady_clock::now() - began_);
  }
  core::TimePoint now = core::from_millis(1'700'000'060'000);  // a test may turn it
  std::function<core::Suppression()> suppression = [] {
    return core::Suppression{core::Suppression::State::none, {}, ""};
  };
  std::function<std::pair<std::optional<double>, std::string>(std::string)> query;
  /// May keep Alertmanager from answering.
  std::function<net::Task<void>(core::Labels)> hold;
  Surroundings surroundings;
  std::vector<core::ActionRecord> records;
  std::vector<core::Labels> asked;
  std::unique_ptr<state::Journal> journal;
  net::BlockingPool pool{1};
  net::Connector connector{pool};
  test::TestLoop loop;
  std::unique_ptr<Executor> executor;  // goes first

 private:
  void start(std::vector<ActionSpec> specs, state::Journal* used) {
    ExecutorHooks hooks;
    hooks.clock = [this] { return clock(); };
    hooks.record = [this](const core::ActionRecord& record) { records.push_back(record); };
    hooks.suppression = [this](core::Labels labels, core::Deadline) { return answer(std::move(labels)); };
    hooks.query = [this](std::string expression) { return number(std::move(expression)); };
    hooks.surroundings = [this] { return surroundings; };
    Settings settings;
    settings.actions = std::move(specs);
    executor = std::make_unique<Executor>(loop.loop(), connector, std::move(settings), used, std::move(hooks));
  }
  net::Task<core::Suppression> answer(core::Labels labels) {
    asked.push_back(labels);
    if (hold) co_await hold(std::move(labels));
    co_return suppression();
  }
  net::Task<std::pair<std::optional<double>, std::string>> number(std::string expression) {
    if (expression == "forever") co_await net::sleep_for(std::chrono::hours(1));
    co_return query(std::move(expression));
  }
  static net::Task<bool> poll(std::function<bool()> condition) {
    const core::Deadline end = std::chrono::steady_clock::now() + std::chrono::seconds{15};
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) co_return false;
      co_await net::sleep_for(std::chrono::milliseconds{2});
    }
    co_return true;
  }
  static net::Task<void> wait(std::chrono::milliseconds span) { co_await net::sleep_for(span); }

  Platform& platform_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Times are told by a clock that runs.
[[nodiscard]] inline bool about(std::optional<core::TimePoint> time, core::TimePoint expected) {
  return time && *time > expected - std::chrono::seconds(5) && *time < expected + std::chrono::seconds(5);
}

/// What comes of an order.
[[nodiscard]] inline OrderResult ordered(World& world, Order::Kind kind, const std::string& what,
                                         const std::string& by = "alice") {
  Order order;
  order.kind = kind;
  order.what = what;
  order.by = by;
  return world.loop.run(world.executor->order(std::move(order)));
}

/// The action of another alert, on a target of its own.
[[nodiscard]] inline ActionSpec another(const Platform& platform, const std::string& alert) {
  ActionSpec spec = platform.spec();
  spec.name = spec.target = alert;
  spec.when_alert = alert;
  return spec;
}

/// A journal whose writes fail.
class FailingJournal final : public state::Journal {
 public:
  void append(core::ActionRecord record, state::Deadlines, Receipt receipt) override {
    if (receipt) receipt(record.step == fails ? std::optional<std::string>("disk full") : std::nullopt);
  }
  [[nodiscard]] const state::Remembered& remembered() const override { return remembered_; }
  [[nodiscard]] core::Result<std::vector<core::ActionRecord>> recent(std::size_t) override {
    return std::vector<core::ActionRecord>();
  }
  core::ActionStep fails = core::ActionStep::claimed;

 private:
  state::Remembered remembered_;
};

}  // namespace tocsin::actions
