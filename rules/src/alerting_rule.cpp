#include "alerting_rule.hpp"

#include <unordered_set>

namespace tocsin::rules {

AlertingRule::AlertingRule(const RuleSpec& spec, const std::string& group_id, const TemplateContext& templates)
    : Rule(spec),
      plan_(*spec.parsed),
      texts_(spec, templates),
      book_({spec.name, group_id, promql::to_string(*spec.parsed)}) {}

std::optional<std::string> AlertingRule::evaluate(Round& round) {
  auto answer = run(plan_, round, round.data_at);
  if (auto* error = std::get_if<std::string>(&answer)) return std::move(*error);
  std::vector<Found> found;
  std::unordered_set<core::Labels, core::LabelsHash> seen;
  for (const promql::InstantSample& sample : std::get<promql::Vector>(answer)) {
    Found one;
    one.value = sample.sample.value;
    one.labels = texts_.labels(sample.labels, one.value, round);
    one.annotations = texts_.annotations(sample.labels, one.value, round);
    if (!seen.insert(one.labels).second) {
      return "vector contains metrics with the same labelset after applying alert labels: " + one.labels.to_string();
    }
    found.push_back(std::move(one));
  }
  return conclude(round, spec_, book_, output_, std::move(found), {});
}

void AlertingRule::take_from(Rule& old) {
  Rule::take_from(old);
  book_.take_from(dynamic_cast<AlertingRule&>(old).book_);
}

std::optional<std::string> conclude(Round& round, const RuleSpec& spec, AlertBook& book, Output& output,
                                    std::vector<Found> found, const std::vector<core::Labels>& frozen) {
  const AlertBook::Policy policy{spec.hold, spec.keep_firing, round.group.limit};
  if (auto error = book.apply(std::move(found), frozen, round.at, policy)) return error;
  output.begin();
  book.each([&](const core::Alert& alert) {
    if (alert.state != core::AlertState::inactive) add_alert_series(spec, alert, output);
  });
  // Alerts are told even where their series do not fit into the store.
  // Rules of one name may share series of ALERTS, and give the same in them.
  auto error = output.commit(round.store, round.group_id + ";" + spec.name, round.data_at, true);
  book.report(round.at, round.settings.interval, round.settings.resend_delay, round.changes);
  return error;
}

}  // namespace tocsin::rules
