#include "actions/model_script.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::actions::model {
namespace {

using Kind = Command::Kind;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<const char*, 8> alert_names{"WebBusy/one", "WebBusy/two", "WebQueue",  "WebIdle",
                                                 "WebQuiet",    "CacheFull",   "CacheIdle", "DbSlow"};
constexpr std::array<const char*, 3> target_names{"web", "cache", "db"};
constexpr std::array<const char*, 4> action_names{"more-web", "web-by-queue", "grow-cache", "more-db"};
constexpr std::array<const char*, 4> rungs{"small", "medium", "large", "huge"};
constexpr std::array<const char*, 4> people{"alice", "bob", "mallory", "root"};

std::optional<core::Direction> direction_of(unsigned how) {
  switch (how % 3) {
    case 1:
      return core::Direction::up;
    case 2:
      return core::Direction::down;
    default:
      return std::nullopt;
  }
}

std::string value_for(unsigned target, unsigned value) {
  return target == 1 ? rungs[value % rungs.size()] : std::to_string(value % 14);
}

std::string span_words(core::Duration span) {
  if (span >= minutes(1)) return std::to_string(span / minutes(1)) + "m" + std::to_string(span / seconds(1) % 60) + "s";
  return std::to_string(span.count()) + "ms";
}

CountSpec count_of(Dice& dice) {
  CountSpec count;
  count.min = dice.one_of({1, 1, 2});
  count.max = count.min + dice.one_of({1, 3, 6, 10});
  count.step = dice.one_of({1, 1, 2, 3});
  const unsigned kind = dice.below(5);
  if (kind == 0) count.percent = dice.one_of({10.0, 50.0, 100.0});
  if (kind > 2) {
    count.target_value = 10;
    if (dice.chance(50)) count.of = "queue_length";
  }
  if (dice.chance(40)) count.max_step = dice.one_of({1, 2, 4});
  return count;
}

ActionSpec action_of(Dice& dice, const char* name, const char* when, const char* target) {
  ActionSpec spec;
  spec.name = name;
  spec.when_alert = when;
  spec.target = target;
  spec.mode = dice.one_of({Mode::automatic, Mode::automatic, Mode::automatic, Mode::approve, Mode::shadow});
  spec.read.call = ExecCall{{"read"}};
  spec.set = ExecCall{{"set", "{to}"}};
  spec.timeout = seconds(10);
  spec.provisioning = dice.one_of<core::Duration>({seconds(0), seconds(20), minutes(1)});
  spec.stabilization_up = dice.one_of<core::Duration>({seconds(0), seconds(0), seconds(20), minutes(2)});
  spec.stabilization_down = dice.one_of<core::Duration>({seconds(0), minutes(1)});
  spec.cooldown_up = dice.one_of<core::Duration>({seconds(0), minutes(1), minutes(4)});
  spec.cooldown_down = dice.one_of<core::Duration>({minutes(1), minutes(6)});
  if (dice.chance(40)) spec.per_target = RateLimit{dice.one_of({1U, 2U}), minutes(8)};
  if (dice.chance(30)) spec.all = RateLimit{dice.one_of({1U, 3U}), minutes(8)};
  spec.clears_within = dice.one_of<core::Duration>({seconds(30), minutes(2)});
  spec.breaker_after = dice.one_of({1U, 2U, 3U});
  spec.approval_lapses = dice.one_of<core::Duration>({seconds(40), minutes(3)});
  if (dice.chance(60)) spec.approvers = {"alice", "root"};
  return spec;
}

}  // namespace

std::uint64_t Dice::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t value = state_;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

Settings settings_of(std::uint64_t seed) {
  Dice dice(seed);
  Settings settings;
  ActionSpec web = action_of(dice, action_names[0], "WebBusy", "web");
  web.count = count_of(dice);
  if (dice.chance(60)) web.down = DownSpec{"WebIdle", {}, dice.one_of({1, 2})};
  ActionSpec queue = action_of(dice, action_names[1], "WebQueue", "web");
  queue.count = count_of(dice);
  if (dice.chance(60)) queue.down = DownSpec{"WebQuiet", {}, 1};
  ActionSpec cache = action_of(dice, action_names[2], "CacheFull", "cache");
  cache.ladder.assign(rungs.begin(), rungs.begin() + dice.one_of({2, 3, 4}));
  if (dice.chance(40)) cache.down = DownSpec{"CacheIdle", {}, 1};
  ActionSpec db = action_of(dice, action_names[3], "DbSlow", "db");
  db.count = count_of(dice);
  if (dice.chance(50)) db.mode = Mode::approve;
  for (ActionSpec* one : {&web, &queue, &cache, &db}) {
    if (dice.chance(85)) settings.actions.push_back(std::move(*one));
  }
  if (dice.chance(20)) settings.guard.targets = RateLimit{dice.one_of({1U, 2U}), minutes(8)};
  if (dice.chance(20)) settings.guard.changes = RateLimit{dice.one_of({2U, 4U}), minutes(10)};
  if (dice.chance(15)) settings.guard.per_month = dice.one_of({1U, 3U});
  if (dice.chance(30)) {
    const std::string of = dice.one_of({"WebBusy", "CacheFull", "DbSlow"});
    const int begins = dice.one_of({0, 2, 5});
    settings.maintenance = [of, begins](const core::Labels& labels, core::TimePoint at) -> std::string {
      const auto minute = static_cast<int>(core::to_millis(at) / 60'000 % 10);
      if (labels.get("alertname") != of || minute < begins || minute >= begins + 4) return {};
      return "every ten minutes";
    };
  }
  return settings;
}

std::string words(const Settings& settings) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& value) {
    text += ' ';
    text += name;
    text += '=';
    text += value;
  };
  const auto number = [](auto value) { return std::to_string(value); };
  for (const ActionSpec& spec : settings.actions) {
    text += "  " + spec.name + ":";
    add("mode", std::string(to_string(spec.mode)));
    add("when", spec.when_alert);
    add("target", spec.target);
    if (spec.count) {
      const CountSpec& count = *spec.count;
      add("count", number(count.min) + ".." + number(count.max) + "/" + number(count.step));
      if (count.percent) add("percent", number(*count.percent));
      if (count.target_value)
        add("target_value", number(*count.target_value) + (count.of.empty() ? "" : " of " + count.of));
      if (count.max_step) add("max_step", number(*count.max_step));
    }
    if (!spec.ladder.empty()) add("ladder", ".." + spec.ladder.back());
    if (spec.down) add("down", spec.down->when_alert + "/" + number(spec.down->step));
    add("provisioning", span_words(spec.provisioning));
    add("stabilization", span_words(spec.stabilization_up) + "/" + span_words(spec.stabilization_down));
    add("cooldown", span_words(spec.cooldown_up) + "/" + span_words(spec.cooldown_down));
    if (spec.per_target) add("per_target", number(spec.per_target->count));
    if (spec.all) add("all", number(spec.all->count));
    add("clears_within", span_words(spec.clears_within));
    add("breaker", number(spec.breaker_after));
    add("approval", span_words(spec.approval_lapses) + (spec.approvers.empty() ? " by anybody" : " by some"));
    text += '\n';
  }
  const Guard& guard = settings.guard;
  text += "  guard:";
  if (guard.targets) add("targets", number(guard.targets->count));
  if (guard.changes) add("changes", number(guard.changes->count));
  if (guard.per_month) add("per_month", number(*guard.per_month));
  if (settings.maintenance) text += " and maintenance every ten minutes";
  return text + '\n';
}

Script script_of(std::uint64_t seed) {
  Dice dice(seed * 2 + 1);
  Script script{dice.next(), {}};
  const unsigned length = 12 + dice.below(18);
  // Calm things are many, wild ones few; what a run is about differs from run to run.
  const unsigned trouble = dice.one_of({5U, 20U, 50U});
  const auto time = [&dice] {
    return dice.one_of<core::Duration>({milliseconds(1), seconds(1), seconds(5), seconds(11), seconds(20), seconds(40),
                                        seconds(80), minutes(3), minutes(5)});
  };
  for (unsigned i = 0; i < length; ++i) {
    Command one;
    if (dice.chance(trouble)) {
      one.kind =
          dice.one_of({Kind::hold, Kind::keep, Kind::quiet, Kind::suppress, Kind::surroundings, Kind::reads,
                       Kind::ready, Kind::calls, Kind::calls, Kind::calls, Kind::drift, Kind::writes, Kind::query,
                       Kind::delays, Kind::delays, Kind::reload, Kind::crash, Kind::crash, Kind::restart});
    } else {
      one.kind = dice.one_of({Kind::advance, Kind::advance, Kind::advance, Kind::advance, Kind::fire, Kind::fire,
                              Kind::fire, Kind::fire, Kind::resolve, Kind::approve, Kind::reject, Kind::pause,
                              Kind::resume, Kind::rearm, Kind::query});
    }
    one.who = dice.below(8);
    one.how = dice.below(24);
    one.value = dice.below(1'000);
    one.span = time();
    if (one.kind == Kind::fire) {
      // Often what fires meets a platform with a mood, and somebody who answers.
      static constexpr std::array<unsigned, 8> action_of_alert{0, 0, 1, 0, 1, 2, 2, 3};
      static constexpr std::array<unsigned, 4> target_of_action{0, 0, 1, 2};
      const unsigned action = action_of_alert[one.who];
      if (dice.chance(25))
        script.commands.push_back({Kind::calls, target_of_action[action], dice.below(24), 0, time()});
      script.commands.push_back(one);
      const bool less = one.who == 3 || one.who == 4 || one.who == 6;
      if (less && dice.chance(70)) {
        // Less is only done where all agree, and nobody asks for more.
        for (const unsigned who : {3U, 4U, 6U}) script.commands.push_back({Kind::fire, who, 0, one.value, {}});
        for (const unsigned who : {0U, 1U, 2U, 5U}) script.commands.push_back({Kind::resolve, who, 0, 0, {}});
        script.commands.push_back({Kind::advance, 0, 0, 0, minutes(3)});
      }
      if (dice.chance(15)) {
        script.commands.push_back({Kind::advance, 0, 0, 0, time()});
        script.commands.push_back({Kind::crash, 0, dice.below(4), dice.below(2), {}});
        script.commands.push_back({Kind::advance, 0, 0, 0, time()});
      }
      if (dice.chance(30)) {
        script.commands.push_back({Kind::advance, 0, 0, 0, time()});
        script.commands.push_back({dice.chance(80) ? Kind::approve : Kind::reject, action, 4 * dice.below(4), 0, {}});
      }
    } else {
      script.commands.push_back(one);
    }
    // Most things are only seen when time passes.
    if (one.kind != Kind::advance && dice.chance(50)) {
      Command passes;
      passes.span = time();
      script.commands.push_back(passes);
    }
  }
  return script;
}

namespace {

std::string alert_name(const Command& c) { return alert_names[c.who % alert_names.size()]; }
std::string target_name(const Command& c) { return target_names[c.who % target_names.size()]; }
std::string action_name(const Command& c) { return action_names[c.who % action_names.size()]; }

Calls calls_of(const Command& c) { return static_cast<Calls>(c.how % 8); }
// Often well, so that a world does not stay broken for long.
Reads reads_of(const Command& c) { return static_cast<Reads>(c.how % 8 > 4 ? 0 : c.how % 8); }
Writes writes_of(const Command& c) { return static_cast<Writes>(c.how % 3); }
core::Suppression suppression_of(const Command& c) {
  const auto state = static_cast<core::Suppression::State>(c.how % 4);
  return {state, {"a1"}, state == core::Suppression::State::unknown ? "refused" : ""};
}
double value_of(const Command& c) { return c.value % 100; }

Surroundings surroundings_of(const Command& c) {
  const std::array<Surroundings, 4> all{Surroundings{false, 20, 0}, Surroundings{true, 20, 0},
                                        Surroundings{false, 20, 11}, Surroundings{false, 2, 2}};
  return all[c.how % all.size()];
}

Order order_of(const Command& c) {
  Order order;
  order.by = people[c.how % people.size()];
  order.note = "why not";
  switch (c.kind) {
    case Kind::approve:
      order.kind = Order::Kind::approve;
      order.what = action_name(c);
      break;
    case Kind::reject:
      order.kind = Order::Kind::reject;
      order.what = action_name(c);
      break;
    case Kind::pause:
    case Kind::resume:
      order.kind = c.kind == Kind::pause ? Order::Kind::pause : Order::Kind::resume;
      order.what = c.who < 4 ? action_name(c) : "";
      order.direction = direction_of(c.how);
      if (c.kind == Kind::pause && c.how % 5 != 0) order.lasts = c.span;
      break;
    default:
      order.kind = Order::Kind::rearm;
      order.what = action_name(c);
      break;
  }
  return order;
}

void set_delay(Delays& delays, const Command& c) {
  const core::Duration span = c.how % 3 == 0 ? core::Duration(0) : std::min<core::Duration>(c.span, seconds(40));
  switch (c.who % 5) {
    case 0:
      delays.disk = span;
      break;
    case 1:
      delays.read = span;
      break;
    case 2:
      delays.ask = span;
      break;
    case 3:
      delays.query = span;
      break;
    default:
      delays.call = span;
      break;
  }
}

void play(World& world, const Command& c) {
  switch (c.kind) {
    case Kind::advance:
      return world.advance(c.span);
    case Kind::fire:
      return world.fire(alert_name(c), value_of(c));
    case Kind::resolve:
      return world.resolve(alert_name(c));
    case Kind::hold:
      world.alert(alert_name(c)).alert.held = c.how % 3 != 0;
      return world.tell();
    case Kind::keep:
      if (c.how % 3 != 0) {
        world.alert(alert_name(c)).alert.keep_firing_since = world.now();
      } else {
        world.alert(alert_name(c)).alert.keep_firing_since.reset();
      }
      return world.tell();
    case Kind::quiet:
      world.alert(alert_name(c)).told_on = c.how % 2 == 0;
      return;
    case Kind::suppress:
      world.alert(alert_name(c)).suppression = suppression_of(c);
      return;
    case Kind::surroundings:
      world.around = surroundings_of(c);
      return;
    case Kind::reads:
      world.platform(target_name(c)).reads = reads_of(c);
      return;
    case Kind::ready:
      world.platform(target_name(c)).ready = c.how % 2 == 0;
      world.platform(target_name(c)).settles = c.how % 3 == 0 ? c.span : core::Duration(0);
      return;
    case Kind::calls:
      world.platform(target_name(c)).calls = calls_of(c);
      world.platform(target_name(c)).late = c.span;
      return;
    case Kind::drift:
      return world.drift(target_name(c), value_for(c.who % 3, c.value));
    case Kind::writes:
      world.writes = writes_of(c);
      return;
    case Kind::delays:
      return set_delay(world.delays, c);
    case Kind::query:
      world.queries["queue_length"] = c.how % 6 == 0 ? std::nullopt : std::optional<double>(value_of(c));
      return;
    case Kind::approve:
    case Kind::reject:
    case Kind::pause:
    case Kind::resume:
    case Kind::rearm:
      return world.order(order_of(c));
    case Kind::reload:
      return world.reload(settings_of(c.value));
    case Kind::crash:
      world.journal = c.how != 7;
      return world.crash(c.how % 4, c.value % 2 == 0);
    case Kind::restart:
      world.journal = true;
      return world.restart(c.how % 2 == 0);
  }
}

}  // namespace

std::string words(const Command& c) {
  const auto numbered = [](auto value) { return std::to_string(static_cast<int>(value)); };
  static constexpr std::array<const char*, 8> call_words{
      "work",   "say done and do it later", "say done and do nothing",  "say done and do something else",
      "refuse", "time out, having done it", "time out and do it later", "time out and do nothing"};
  static constexpr std::array<const char*, 5> read_words{"work", "fail", "show what was before", "show junk", "hang"};
  static constexpr std::array<const char*, 3> write_words{"work", "fail", "say that they fail, and do not"};
  static constexpr std::array<const char*, 4> suppression_words{"not suppressed", "silenced", "inhibited", "unknown"};
  const Order order = order_of(c);
  const std::string ordered = order.by + " on " + (order.what.empty() ? "all" : order.what) +
                              (order.direction ? " " + std::string(core::to_string(*order.direction)) : "");
  switch (c.kind) {
    case Kind::advance:
      return span_words(c.span) + " pass";
    case Kind::fire:
      return alert_name(c) + " fires with " + numbered(value_of(c));
    case Kind::resolve:
      return alert_name(c) + " resolves";
    case Kind::hold:
      return alert_name(c) + (c.how % 3 != 0 ? " is only held" : " has data again");
    case Kind::keep:
      return alert_name(c) + (c.how % 3 != 0 ? " is only kept firing" : " fires by itself again");
    case Kind::quiet:
      return alert_name(c) + (c.how % 2 == 0 ? " is told of again" : " is told of no more");
    case Kind::suppress:
      return alert_name(c) + " is " + suppression_words[c.how % 4];
    case Kind::surroundings: {
      const Surroundings around = surroundings_of(c);
      return around.cut_off ? "tocsin is cut off"
                            : numbered(around.failing) + " of " + numbered(around.targets) + " targets fail";
    }
    case Kind::reads:
      return "readings of " + target_name(c) + " " + read_words[static_cast<std::size_t>(reads_of(c))];
    case Kind::ready:
      return target_name(c) + (c.how % 2 == 0 ? " is ready" : " is not ready") +
             (c.how % 3 == 0 ? ", and needs " + span_words(c.span) + " after a change" : "");
    case Kind::calls:
      return "calls to " + target_name(c) + " " + call_words[c.how % 8] + " (late: " + span_words(c.span) + ")";
    case Kind::drift:
      return "somebody sets " + target_name(c) + " to " + value_for(c.who % 3, c.value);
    case Kind::writes:
      return std::string("writes ") + write_words[c.how % 3];
    case Kind::delays: {
      static constexpr std::array<const char*, 5> of{"writes", "readings", "Alertmanager", "queries", "calls"};
      Delays delays;
      set_delay(delays, c);
      const core::Duration span = delays.disk + delays.read + delays.ask + delays.query + delays.call;
      return std::string(of[c.who % 5]) + " take " + span_words(span);
    }
    case Kind::query:
      return "queue_length is " + (c.how % 6 == 0 ? "not to be had" : numbered(value_of(c)));
    case Kind::approve:
      return "approval by " + ordered;
    case Kind::reject:
      return "rejection by " + ordered;
    case Kind::pause:
      return "pause by " + ordered + (order.lasts ? " for " + span_words(*order.lasts) : "");
    case Kind::resume:
      return "resumption by " + ordered;
    case Kind::rearm:
      return "rearming by " + ordered;
    case Kind::reload:
      return "reload:\n" + words(settings_of(c.value));
    case Kind::crash:
      return "crash, " + numbered(c.how % 4) + " waiting writes are kept, calls " +
             (c.value % 2 == 0 ? "go on" : "end with it") + (c.how == 7 ? ", and a start without a journal" : "");
    case Kind::restart:
      return c.how % 2 == 0 ? "a stop that waits for nothing, and a start" : "a stop, and a start";
  }
  return {};
}

std::optional<Violation> play(const Script& script, const Sabotage& sabotage, std::vector<std::string>* trace,
                              std::vector<core::ActionRecord>* rows) {
  World world(settings_of(script.settings), true, sabotage, trace != nullptr);
  for (unsigned i = 0; i < target_names.size(); ++i) world.settle_on(target_names[i], i == 1 ? "small" : "2");
  world.queries["queue_length"] = 15;
  for (const Command& command : script.commands) {
    play(world, command);
    if (world.violation()) break;
  }
  if (!world.violation()) world.calm_down();
  if (trace != nullptr) *trace = world.trace();
  if (rows != nullptr) *rows = world.rows();
  return world.violation();
}

Script shrink(Script script, const std::string& rule, const Sabotage& sabotage) {
  const auto still = [&](const Script& shorter) {
    const auto violation = play(shorter, sabotage);
    return violation && violation->rule == rule;
  };
  // Chunks, each half as long as those before; at the end one by one until none can be spared.
  std::size_t chunk = std::max<std::size_t>(script.commands.size() / 2, 1);
  for (bool spared = true; spared || chunk > 1; chunk = std::max<std::size_t>(chunk / 2, 1)) {
    spared = false;
    for (std::size_t at = 0; at < script.commands.size();) {
      Script shorter = script;
      const auto begin = shorter.commands.begin() + static_cast<std::ptrdiff_t>(at);
      const auto count = std::min(chunk, shorter.commands.size() - at);
      shorter.commands.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
      if (still(shorter)) {
        script = std::move(shorter);
        spared = true;
      } else {
        at += chunk;
      }
    }
  }
  return script;
}

std::string report(std::uint64_t seed, const Script& shrunk, const Sabotage& sabotage) {
  std::vector<std::string> trace;
  const auto violation = play(shrunk, sabotage, &trace);
  std::string text = "seed " + std::to_string(seed) + " breaks '" + (violation ? violation->rule : "nothing") +
                     "': " + (violation ? violation->words : "") + "\nwith the settings\n" +
                     words(settings_of(shrunk.settings)) + "by\n";
  for (const Command& command : shrunk.commands) text += "  " + words(command) + "\n";
  text += "which went\n";
  for (const std::string& line : trace) text += "  " + line + "\n";
  return text;
}

}  // namespace tocsin::actions::model
