#include "actions/model_world.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr core::Duration telling = minutes(1);     // between two tellings of an alert that fires
constexpr core::Duration believable = minutes(4);  // for how long one is worth
constexpr unsigned most_at_once = 5'000;           // events of one moment

core::Labels labels_of(const std::string& name) {
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) return core::Labels{{"alertname", name}, {"job", "one"}};
  return core::Labels{{"alertname", name.substr(0, slash)}, {"job", name.substr(slash + 1)}};
}

core::Failure failure(std::string why) {
  return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
}

std::string words(const core::ActionRecord& row) {
  return row.action + " " + std::string(core::to_string(row.step)) +
         (row.from.empty() ? "" : " " + row.from + " -> " + row.to) + ": " + row.reason +
         (row.inputs.empty() ? "" : " [" + row.inputs + "]");
}

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string clock_words(core::TimePoint at) {
  const std::int64_t all = core::to_millis(at) - 1'700'000'000'000;
  std::string text = std::to_string(all / 60'000) + "m";
  text += std::to_string(all / 1000 % 60);
  text += "s";
  if (all % 1000 != 0) text += std::to_string(all % 1000) + "ms";
  return text;
}

World::World(Settings settings, bool with_journal, Sabotage sabotage, bool traced)
    : journal(with_journal), settings_(std::move(settings)), sabotage_(std::move(sabotage)), traced_(traced) {
  referee_.time_is(now_);
  start();
}

void World::note(const std::function<std::string()>& words) {
  if (traced_) trace_.push_back(clock_words(now_) + "  " + words());
}

void World::start() {
  ++life_;
  Settings settings = settings_;
  if (sabotage_.settings) sabotage_.settings(settings);
  state::Remembered remembered = journal ? disk_.remembered() : state::Remembered();
  if (sabotage_.remembered) sabotage_.remembered(remembered);
  referee_.life_begins(settings_, journal);
  note([] { return std::string("-- a process starts"); });
  machine_ = std::make_unique<Machine>(std::move(settings), remembered, journal, now_);
  give(Tick{});
}

void World::later(core::Duration delay, Deed deed, bool of_this_life) {
  due_.emplace(now_ + delay, std::pair(of_this_life ? life_ : 0, std::move(deed)));
}

void World::give(Event event, const core::ActionRecord* written) {
  Moment at = moment();
  if (sabotage_.moment) sabotage_.moment(at);
  std::vector<Effect> effects = machine_->step(std::move(event), at);
  if (sabotage_.effects) sabotage_.effects(effects);
  const auto unheard = [](const Waiting& one) { return one.write.token == 0; };
  const auto rows = static_cast<std::size_t>(std::count_if(writing_.begin(), writing_.end(), unheard));
  referee_.effects(effects.size(), due_.size() - std::min(rows, due_.size()));
  for (Effect& effect : effects) carry_out(effect, written);
}

void World::carry_out(Effect& effect, const core::ActionRecord* written) {
  std::visit(Overloaded{[&](Write& write) { begin(write); },  //
                        [&](Read& read) { begin(read); },
                        [&](Query& query) {
                          const std::uint64_t asked = referee_.asks_now();
                          later(delays.query, [this, query, asked] {
                            const auto known = queries.find(query.expression);
                            core::Result<double> value = failure("no series");
                            if (known != queries.end() && known->second) value = *known->second;
                            referee_.was_queried(query.expression, value, asked);
                            give(WasQueried{query.token, value});
                          });
                        },
                        [&](Ask& ask) {
                          const std::uint64_t asked = referee_.asks_now();
                          later(delays.ask, [this, ask, asked] {
                            core::Suppression answer{core::Suppression::State::none, {}, ""};
                            for (const auto& [name, one] : alerts_) {
                              if (one.alert.labels == ask.labels) answer = one.suppression;
                            }
                            referee_.was_asked(ask.labels, answer, asked);
                            note([&] {
                              return "Alertmanager says " + std::to_string(static_cast<int>(answer.state)) + " of " +
                                     ask.labels.to_string();
                            });
                            if (sabotage_.suppressed) sabotage_.suppressed(answer);
                            give(WasAsked{ask.token, answer});
                          });
                        },
                        [&](MakeChange& make) { begin(make, written); },
                        [&](AnswerOrder& answer) {
                          note([&] {
                            return std::string(answer.result.done ? "order done: " : "order refused: ") +
                                   answer.result.message;
                          });
                          answers.push_back(answer.result);
                          referee_.answered(answer.token, answer.result);
                        }},
             effect);
}

void World::begin(Write& write) {
  note([&] { return words(write.record); });
  rows_.push_back(write.record);
  referee_.wrote(write);
  if (!journal) {
    if (write.token != 0) {
      later(core::Duration(0), [this, token = write.token] { give(Written{token, "there is no journal"}); });
    }
    return;
  }
  const core::TimePoint before = writing_.empty() ? now_ : writing_.back().due;
  const core::TimePoint due = std::max(before, now_ + delays.disk);
  writing_.push_back({std::move(write), due});
  later(due - now_, [this] { write_next(); });
}

void World::write_next() {
  const Waiting next = std::move(writing_.front());
  writing_.pop_front();
  if (writes != Writes::fails) disk_.add(next.write.record, next.write.not_before);
  std::optional<std::string> problem;
  if (writes != Writes::well) problem = "the disk is full";
  if (problem) note([&] { return "not written: " + words(next.write.record); });
  if (next.write.token != 0) give(Written{next.write.token, problem}, problem ? nullptr : &next.write.record);
}

core::Result<Reading> World::look(const std::string& target) const {
  const auto found = platforms_.find(target);
  if (found == platforms_.end()) return failure("there is no such target");
  const Platform& platform = found->second;
  switch (platform.reads) {
    case Reads::fails:
      return failure("exit 1");
    case Reads::hangs:
      return failure("timed out");
    case Reads::junk:
      return Reading{"<html>", true, "", ""};
    case Reads::stale:
      return Reading{platform.before.empty() ? platform.value : platform.before, true, "", "0"};
    case Reads::well:
      break;
  }
  return Reading{platform.value, platform.ready, platform.ready ? "" : "modifying instead of available",
                 std::to_string(platform.version)};
}

void World::begin(const Read& read) {
  const std::uint64_t asked = referee_.asks_now();
  const std::string target = read.spec->target;
  const bool hangs = platforms_[target].reads == Reads::hangs;
  later(hangs ? read.spec->timeout : delays.read, [this, target, asked, token = read.token] {
    core::Result<Reading> reading = look(target);
    referee_.was_read(target, reading, asked);
    note([&] {
      return target +
             " is read: " + (reading ? reading->value + (reading->ready ? "" : ", not ready") : reading.error().detail);
    });
    if (reading && sabotage_.reading) sabotage_.reading(*reading);
    give(WasRead{token, std::move(reading)});
  });
}

void World::apply(const std::string& target, const std::string& value) {
  Platform& platform = platforms_[target];
  note([&] { return target + " becomes " + value; });
  platform.before = platform.value;
  platform.value = value;
  ++platform.version;
  if (platform.settles > core::Duration(0)) {
    platform.ready = false;
    later(
        platform.settles, [this, target] { platforms_[target].ready = true; }, false);
  }
}

void World::begin(const MakeChange& make, const core::ActionRecord* written) {
  const std::string target = make.spec->target;
  const std::string id = make.permit.id();
  const std::string to = make.permit.change().to;
  note([&] { return "CALL of " + make.spec->name + ": " + target + " " + make.permit.change().from + " -> " + to; });
  made_.push_back(target + " " + make.permit.change().from + " -> " + to);
  referee_.makes(make, moment(), written);

  const Platform& platform = platforms_[target];
  const bool conflict = !make.permit.version().empty() && make.permit.version() != std::to_string(platform.version);
  const Calls calls = conflict ? Calls::refused : platform.calls;
  const auto end = [this, id, token = make.token](core::Duration delay, CallEnd::How how, std::string text) {
    later(delay, [this, id, token, how, text = std::move(text)] {
      note([&] { return "the call ends: " + text; });
      referee_.call_ended(id);
      give(CallEnded{token, CallEnd{how, text}});
    });
  };
  // What the platform does by itself goes on after a crash, unless the crash takes it along.
  const auto does = [this, target, life = life_](core::Duration delay, std::string value) {
    const auto deed = [this, target, life, value = std::move(value)] {
      if (life == life_ || calls_go_on_) apply(target, value);
    };
    later(delay, deed, false);
  };
  const core::Duration timeout = make.spec->timeout;
  const core::Duration taken = std::min(delays.call, timeout);
  const bool rung = !make.spec->ladder.empty();
  switch (calls) {
    case Calls::well:
      does(taken, to);
      return end(taken, CallEnd::How::done, "exit 0");
    case Calls::late:
      does(taken + platform.late, to);
      return end(taken, CallEnd::How::done, "exit 0");
    case Calls::nothing:
      return end(taken, CallEnd::How::done, "exit 0");
    case Calls::other:
      does(taken, rung ? make.spec->ladder.back() : "7");
      return end(taken, CallEnd::How::done, "exit 0");
    case Calls::refused:
      return end(taken, CallEnd::How::refused, "exit 1: no");
    case Calls::unclear_done:
      does(timeout / 2, to);
      return end(timeout, CallEnd::How::unclear, "timed out");
    case Calls::unclear_late:
      does(timeout + platform.late, to);
      return end(timeout, CallEnd::How::unclear, "timed out");
    case Calls::unclear_nothing:
      return end(timeout, CallEnd::How::unclear, "timed out");
  }
}

// Everything that is due now, and what comes of it.
void World::pump() {
  unsigned count = 0;
  while (!violation()) {
    const auto next = due_.begin();
    if (next != due_.end() && next->first <= now_) {
      const auto [life, deed] = std::move(next->second);
      due_.erase(next);
      if (life == 0 || life == life_) deed();
    } else if (!tick()) {
      return;
    }
    if (++count > most_at_once) referee_.complain("bounded", "it does not come to rest");
  }
}

/// A Tick if one is due. After it, none may be due at the same time unless it did something.
bool World::tick() {
  const auto look = machine_->next_look();
  if (!look || *look > now_) return false;
  give(Tick{});
  return true;
}

void World::advance(core::Duration span) {
  const core::TimePoint until = now_ + span;
  pump();
  while (now_ < until && !violation()) {
    core::TimePoint next = std::min(until, next_telling_);
    if (!due_.empty()) next = std::min(next, due_.begin()->first);
    if (const auto look = machine_->next_look()) next = std::min(next, *look);
    now_ = std::max(now_, next);
    referee_.time_is(now_);
    if (now_ >= next_telling_) {
      next_telling_ = now_ + telling;
      tell();
    }
    pump();
  }
}

TheAlert& World::alert(const std::string& name) {
  TheAlert& one = alerts_[name];
  if (one.alert.labels.empty()) {
    one.alert.labels = labels_of(name);
    one.alert.rule = name;
  }
  return one;
}

void World::tell_one(const TheAlert& one, core::AlertChange::Kind kind) {
  core::AlertChange change{kind, one.alert, now_, ++number_};
  change.alert.valid_until = now_ + believable;
  referee_.told(change);
  if (sabotage_.alert) sabotage_.alert(change.alert);
  note([&] {
    return std::string(core::to_string(kind)) + " " + one.alert.labels.to_string() + " = " +
           std::to_string(one.alert.value) + (one.alert.held ? " held" : "") +
           (one.alert.keep_firing_since ? " kept" : "");
  });
  AlertsTold told;
  told.changes.push_back(std::move(change));
  give(std::move(told));
}

void World::fire(const std::string& name, double value) {
  TheAlert& one = alert(name);
  one.alert.value = value;
  const bool anew = !one.fires;
  if (anew) {
    one.fires = true;
    one.alert.state = core::AlertState::firing;
    one.alert.active_at = now_;
    one.alert.fired_at = now_;
    one.alert.resolved_at.reset();
    one.alert.keep_firing_since.reset();
    one.alert.held = false;
  }
  if (one.told_on) tell_one(one, anew ? core::AlertChange::Kind::firing : core::AlertChange::Kind::repeated);
  pump();
}

void World::resolve(const std::string& name) {
  TheAlert& one = alert(name);
  if (!one.fires) return;
  one.fires = false;
  one.alert.state = core::AlertState::inactive;
  one.alert.resolved_at = now_;
  one.alert.keep_firing_since.reset();
  if (one.told_on) tell_one(one, core::AlertChange::Kind::resolved);
  pump();
}

void World::tell() {
  for (const auto& [name, one] : alerts_) {
    if (one.fires && one.told_on && !violation()) tell_one(one, core::AlertChange::Kind::repeated);
  }
  pump();
}

void World::drift(const std::string& target, const std::string& value) {
  apply(target, value);
  pump();
}

void World::settle_on(const std::string& target, const std::string& value) { platforms_[target].value = value; }

void World::order(Order order) {
  const Token token = next_order_++;
  note([&] {
    return order.by + " orders " + std::to_string(static_cast<int>(order.kind)) + " of '" + order.what + "'";
  });
  referee_.ordered(token, order);
  give(Ordered{token, std::move(order)});
  pump();
}

void World::reload(Settings settings) {
  settings_ = std::move(settings);
  referee_.reloaded(settings_);
  note([] { return std::string("-- reloaded"); });
  Settings told = settings_;
  if (sabotage_.settings) sabotage_.settings(told);
  give(Reconfigured{std::move(told)});
  pump();
}

void World::crash(std::size_t kept, bool calls_go_on) {
  note([] { return std::string("-- crash"); });
  machine_.reset();
  for (; kept > 0 && !writing_.empty() && writes != Writes::fails; --kept) {
    disk_.add(writing_.front().write.record, writing_.front().write.not_before);
    writing_.pop_front();
  }
  writing_.clear();
  calls_go_on_ = calls_go_on;
  start();
  pump();
}

void World::restart(bool abandoned) {
  note([] { return std::string("-- stop"); });
  referee_.stopping();
  give(Stopping{false});
  pump();
  if (abandoned) {
    give(Stopping{true});
    pump();
  } else {
    advance(minutes(2));
  }
  crash(writing_.size());
}

void World::calm_down() {
  note([] { return std::string("-- all is calm from here on"); });
  writes = Writes::well;
  delays = Delays();
  around = Surroundings{false, 20, 0};
  journal = true;
  for (auto& [target, platform] : platforms_) {
    platform.reads = Reads::well;
    platform.calls = Calls::well;
    platform.settles = core::Duration(0);
    platform.ready = true;
  }
  for (auto& [expression, value] : queries) value = 1;
  for (auto& [name, one] : alerts_) {
    one.told_on = true;
    one.suppression = core::Suppression{core::Suppression::State::none, {}, ""};
    resolve(name);
  }
  advance(hours(3));
  if (!violation()) crash(0);
  advance(hours(3));
  if (!violation()) referee_.judge_the_end(machine_->status(now_));
}

std::string World::steps(const std::string& action) const {
  std::string text;
  for (const core::ActionRecord& row : rows_) {
    if (!action.empty() && row.action != action) continue;
    if (!text.empty()) text += ' ';
    text += core::to_string(row.step);
  }
  return text;
}

core::ActionRecord World::last(const std::string& action, std::optional<ActionStep> step) const {
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
    if ((action.empty() || row->action == action) && (!step || row->step == *step)) return *row;
  }
  return {};
}

ActionStatus World::status(const std::string& action) const {
  for (ActionStatus& one : machine_->status(now_)) {
    if (one.name == action) return one;
  }
  return {};
}

Plan World::plan(const std::string& action) {
  std::vector<PlanInput> learnt;
  for (const PlanNeed& need : machine_->plan_needs(moment())) {
    PlanInput input{need.spec->name, look(need.spec->target), std::nullopt, std::nullopt};
    if (!need.query.empty()) {
      const auto known = queries.find(need.query);
      if (known != queries.end() && known->second) {
        input.value = core::Result<double>(*known->second);
      } else {
        input.value = core::Result<double>(failure("no series"));
      }
    }
    if (need.labels) {
      input.suppression = core::Suppression{core::Suppression::State::none, {}, ""};
      for (const auto& [name, one] : alerts_) {
        if (one.alert.labels == *need.labels) input.suppression = one.suppression;
      }
    }
    learnt.push_back(std::move(input));
  }
  for (Plan& one : machine_->plan(learnt, moment())) {
    if (one.action == action) return one;
  }
  return {};
}

}  // namespace tocsin::actions::model
