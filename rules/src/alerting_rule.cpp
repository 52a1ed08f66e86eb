#include "alerting_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "tocsin/core/duration.hpp"

namespace tocsin::rules {

AlertingRule::AlertingRule(const RuleSpec& spec, RuleMark mark, const std::string& group_id,
                           const TemplateContext& templates)
    : Rule(spec, mark),
      plan_(*spec.parsed),
      texts_(spec, templates),
      book_({spec.name, group_id, promql::to_string(*spec.parsed)}) {}

std::optional<std::string> AlertingRule::evaluate(Round& round) {
  auto answer = run(plan_, round, round.data_at);
  if (auto* error = std::get_if<std::string>(&answer)) return std::move(*error);
  auto& vector = std::get<promql::Vector>(answer);
  Judgement judgement;
  judgement.freeze_rest = round.settling;
  judgement.found.reserve(vector.size());
  std::unordered_set<std::uint64_t> seen;
  seen.reserve(vector.size());
  for (const promql::InstantSample& sample : vector) {
    Found one;
    one.value = sample.sample.value;
    one.labels = texts_.labels(sample.labels, one.value, round);
    one.annotations = texts_.annotations(sample.labels, one.value, round);
    const auto same = [&](const Found& other) { return other.labels == one.labels; };
    // Only where two hashes are the same the labels are compared with all others.
    one.hash = one.labels.hash();
    if (!seen.insert(one.hash).second && std::any_of(judgement.found.begin(), judgement.found.end(), same)) {
      return "vector contains metrics with the same labelset after applying alert labels: " + one.labels.to_string();
    }
    judgement.found.push_back(std::move(one));
  }
  const AlertBook::Policy policy{spec_.hold, spec_.keep_firing, round.group.limit};
  auto error = book_.apply(std::move(judgement), round.at, policy);
  if (!error) return publish(round, *this, output_, {&book_});
  book_.remember({round.memory_prefix, mark_, round.memories});
  return error;
}

void AlertingRule::hold(Round& round) {
  freeze(book_, round.at);
  // Series that do not fit into the store are no news here.
  (void)publish(round, *this, output_, {&book_});
}

void AlertingRule::take_from(Rule& old) {
  Rule::take_from(old);
  book_.take_from(dynamic_cast<AlertingRule&>(old).book_);
}

Revived AlertingRule::restore(const MemoryKey& key, std::string_view value, const Revival& revival) {
  return key.kind == MemoryKey::Kind::alert ? revive(book_, key, value, revival) : Revived::unclaimed;
}

void AlertingRule::forget(const std::string& prefix, std::vector<core::Memory>& out) const {
  book_.forget({prefix, mark_, out});
}

void freeze(AlertBook& book, core::TimePoint at) {
  Judgement nothing;
  nothing.freeze_rest = true;
  (void)book.apply(std::move(nothing), at, {});  // without a limit nothing can be wrong
}

std::optional<std::string> publish(Round& round, const Rule& rule, Output& output,
                                   std::initializer_list<AlertBook*> books) {
  output.begin();
  for (AlertBook* book : books) book->write(rule.spec(), output);
  // Alerts are told even where their series do not fit into the store.
  // Rules of one name may share series of ALERTS, and give the same in them.
  auto error = output.commit(round.store, round.group_id + ";" + rule.spec().name, round.data_at, true);
  for (AlertBook* book : books) {
    book->report(round.at, round.settings.interval, round.settings.resend_delay, round.changes);
    book->remember({round.memory_prefix, rule.mark(), round.memories});
  }
  return error;
}

Revived revive(AlertBook& book, const MemoryKey& key, std::string_view value, const Revival& revival) {
  auto memory = decode_alert(value);
  if (!memory) return Revived::broken;
  RestoreReport& report = revival.report;
  switch (memory->state) {
    case core::AlertState::pending:
      if (revival.too_long) {
        ++report.begun_anew;
        return Revived::over;
      }
      ++report.pending;
      break;
    case core::AlertState::firing:
      ++report.firing;
      break;
    case core::AlertState::inactive:
      if (revival.now - *memory->resolved_at > AlertBook::resolved_retention) return Revived::over;
      ++report.resolved;
      break;
  }
  memory->active_at = std::min(memory->active_at, revival.alive);
  for (auto* at : {&memory->fired_at, &memory->resolved_at, &memory->keep_firing_since, &memory->told_at}) {
    if (*at) *at = std::min(**at, revival.alive);
  }
  book.restore(key.labels, std::move(*memory), revival.valid_for);
  return Revived::yes;
}

}  // namespace tocsin::rules
