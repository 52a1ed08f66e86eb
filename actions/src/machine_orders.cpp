// People: approve, reject, pause, resume, rearm.
#include <fmt/format.h>

#include <algorithm>

#include "src/machine_impl.hpp"

namespace tocsin::actions {
namespace {

using core::ActionStep;
using core::Direction;

constexpr core::Duration used_for = std::chrono::hours{30 * 24};
constexpr std::size_t max_proposals = 1'000;
constexpr std::size_t max_words = 200;

std::string said_by(const Order& order) {
  std::string words = "by " + order.by;
  if (!order.note.empty()) words.append(": ").append(order.note.substr(0, max_words));
  return words;
}

}  // namespace

void Machine::Impl::answer(Token token, bool done, std::string message) {
  emit(AnswerOrder{token, OrderResult{done, std::move(message)}});
}

void Machine::Impl::order(Token token, const Order& order) {
  if (order.by.empty()) {
    answer(token, false, "it is not known who asks");
    return;
  }
  switch (order.kind) {
    case Order::Kind::approve:
      approve(token, order);
      return;
    case Order::Kind::reject:
      reject(token, order);
      return;
    case Order::Kind::pause:
      pause(token, order, true);
      return;
    case Order::Kind::resume:
      pause(token, order, false);
      return;
    case Order::Kind::rearm:
      rearm(token, order);
      return;
  }
}

void Machine::Impl::propose(const Candidate& candidate) {
  const ActionSpec& spec = *candidate.spec;
  if (proposals.size() >= max_proposals) {
    say(candidate, ActionStep::skipped, "too many proposals wait for approval");
    return;
  }
  core::ActionRecord record;
  record.id = candidate.id;
  record.action = spec.name;
  record.target = spec.target;
  record.step = ActionStep::awaiting_approval;
  record.from = candidate.change.from;
  record.to = candidate.change.to;
  record.alert = candidate.episode.alert;
  record.direction = candidate.direction;
  record.inputs = candidate.inputs;
  const core::TimePoint lapses = now() + spec.approval_lapses;
  record.reason = fmt::format("would change {} from {} to {}: waits for approval until {} (tocsin actions approve {})",
                              spec.target, record.from, record.to, utc(lapses), record.id);
  proposals.push_back(Proposal{candidate.spec, record, lapses});
  write(std::move(record), {{History::approval_key(candidate.id), lapses}}, 0);
}

std::vector<Proposal>::iterator Machine::Impl::proposal_of(const std::string& what) {
  return std::find_if(proposals.begin(), proposals.end(),
                      [&what](const Proposal& one) { return one.record.id == what || one.record.action == what; });
}

/// Takes a proposal off the list; `used_up`: this change is not proposed again in this episode of the alert.
void Machine::Impl::drop(const Proposal& proposal, const std::string& why, const std::string& by, bool used_up) {
  core::ActionRecord record = proposal.record;
  std::erase_if(proposals, [&](const Proposal& one) { return one.record.id == record.id; });
  record.step = ActionStep::skipped;
  record.reason = why;
  record.by = by;
  Deadlines deadlines{{History::approval_key(record.id), now()}};
  if (used_up) deadlines.emplace_back(History::used_key(record.id), now() + used_for);
  write(std::move(record), std::move(deadlines), 0);
}

void Machine::Impl::sweep_proposals() {
  for (std::size_t i = proposals.size(); i-- > 0;) {
    const Proposal proposal = proposals[i];
    if (proposal.lapses <= now()) {
      drop(proposal, "nobody approved it in time", "", true);
    } else if (ended.contains(proposal.record.alert)) {
      drop(proposal, "the alert no longer fires", "", false);
    }
  }
  ended.clear();
}

void Machine::Impl::approve(Token token, const Order& order) {
  const auto found = proposal_of(order.what);
  if (found == proposals.end()) {
    answer(token, false, "nothing waits for approval by the name or id " + order.what);
    return;
  }
  const Proposal proposal = *found;
  const ActionSpec& spec = *proposal.spec;
  const auto& allowed = spec.approvers;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), order.by) == allowed.end()) {
    answer(token, false, fmt::format("{} may not approve {}: {} may", order.by, spec.name, fmt::join(allowed, ", ")));
    return;
  }
  const auto alert = firing.find(proposal.record.alert);
  if (alert == firing.end()) {
    answer(token, false, "the alert does not fire at the moment: " + proposal.record.alert);
    return;
  }
  const Episode episode = episode_of(alert->second);
  Situation now_is = situation(spec, proposal.record.direction, episode, Stage::proposal);
  now_is.busy = busy(spec.target);
  if (const auto against = obstacles(now_is); !against.empty()) {
    answer(token, false, "not now: " + against.front());
    return;
  }
  proposals.erase(proposal_of(proposal.record.id));
  considerations.erase(spec.target);  // what is being thought about there is decided by this
  core::ActionRecord record = proposal.record;
  record.by = order.by;
  record.reason = "approved " + said_by(order);
  const std::string message = fmt::format("approved: {} from {} to {}", spec.target, record.from, record.to);
  begin(proposal.spec, std::move(record), episode);
  orders[runs.at(spec.target).token] = Asked{token, message, {}};
}

void Machine::Impl::reject(Token asked, const Order& order) {
  const auto found = proposal_of(order.what);
  if (found == proposals.end()) {
    answer(asked, false, "nothing waits for approval by the name or id " + order.what);
    return;
  }
  const Proposal proposal = *found;
  drop(proposal, "rejected " + said_by(order), order.by, true);
  auto* const row = std::get_if<Write>(&effects.back());
  row->token = token();
  orders[row->token] =
      Asked{asked, fmt::format("rejected: {} stays at {}", proposal.record.target, proposal.record.from), {}};
}

/// A row that says what a person did, with its deadlines; the answer follows when it is on disk. A pause holds at once,
/// what ends one not before.
void Machine::Impl::note_order(Token asked, const Order& order, core::ActionRecord record, Deadlines deadlines,
                               std::string message) {
  record.id = run_id(record.action, record.target, Episode{"ordered", now()}, record.reason, order.by,
                     static_cast<unsigned>(last_token));
  record.step = ActionStep::ordered;
  record.by = order.by;
  if (!journal) {
    write(std::move(record), std::move(deadlines), 0);
    answer(asked, true, message + " (until tocsin stops: there is no data folder to write it down)");
    return;
  }
  const Token row = token();
  if (order.kind == Order::Kind::pause) {
    orders[row] = Asked{asked, std::move(message), {}};
    write(std::move(record), std::move(deadlines), row);
    return;
  }
  orders[row] = Asked{asked, std::move(message), deadlines};
  record.at = now();
  emit(Write{row, std::move(record), std::move(deadlines)});
}

void Machine::Impl::pause(Token asked, const Order& order, bool on) {
  core::ActionRecord record;
  if (!order.what.empty()) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const Spec& one) { return one->name == order.what; });
    if (spec == specs.end()) {
      answer(asked, false, "there is no action called " + order.what);
      return;
    }
    record.action = order.what;
    record.target = (*spec)->target;
  }
  std::string what = order.what.empty() ? "all actions" : order.what;
  if (order.direction) what.append(", going ").append(core::to_string(*order.direction));
  Deadlines deadlines;
  if (on) {
    const core::TimePoint until = order.lasts ? now() + *order.lasts : for_good();
    deadlines.emplace_back(pause_key(order.what, order.direction), until);
    record.reason = fmt::format("{}: paused{} {}", what, order.lasts ? " until " + utc(until) : "", said_by(order));
    note_order(asked, order, std::move(record), std::move(deadlines),
               fmt::format("paused: {}{}", what, order.lasts ? " until " + utc(until) : ""));
    return;
  }
  // Without a direction both are meant, however they were paused.
  deadlines.emplace_back(pause_key(order.what, order.direction), now());
  if (!order.direction) {
    deadlines.emplace_back(pause_key(order.what, Direction::up), now());
    deadlines.emplace_back(pause_key(order.what, Direction::down), now());
  }
  record.reason = fmt::format("{}: resumed {}", what, said_by(order));
  note_order(asked, order, std::move(record), std::move(deadlines), "resumed: " + what);
}

void Machine::Impl::rearm(Token asked, const Order& order) {
  const auto spec = std::find_if(specs.begin(), specs.end(), [&](const Spec& one) { return one->name == order.what; });
  if (spec == specs.end()) {
    answer(asked, false, "there is no action called " + order.what);
    return;
  }
  core::ActionRecord record;
  record.action = (*spec)->name;
  record.target = (*spec)->target;
  record.reason = "the breaker was closed " + said_by(order);
  note_order(asked, order, std::move(record), {{History::rearmed_key(order.what), now()}},
             "rearmed: what failed before no longer counts for " + order.what);
}

}  // namespace tocsin::actions
