#include "actions/model_referee.hpp"

#include <algorithm>

#include "tocsin/core/matcher.hpp"

namespace tocsin::actions::model {
namespace {

using core::ActionStep;
using core::Direction;

constexpr std::size_t max_effects = 64;  // of one step
constexpr std::size_t max_waiting = 64;  // answers that are waited for

std::string seconds(core::Duration span) { return std::to_string(span.count() / 1000) + " s"; }

}  // namespace

bool settled(ActionStep step) {
  return step == ActionStep::effective || step == ActionStep::ineffective || step == ActionStep::failed ||
         step == ActionStep::skipped;
}

const ActionSpec* spec_of(const Settings& settings, const std::string& name) {
  for (const ActionSpec& spec : settings.actions) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::string words(const Change& change) { return change.from + " -> " + change.to; }

void Disk::add(const core::ActionRecord& record, const Deadlines& deadlines) {
  rows.push_back(record);
  for (const auto& [key, at] : deadlines) not_before[key] = at;
}

bool Disk::has(const std::string& id, ActionStep step) const {
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.id == id && row.step == step; });
}

const core::ActionRecord* Disk::last(const std::string& id) const {
  const auto row = std::find_if(rows.rbegin(), rows.rend(), [&](const auto& one) { return one.id == id; });
  return row == rows.rend() ? nullptr : &*row;
}

state::Remembered Disk::remembered() const {
  state::Remembered all;
  std::set<std::string> seen;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->step == ActionStep::started || row->step == ActionStep::succeeded || row->step == ActionStep::adopted)
      all.changes.push_back(*row);
    if (!seen.insert(row->id).second) continue;
    if (row->step != ActionStep::proposed && row->step != ActionStep::shadow && row->step != ActionStep::skipped &&
        row->step != ActionStep::ordered)
      all.last_steps.push_back(*row);
  }
  all.not_before.assign(not_before.begin(), not_before.end());
  return all;
}

bool asks_up(const ActionSpec& spec, const core::Labels& labels) {
  return labels.get("alertname") == spec.when_alert && core::matches_all(spec.when, labels);
}
bool asks_down(const ActionSpec& spec, const core::Labels& labels) {
  return spec.down && labels.get("alertname") == spec.down->when_alert && core::matches_all(spec.down->when, labels);
}

std::string pause_key(const Order& order) {
  const std::string direction = order.direction ? std::string(core::to_string(*order.direction)) : "";
  if (order.what.empty()) return "pause/" + (direction.empty() ? "all" : direction);
  return "pause/action/" + order.what + (direction.empty() ? "" : "/" + direction);
}

void Referee::complain(std::string rule, std::string what) {
  if (!violation_) violation_ = Violation{std::move(rule), std::move(what)};
}

void Referee::life_begins(const Settings& settings, bool journal) {
  settings_ = std::make_shared<const Settings>(settings);
  journal_ = journal;
  stopping_ = false;
  told_.clear();
  fires_since_.clear();
  readings_.clear();
  suppressions_.clear();
  values_.clear();
  orders_.clear();
  believed_.clear();
  deadlines_ = disk_.not_before;
  // Of an order that was under way, or said to have failed, the disk knows whether it was taken.
  std::erase_if(pauses_, [this](const auto& one) {
    const auto until = disk_.not_before.find(one.first);
    return until == disk_.not_before.end() || until->second <= now_;
  });
  for (const auto& [key, at] : disk_.not_before) {
    if (key.starts_with("rearmed/")) rearmed_[key.substr(8)] = at;
  }
  // What was only asked for and did not reach the disk was never said.
  for (auto run = runs_.begin(); run != runs_.end();) {
    const core::ActionRecord* last = disk_.last(run->first);
    if (last == nullptr) {
      run = runs_.erase(run);
      continue;
    }
    run->second.last = last->step;
    run->second.last_at = last->at;
    run->second.call_ended = true;                                                  // nobody waits for it
    if (spec_of(settings, run->second.action) == nullptr) run->second.lost = true;  // and nobody can read it back
    ++run;
  }
  for (const core::ActionRecord& row : disk_.rows) {
    if (row.step == ActionStep::succeeded || row.step == ActionStep::adopted) believed_[row.target] = row.to;
  }
}

void Referee::reloaded(const Settings& settings) { settings_ = std::make_shared<const Settings>(settings); }

void Referee::told(const core::AlertChange& change) {
  const bool fires = change.alert.state == core::AlertState::firing;
  Told& one = told_[change.alert.labels];
  if (fires && !one.fires) one.values.clear();
  one.fires = fires;
  const std::string name(change.alert.labels.get("alertname"));
  const bool any = std::any_of(told_.begin(), told_.end(), [&](const auto& pair) {
    return pair.second.fires && pair.first.get("alertname") == name;
  });
  if (any) {
    fires_since_.try_emplace(name, now_);
  } else {
    fires_since_.erase(name);
  }
  one.alert = change.alert;
  one.values.emplace_back(now_, change.alert.value);
  if (one.values.size() > 64) one.values.pop_front();
}

bool Referee::usable(const Told& one) const {
  return one.fires && !one.alert.held && !one.alert.keep_firing_since && one.alert.valid_until >= now_;
}

bool Referee::any_fires(const ActionSpec& spec, Direction direction, bool must_be_usable) const {
  return std::any_of(told_.begin(), told_.end(), [&](const auto& pair) {
    const auto& [labels, one] = pair;
    const bool asks = direction == Direction::up ? asks_up(spec, labels) : asks_down(spec, labels);
    // What nobody has confirmed for that long has ended.
    const bool fires = one.fires && one.alert.valid_until + std::chrono::minutes(5) >= now_;
    return asks && (must_be_usable ? usable(one) : fires);
  });
}

bool Referee::open_run(const std::string& target) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& pair) {
    return pair.second.target == target && pair.second.made_at && !pair.second.lost && !settled(pair.second.last);
  });
}

void Referee::was_read(const std::string& target, const core::Result<Reading>& reading, std::uint64_t asked) {
  readings_[target] = {reading, asked};
  for (auto& [id, run] : runs_) {
    // Neither what it was nor what it should be: what the run did will never be known.
    const bool neither =
        reading && reading->ready && reading->value != run.change.from && reading->value != run.change.to;
    if (run.target == target && run.made_at && run.call_ended && run.last == ActionStep::unknown && neither)
      run.lost = true;
  }
  const auto belief = believed_.find(target);
  if (!reading || belief == believed_.end() || belief->second == reading->value || open_run(target)) return;
  drifted_[target] = now_;
}
void Referee::was_asked(const core::Labels& labels, const core::Suppression& answer, std::uint64_t asked) {
  suppressions_[labels] = {answer, asked};
}
void Referee::was_queried(const std::string& expression, const core::Result<double>& value, std::uint64_t asked) {
  values_[expression] = {value ? std::optional(*value) : std::nullopt, asked};
}

Referee::Run& Referee::run_of(const core::ActionRecord& record) {
  Run& run = runs_[record.id];
  run.id = record.id;
  run.action = record.action;
  run.target = record.target;
  run.change = {record.from, record.to};
  run.direction = record.direction;
  return run;
}

void Referee::judge_claim(const Run& run) {
  if (made_.contains(run.id)) complain("one run an id", "run " + run.id + " is claimed again after its call");
  const ActionSpec* spec = spec_of(*settings_, run.action);
  const auto until = deadlines_.find("cooldown/" + std::string(core::to_string(run.direction)) + "/" + run.target);
  if (until == deadlines_.end() || until->second <= now_ || spec == nullptr) return;
  if (!may_preempt(*spec, run))
    complain("cooldown", run.action + " claims " + words(run.change) + " " + seconds(until->second - now_) +
                             " before the cooldown ends that was written down");
}

void Referee::wrote(const Write& write) {
  judge_row(write);
  for (const auto& [key, at] : write.not_before) deadlines_[key] = at;
}

void Referee::judge_row(const Write& write) {
  const core::ActionRecord& row = write.record;
  const bool says_why = row.step == ActionStep::skipped || row.step == ActionStep::failed ||
                        row.step == ActionStep::unknown || row.step == ActionStep::ineffective ||
                        row.step == ActionStep::shadow || row.step == ActionStep::proposed;
  if (says_why && row.reason.empty())
    complain("audit", row.action + " is " + std::string(core::to_string(row.step)) + " for no reason");
  if (row.step == ActionStep::adopted) {
    believed_[row.target] = row.to;
    return;
  }
  if (row.step == ActionStep::ordered || row.step == ActionStep::proposed || row.step == ActionStep::shadow) return;
  // Decisions that nothing came of have ids of their own.
  if (row.step == ActionStep::skipped && !runs_.contains(row.id)) return;

  Run& run = run_of(row);
  const bool ends = settled(row.step) || row.step == ActionStep::succeeded;
  if (run.made_at && !run.call_ended && ends)
    complain("nothing ends a call", row.action + " is " + std::string(core::to_string(row.step)) + " during its call");
  if (run.made_at && row.step == ActionStep::skipped) complain("known end", row.action + " is skipped after its call");
  if (row.step == ActionStep::awaiting_approval) {
    const auto until = std::find_if(write.not_before.begin(), write.not_before.end(),
                                    [&](const auto& one) { return one.first == "approval/" + row.id; });
    if (until == write.not_before.end()) {
      complain("approval", row.action + " waits for approval without a deadline");
    } else {
      run.lapses = until->second;
      run.approved = false;
    }
  }
  if (row.step == ActionStep::claimed) {
    run.claimed_at = now_;
    run.claimed = ++order_;
    run.settings = settings_;
    judge_claim(run);
  }
  if (row.step == ActionStep::started) run.started_at = row.at;
  if (row.step == ActionStep::succeeded) {
    run.succeeded_at = now_;
    believed_[row.target] = row.to;
  }
  run.last = row.step;
  run.last_at = row.at;
}

void Referee::ordered(Token token, const Order& order) {
  Waits waits{order, now_, {}, {}};
  if (order.kind == Order::Kind::approve || order.kind == Order::Kind::reject) {
    for (auto& [id, run] : runs_) {
      if (run.last != ActionStep::awaiting_approval || (order.what != id && order.what != run.action)) continue;
      waits.about.push_back(id);
      const ActionSpec* spec = spec_of(*settings_, run.action);
      const bool by_right =
          spec != nullptr && (spec->approvers.empty() || std::find(spec->approvers.begin(), spec->approvers.end(),
                                                                   order.by) != spec->approvers.end());
      if (order.kind == Order::Kind::approve && by_right && run.lapses && now_ <= *run.lapses) run.approved = true;
    }
  }
  if (order.kind == Order::Kind::resume) {
    // From now on until the answer it may be either. Without a direction both are meant, however they were paused.
    Order one = order;
    std::vector<std::optional<Direction>> directions{order.direction};
    if (!order.direction) directions.insert(directions.end(), {Direction::up, Direction::down});
    for (const auto& direction : directions) {
      one.direction = direction;
      if (auto pause = pauses_.extract(pause_key(one))) waits.lifted[pause.key()] = pause.mapped();
    }
  }
  orders_[token] = std::move(waits);
}

void Referee::answered(Token token, const OrderResult& result) {
  const auto found = orders_.find(token);
  if (found == orders_.end()) {
    complain("orders", "an order is answered that was not given, or twice");
    return;
  }
  const Waits waits = found->second;
  orders_.erase(found);
  const Order& order = waits.order;
  const std::string key = pause_key(order);
  switch (order.kind) {
    case Order::Kind::pause: {
      if (!result.done) break;
      const core::TimePoint until = order.lasts ? waits.at + *order.lasts : core::TimePoint::max();
      const auto on_disk = disk_.not_before.find(key);
      if (journal_ && until > now_ && (on_disk == disk_.not_before.end() || on_disk->second <= now_))
        complain("orders", "a pause was promised that is not on disk: " + key);
      pauses_[key] = until;
      break;
    }
    case Order::Kind::resume: {
      if (!result.done) pauses_.insert(waits.lifted.begin(), waits.lifted.end());
      const auto on_disk = disk_.not_before.find(key);
      if (journal_ && result.done && on_disk != disk_.not_before.end() && on_disk->second > now_)
        complain("orders", "it was resumed, but not on disk: " + key);
      break;
    }
    case Order::Kind::rearm:
      if (!result.done) break;
      if (journal_ && !disk_.not_before.contains("rearmed/" + order.what))
        complain("orders", "it was rearmed, but not on disk: " + order.what);
      rearmed_[order.what] = now_;
      break;
    case Order::Kind::approve:
      if (!result.done) break;
      if (std::none_of(waits.about.begin(), waits.about.end(), [&](const auto& id) { return runs_[id].approved; }))
        complain("approval", "an approval by " + order.by + " of " + order.what + " was taken that means nothing");
      break;
    case Order::Kind::reject:
      if (!result.done) break;
      for (const std::string& id : waits.about) runs_[id].rejected = true;
      break;
  }
}

void Referee::call_ended(const std::string& id) {
  const auto run = runs_.find(id);
  if (run != runs_.end()) run->second.call_ended = true;
}

void Referee::effects(std::size_t of_one_step, std::size_t waiting) {
  if (of_one_step > max_effects) complain("bounded", std::to_string(of_one_step) + " effects of one step");
  if (waiting > max_waiting) complain("bounded", std::to_string(waiting) + " answers are waited for");
}

void Referee::makes(const MakeChange& make, const Moment& moment, const core::ActionRecord* written) {
  const Permit& permit = make.permit;
  const std::string& id = permit.id();
  const auto found = runs_.find(id);
  if (!made_.insert(id).second) complain("one run an id", "run " + id + " is made twice");
  for (const ActionStep step : {ActionStep::claimed, ActionStep::preflight, ActionStep::started}) {
    if (!disk_.has(id, step))
      complain("on disk first",
               "run " + id + " is made before `" + std::string(core::to_string(step)) + "` is on disk");
  }
  if (found == runs_.end()) return complain("on disk first", "nothing is known of run " + id);
  Run& run = found->second;
  if (written == nullptr || written->id != id || written->step != ActionStep::started)
    complain("on disk first", "run " + id + " is made when something else happened than that `started` is on disk");
  if (run.change != permit.change()) complain("bounds", "another change is made than was written down");
  std::uint64_t& last_key = last_key_[run.target];
  if (permit.key() <= last_key) complain("fence", "the key " + std::to_string(permit.key()) + " does not grow");
  last_key = std::max(last_key, permit.key());
  if (stopping_) complain("stopping", "a change is made while stopping");
  if (!journal_) complain("shadow", "a change is made without a journal");

  // A run that was claimed before a reload may end under what it was claimed under.
  Against against = Violation{"settings", run.action + " is not configured"};
  if (const ActionSpec* spec = spec_of(*settings_, run.action); spec != nullptr)
    against = judge(*settings_, *spec, run, make, moment);
  if (against && run.settings != settings_ && run.settings) {
    if (const ActionSpec* spec = spec_of(*run.settings, run.action); spec != nullptr) {
      if (!judge(*run.settings, *spec, run, make, moment)) against.reset();
    }
  }
  if (against)
    complain(against->rule, run.action + ", " + run.target + " " + words(run.change) + ": " + against->words);
  run.made_at = now_;
  run.number = ++made_count_;
}

void Referee::judge_the_end(const std::vector<ActionStatus>& status) {
  if (!orders_.empty()) complain("orders", "an order was never answered");
  for (const auto& [id, run] : runs_) {
    if (settled(run.last)) continue;
    const bool followed = std::any_of(runs_.begin(), runs_.end(), [&](const auto& pair) {
      return pair.second.action == run.action && pair.second.claimed > run.claimed;
    });
    // It was done; the action is not configured any more, or has gone on.
    const bool unverified = run.last == ActionStep::succeeded || run.last == ActionStep::verifying;
    if (unverified && (run.lost || followed)) continue;
    const bool flagged =
        run.last == ActionStep::unknown && (run.lost || spec_of(*settings_, run.action) == nullptr ||
                                            std::any_of(status.begin(), status.end(), [&](const auto& one) {
                                              return one.id == id && one.step == ActionStep::unknown;
                                            }));
    if (!flagged)
      complain("known end", "the run of " + run.action + " (" + words(run.change) + ") is still " +
                                std::string(core::to_string(run.last)));
  }
}

}  // namespace tocsin::actions::model
