#include "tocsin/rules/group.hpp"

#include <algorithm>
#include <cstdint>

#include "group_impl.hpp"
#include "selectors.hpp"

namespace tocsin::rules {
namespace {

RuleStatus first_status(const RuleSpec& rule) {
  RuleStatus status;
  status.kind = rule.kind;
  status.name = rule.name;
  status.query = rule.parsed ? promql::to_string(*rule.parsed) : rule.expression;
  status.hold = rule.hold;
  status.keep_firing = rule.keep_firing;
  status.labels = rule.labels;
  status.annotations = rule.annotations;
  return status;
}

}  // namespace

Group::Impl::Impl(GroupSpec spec_, GroupSettings settings_, store::Store& store_)
    : spec(std::move(spec_)),
      settings(std::move(settings_)),
      store(store_),
      id(spec.file + ";" + spec.name),
      prefix(prefix_of(id)) {
  const auto interval = static_cast<std::uint64_t>(std::max<std::int64_t>(settings.interval.count(), 1));
  settings.interval = core::Duration{static_cast<std::int64_t>(interval)};
  // The same in every process, so that a restart does not move a group's times.
  offset = core::Duration{static_cast<std::int64_t>(stable_hash(id) % interval)};
  rules.reserve(spec.rules.size());
  std::map<std::uint64_t, std::uint32_t> twins;
  for (const RuleSpec& rule : spec.rules) {
    const std::uint64_t hash = rule_hash(rule);
    rules.push_back(make_rule(rule, {hash, twins[hash]++}, id, settings.templates));
    rules.back()->visit([this](const promql::Expr& expr) { collect_selectors(expr, selectors); });
    statuses.push_back(first_status(rule));
  }
}

void Group::Impl::evaluate(std::size_t i, Round& round, Evaluation& out) {
  RuleStatus& status = statuses[i];
  const auto begun = elapsed();
  const auto error = rules[i]->evaluate(round);
  status.evaluation_time = elapsed() - begun;
  status.last_evaluation = round.at;
  ++evaluations;
  if (error) {
    ++failures;
    status.health = Health::err;
    status.last_error = *error;
    out.errors.emplace_back(status.name, *error);
  } else {
    status.last_error = rules[i]->doubt();
    status.health = status.last_error.empty() ? Health::ok : Health::unknown;
  }
}

Group::Group(GroupSpec spec, GroupSettings settings, store::Store& store)
    : impl_(std::make_unique<Impl>(std::move(spec), std::move(settings), store)) {}
Group::~Group() = default;

void Group::Impl::hold(std::size_t i, Round& round) {
  rules[i]->hold(round);
  if (statuses[i].kind == RuleSpec::Kind::record) return;
  statuses[i].health = Health::unknown;
  statuses[i].last_error = "not judged: what it reads was not heard since an interruption";
}

Evaluation Group::evaluate(core::TimePoint at, const std::function<std::function<bool()>()>& start_timer) {
  return round(at, start_timer, false);
}

Evaluation Group::hold(core::TimePoint at) { return round(at, {}, true); }

Evaluation Group::round(core::TimePoint at, const std::function<std::function<bool()>()>& start_timer, bool held) {
  Evaluation out;
  if (impl_->last && at <= *impl_->last) {
    const core::Duration back = *impl_->last - at;
    if (back <= impl_->settings.interval) return out;
    // Nobody said by how much the clock was set: most likely an interval has passed.
    shift(-back - impl_->settings.interval);
  }
  impl_->last = at;
  const auto begun = impl_->elapsed();
  for (std::size_t i = 0; i < impl_->rules.size(); ++i) {
    Round now{impl_->store,
              at,
              at - impl_->spec.query_offset.value_or(core::Duration{0}),
              promql::EvalLimits{},
              impl_->spec,
              impl_->settings,
              impl_->id,
              impl_->prefix,
              impl_->settling,
              out.changes,
              out.memories};
    now.limits.max_samples = impl_->settings.max_samples;
    now.limits.default_subquery_step = impl_->settings.subquery_step;
    if (start_timer) now.limits.expired = start_timer();
    if (held) {
      impl_->hold(i, now);
    } else {
      impl_->evaluate(i, now, out);
    }
  }
  impl_->remember(at, out.memories);
  impl_->took = impl_->elapsed() - begun;
  return out;
}

core::TimePoint Group::slot_before(core::TimePoint now) const {
  const std::int64_t interval = impl_->settings.interval.count();
  const std::int64_t since = core::to_millis(now) - impl_->offset.count();
  const std::int64_t slots = since / interval - (since % interval < 0 ? 1 : 0);
  return core::from_millis(slots * interval) + impl_->offset;
}

core::TimePoint Group::next_slot(core::TimePoint now) const { return slot_before(now) + impl_->settings.interval; }

void Group::close(core::TimePoint at) {
  for (const auto& rule : impl_->rules) rule->output().close(impl_->store, at);
}

void Group::count_missed(std::uint64_t slots) { impl_->missed += slots; }

bool Group::reads_from(const core::Labels& target_base, std::span<const std::string_view> metric_names) const {
  return std::any_of(impl_->selectors.begin(), impl_->selectors.end(),
                     [&](const auto& matchers) { return may_match(matchers, target_base, metric_names); });
}

GroupStatus Group::status() const {
  GroupStatus out{impl_->spec.name, impl_->spec.file,   impl_->settings.interval, impl_->spec.limit, impl_->took,
                  impl_->last,      impl_->evaluations, impl_->failures,          impl_->missed,     impl_->statuses};
  for (std::size_t i = 0; i < impl_->rules.size(); ++i) {
    out.rules[i].alerts = impl_->rules[i]->alerts();
    out.rules[i].lines = impl_->rules[i]->lines();
    for (const core::Alert& alert : out.rules[i].alerts) out.rules[i].state = std::max(out.rules[i].state, alert.state);
  }
  return out;
}

const GroupSpec& Group::spec() const { return impl_->spec; }

}  // namespace tocsin::rules
