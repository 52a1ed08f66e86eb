// From an alert that fires to a change that may be made: what asks for it, what is read and asked, who wins, and why
// nothing is done.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "src/change.hpp"
#include "src/machine_impl.hpp"
#include "src/placeholders.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::Direction;

constexpr core::Duration soon = std::chrono::seconds{15};  // where only the memory is asked again
constexpr core::Duration later = std::chrono::minutes{1};  // where the platform is
constexpr core::Duration shortest_look = std::chrono::seconds{1};

std::optional<std::int64_t> rank(const Candidate& candidate, const std::string& value) {
  const auto place = place_of(*candidate.spec, value);
  if (!place) return std::nullopt;
  return *place;
}

/// The one that ends highest among those of its kind; of different kinds the one that is configured first. Going down,
/// that is the most careful one.
std::size_t best_of(const std::vector<Candidate>& candidates) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    const Candidate& other = candidates[best];
    const bool same_kind = one.spec->count.has_value() == other.spec->count.has_value();
    if (same_kind && rank(one, one.change.to) > rank(other, other.change.to)) best = i;
  }
  return best;
}

bool needs_query(const ActionSpec& spec) { return spec.count && spec.count->target_value && !spec.count->of.empty(); }

}  // namespace

const core::Alert* Machine::Impl::strongest(const ActionSpec& spec, Direction direction) const {
  const core::Alert* found = nullptr;
  for (const auto& [labels, alert] : firing) {
    const bool asks =
        direction == Direction::up ? asks_for_more(spec, alert.labels) : asks_for_less(spec, alert.labels);
    if (!asks) continue;
    const bool divides = spec.count && spec.count->target_value;
    // One that says something about now goes before one that does not.
    const auto goes_before = [&](const core::Alert& other) {
      const bool speaks = against_data(alert, now()).empty();
      return speaks != against_data(other, now()).empty() ? speaks : divides && alert.value > other.value;
    };
    if (found == nullptr || goes_before(*found)) found = &alert;
  }
  return found;
}

/// Whether every action on the target says that less would do, by data of now, and none asks for more.
bool Machine::Impl::all_agree_to_less(const std::string& target) const {
  return std::all_of(specs.begin(), specs.end(), [&](const Spec& spec) {
    if (spec->target != target) return true;
    const core::Alert* const less = strongest(*spec, Direction::down);
    return strongest(*spec, Direction::up) == nullptr && less != nullptr && against_data(*less, now()).empty();
  });
}

std::string Machine::Impl::busy(const std::string& target) const {
  const auto run = runs.find(target);
  if (run == runs.end()) return {};
  if (run->second.record.step == ActionStep::unknown)
    return "a run of " + run->second.record.action + " on " + target + " has an unknown end, it is read back";
  return "a run of " + run->second.record.action + " on " + target + " is under way";
}

std::vector<Candidate> Machine::Impl::candidates(const std::string& target) const {
  std::vector<Candidate> found;
  const auto add = [&](const Spec& spec, Direction direction) {
    const core::Alert* const alert = strongest(*spec, direction);
    if (alert == nullptr) return;
    Candidate candidate;
    candidate.spec = spec;
    candidate.direction = direction;
    candidate.episode = episode_of(*alert);
    candidate.labels = alert->labels;
    found.push_back(std::move(candidate));
  };
  for (const Spec& spec : specs) {
    if (spec->target == target) add(spec, Direction::up);
  }
  if (!found.empty() || !all_agree_to_less(target)) return found;  // up beats down
  for (const Spec& spec : specs) {
    if (spec->target == target) add(spec, Direction::down);
  }
  return found;
}

void Machine::Impl::consider(const std::string& target) {
  if (considerations.contains(target)) {
    look_again(target, shortest_look);
    return;
  }
  std::vector<Candidate> open;
  for (Candidate& candidate : candidates(target)) {
    say(candidate, ActionStep::proposed,
        candidate.direction == Direction::up ? "the alert fires" : "less would do: the alert fires");
    Situation now_is = situation(*candidate.spec, candidate.direction, candidate.episode, Stage::proposal);
    now_is.busy = busy(target);
    if (const auto waits = proposal_of(candidate.spec->name); now_is.busy.empty() && waits != proposals.end())
      now_is.busy = "it waits for approval until " + utc(waits->lapses);
    // Whether more is wanted than before is known once it was read.
    now_is.more_than_before = may_preempt(*candidate.spec, last_growth(*candidate.spec),
                                          std::numeric_limits<std::int64_t>::max(), moment.now);
    if (const auto against = obstacles(now_is); !against.empty()) {
      say(candidate, ActionStep::skipped, against.front());
      look_again(target, soon);
      continue;
    }
    open.push_back(std::move(candidate));
  }
  if (open.empty()) return;
  std::reverse(open.begin(), open.end());  // the last is learnt about first
  considerations[target].open = std::move(open);
  learn(target);
}

/// Asks for what is still to be known of the candidate in turn.
void Machine::Impl::learn(const std::string& target) {
  Consideration& all = considerations.at(target);
  while (!all.open.empty()) {
    Candidate& candidate = all.open.back();
    if (!candidate.reading) {
      all.token = token();
      waiting[all.token] = target;
      emit(Read{all.token, candidate.spec, candidate.labels});
      return;
    }
    if (*candidate.reading && needs_query(*candidate.spec) && !candidate.value) {
      all.token = token();
      waiting[all.token] = target;
      emit(Query{all.token, candidate.spec->count->of});
      return;
    }
    Candidate known = std::move(candidate);
    all.open.pop_back();
    if (work_out(known)) {
      all.chosen.push_back(std::move(known));
    } else if (known.direction == Direction::down) {
      all.against = known.spec->name;
    }
  }
  choose(target);
}

void Machine::Impl::take_reading(const std::string& target, core::Result<Reading> reading) {
  Candidate& candidate = considerations.at(target).open.back();
  if (reading) adopt(*candidate.spec, *reading);
  candidate.reading = std::move(reading);
  learn(target);
}

void Machine::Impl::take_value(const std::string& target, core::Result<double> value) {
  considerations.at(target).open.back().value = std::move(value);
  learn(target);
}

/// A value that is neither what was set nor what was found last: somebody else has changed it. That is taken as it is.
void Machine::Impl::adopt(const ActionSpec& spec, const Reading& reading) {
  present[spec.name] = reading.value;
  const History::Known* const known = last_known(spec);
  if (known == nullptr || known->value == reading.value || !journal) return;
  core::ActionRecord record;
  record.id = run_id(spec.name, spec.target, Episode{"adopted", now()}, known->value, reading.value, 0);
  record.action = spec.name;
  record.target = spec.target;
  record.step = ActionStep::adopted;
  record.from = known->value;
  record.to = reading.value;
  record.reason = "somebody else changed it from " + known->value + " to " + reading.value + ": adopted";
  windows.erase({spec.name, Direction::up});
  windows.erase({spec.name, Direction::down});
  write(std::move(record), {}, 0);
}

/// What would change; false, and it is said why, if nothing would.
bool Machine::Impl::work_out(Candidate& candidate) {
  const ActionSpec& spec = *candidate.spec;
  const auto nothing = [&](const std::string& why, core::Duration again) {
    say(candidate, ActionStep::skipped, why);
    look_again(spec.target, again);
    return false;
  };
  Stabilization& window = windows[{spec.name, candidate.direction}];
  if (const std::string why = against_reading(*candidate.reading); !why.empty()) {
    window.clear();
    return nothing(why, later);
  }
  Situation now_is = situation(spec, candidate.direction, candidate.episode, Stage::proposal);
  std::optional<double> value;
  if (now_is.alert != nullptr) value = now_is.alert->value;
  if (candidate.value) {
    if (!*candidate.value) {
      window.clear();
      return nothing("the value of " + spec.count->of + " could not be had: " + candidate.value->error().detail, later);
    }
    value = **candidate.value;
  }
  const std::string& read = (*candidate.reading)->value;
  candidate.inputs = fmt::format("present={} value={}", read, value ? fmt::format("{:.6g}", *value) : "none");
  const auto place = place_of(spec, read);
  if (!place) return nothing(place.error().detail, later);
  const auto wanted = wanted_place(spec, candidate.direction, *place, value);
  at_end.erase(spec.name);
  if (!wanted) {
    if (candidate.direction == Direction::up && wanted.error().outcome == core::Outcome::limit)
      at_end.insert(spec.name);
    window.clear();
    return nothing(wanted.error().detail, later);
  }
  const core::Duration span = candidate.direction == Direction::up ? spec.stabilization_up : spec.stabilization_down;
  const auto steady = window.observe(candidate.direction, *wanted, span, now());
  candidate.inputs += fmt::format(" wanted={}", *wanted);
  if (!steady)
    return nothing("it is watched for " + seconds(span) + " first (stabilization)",
                   std::clamp(span / 8, shortest_look, soon));
  candidate.inputs += fmt::format(" steady={}", *steady);
  const auto change = change_towards(spec, candidate.direction, *place, *steady);
  if (!change) return nothing(change.error().detail, soon);
  candidate.change = *change;
  now_is.more_than_before = may_preempt(spec, last_growth(spec), *steady, now());
  if (const auto against = obstacles(now_is); !against.empty()) return nothing(against.front(), soon);
  auto id = free_id(candidate, *change);
  if (!id) return nothing(id.error().detail, later);
  candidate.id = std::move(*id);
  if (const std::string why = out_of_bounds(spec, candidate.direction, *change); !why.empty())
    return nothing(why, later);
  const Placeholders values{change->from, change->to, spec.target, candidate.id, 1, candidate.labels};
  if (const std::string why = unfit(spec, spec.set, values); !why.empty()) return nothing(why, later);
  return true;
}

/// The id of a run that was not begun yet, or why there is none.
core::Result<std::string> Machine::Impl::free_id(const Candidate& candidate, const Change& change) const {
  const auto none = [](std::string why) {
    return core::Failure{core::Outcome::unexpected, core::Phase::none, std::move(why)};
  };
  for (unsigned attempt = 0; attempt < 64; ++attempt) {
    std::string id =
        run_id(candidate.spec->name, candidate.spec->target, candidate.episode, change.from, change.to, attempt);
    if (history.not_before(History::used_key(id)))
      return none("this change was rejected, or nobody approved it, in this episode of the alert");
    const core::ActionRecord* const before = history.run(id);
    if (before == nullptr) return id;
    // Only a run that is known to have changed nothing may be followed by another.
    if (before->step != ActionStep::failed)
      return none("this change was made in this episode of the alert already (" +
                  std::string(core::to_string(before->step)) + ")");
  }
  return none("this change was tried 64 times in this episode of the alert");
}

void Machine::Impl::choose(const std::string& target) {
  Consideration& all = considerations.at(target);
  if (!all.against.empty()) {
    // Of several the most careful one decides, and this one would change nothing.
    for (const Candidate& one : all.chosen) {
      if (one.spec->name != all.against)
        say(one, ActionStep::skipped, "not all want less: " + all.against + " stays where it is");
    }
    all.chosen.clear();
  }
  while (!all.chosen.empty()) {
    std::swap(all.chosen[best_of(all.chosen)], all.chosen.back());
    const Candidate& best = all.chosen.back();
    if (best.spec->mode != Mode::shadow && journal) {
      all.token = token();
      waiting[all.token] = target;
      emit(Ask{all.token, best.labels});
      return;
    }
    say(best, ActionStep::shadow,
        fmt::format("would change {} from {} to {} ({})", target, best.change.from, best.change.to,
                    journal ? "mode shadow" : "there is no data folder to write it down"));
    all.chosen.pop_back();
  }
  considerations.erase(target);
}

void Machine::Impl::take_suppression(const std::string& target, const core::Suppression& suppression) {
  Consideration& all = considerations.at(target);
  const Candidate best = std::move(all.chosen.back());
  all.chosen.pop_back();
  if (const std::string why = against_suppression(suppression); !why.empty()) {
    say(best, ActionStep::skipped, why);
    look_again(target, later);
    choose(target);  // the field is the next one's
    return;
  }
  for (const Candidate& other : all.chosen) {
    const bool shadow = other.spec->mode == Mode::shadow;
    say(other, shadow ? ActionStep::shadow : ActionStep::skipped,
        shadow ? fmt::format("would change {} from {} to {} (mode shadow)", target, other.change.from, other.change.to)
               : fmt::format("{} goes before: it asks for {}", best.spec->name, best.change.to));
  }
  considerations.erase(target);
  decided(target, best);
}

void Machine::Impl::decided(const std::string& target, const Candidate& candidate) {
  const Spec spec = current(*candidate.spec);
  Situation now_is = situation(*candidate.spec, candidate.direction, candidate.episode, Stage::proposal);
  now_is.busy = busy(target);
  now_is.more_than_before = may_preempt(*candidate.spec, last_growth(*candidate.spec),
                                        rank(candidate, candidate.change.to).value_or(0), moment.now);
  auto against = obstacles(now_is);
  if (!spec || spec != candidate.spec) against.insert(against.begin(), "the configuration has changed meanwhile");
  if (!against.empty()) {
    say(candidate, ActionStep::skipped, against.front());
    look_again(target, soon);
    return;
  }
  if (spec->mode == Mode::approve) {
    propose(candidate);
    return;
  }
  core::ActionRecord record;
  record.id = candidate.id;
  record.action = spec->name;
  record.target = target;
  record.from = candidate.change.from;
  record.to = candidate.change.to;
  record.alert = candidate.episode.alert;
  record.reason = fmt::format("{} from {} to {}", target, record.from, record.to);
  record.direction = candidate.direction;
  record.inputs = candidate.inputs;
  begin(spec, std::move(record), candidate.episode);
}

void Machine::Impl::look_again(const std::string& target, core::Duration in) {
  core::TimePoint when = now() + in;
  for (const Direction direction : {Direction::up, Direction::down}) {
    const auto until = history.not_before(History::cooldown_key(direction, target));
    if (until && *until > now()) when = std::min(when, *until);
  }
  const auto [known, fresh] = looks.try_emplace(target, when);
  if (!fresh) known->second = std::min(known->second, when);
}

}  // namespace tocsin::actions
