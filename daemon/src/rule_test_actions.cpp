#include "src/rule_test_actions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/matcher.hpp"
#include "tocsin/state/journal.hpp"

namespace tocsin::daemon {
namespace {

using core::ActionRecord;
using core::ActionStep;

constexpr core::Duration shortest_wait{std::chrono::milliseconds{100}};  // between two looks of the machine
constexpr std::size_t shown_rows = 20;

const actions::Settings& settings_of(const RuleTestFile& file) { return *file.actions; }

std::string change_words(const std::string& from, const std::string& to) {
  return from.empty() && to.empty() ? std::string()
                                    : fmt::format(" {} -> {}", from.empty() ? "?" : from, to.empty() ? "?" : to);
}

std::string words_of(const ExpectedAction& expected) {
  std::string out = expected.action + change_words(expected.from, expected.to);
  if (expected.step != ActionStep::started) out += fmt::format(", {}", core::to_string(expected.step));
  if (!expected.target.empty()) out += ", target " + expected.target;
  if (expected.direction) out += fmt::format(", {}", core::to_string(*expected.direction));
  if (!expected.because.empty()) out += ", because " + core::quote(expected.because);
  if (!expected.by.empty()) out += ", by " + expected.by;
  return out;
}

bool matches(const ExpectedAction& expected, const ActionRecord& row) {
  const auto fits = [](const std::string& wanted, const std::string& is) { return wanted.empty() || wanted == is; };
  return expected.action == row.action && expected.step == row.step && fits(expected.target, row.target) &&
         fits(expected.from, row.from) && fits(expected.to, row.to) && fits(expected.by, row.by) &&
         (!expected.direction || *expected.direction == row.direction) &&
         row.reason.find(expected.because) != std::string::npos;
}

bool is_deed(ActionStep step) { return step == ActionStep::started || step == ActionStep::shadow; }

actions::Order order_of(const TestOrder& test) {
  using Kind = actions::Order::Kind;
  actions::Order order;
  for (const auto& [kind, what] : {std::pair{Kind::approve, &test.approve},
                                   {Kind::reject, &test.reject},
                                   {Kind::pause, &test.pause},
                                   {Kind::resume, &test.resume},
                                   {Kind::rearm, &test.rearm}}) {
    if (what->empty()) continue;
    order.kind = kind;
    order.what = *what;
  }
  const bool pauses = order.kind == Kind::pause || order.kind == Kind::resume;
  if (pauses && order.what == "all") order.what.clear();
  order.direction = test.direction;
  order.lasts = test.lasts;
  order.by = test.by;
  order.note = test.note;
  return order;
}

}  // namespace

RuleTestActions::RuleTestActions(const RuleTestFile& file, const RuleTest& test, const RuleTestWorld& world)
    : test_(test),
      world_(world),
      platform_(test),
      machine_(settings_of(file), state::Remembered{}, /*journal=*/true, test.start),
      now_(test.start) {
  for (const TestOrder& order : test.orders) orders_.push_back(&order);
  std::stable_sort(orders_.begin(), orders_.end(), [](const auto* a, const auto* b) { return a->at < b->at; });
}

actions::Moment RuleTestActions::moment() const { return {now_, {}}; }

void RuleTestActions::step(actions::Event event) {
  std::vector<actions::Effect> effects = machine_.step(std::move(event), moment());
  std::move(effects.begin(), effects.end(), std::back_inserter(effects_));
  while (!effects_.empty()) {
    actions::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    carry_out(std::move(effect));
  }
}

void RuleTestActions::carry_out(actions::Effect effect) {
  // Everything is answered at once, but for calls that hang.
  const auto answer = [this](actions::Event event) {
    std::vector<actions::Effect> effects = machine_.step(std::move(event), moment());
    std::move(effects.begin(), effects.end(), std::back_inserter(effects_));
  };
  if (auto* write = std::get_if<actions::Write>(&effect)) {
    rows_.push_back(std::move(write->record));
    if (write->token != 0) answer(actions::Written{write->token, std::nullopt});
  } else if (const auto* read = std::get_if<actions::Read>(&effect)) {
    answer(actions::WasRead{read->token, platform_.read(*read->spec, now_)});
  } else if (const auto* query = std::get_if<actions::Query>(&effect)) {
    answer(actions::WasQueried{query->token, number(query->expression)});
  } else if (const auto* ask = std::get_if<actions::Ask>(&effect)) {
    answer(actions::WasAsked{ask->token, suppression(ask->labels)});
  } else if (const auto* change = std::get_if<actions::MakeChange>(&effect)) {
    auto [end, after] = platform_.change(*change->spec, change->permit.change(), now_);
    actions::CallEnded ended{change->token, std::move(end)};
    if (after.count() == 0) {
      answer(std::move(ended));
    } else {
      later_.emplace(now_ + after, std::move(ended));
    }
  } else if (const auto* told = std::get_if<actions::AnswerOrder>(&effect)) {
    // Orders are numbered from 1 on.
    const TestOrder& order = *orders_.at(told->token - 1);
    const bool wanted = order.refused.empty()
                            ? told->result.done
                            : !told->result.done && told->result.message.find(order.refused) != std::string::npos;
    if (wanted) return;
    const std::string expected =
        order.refused.empty() ? "was expected to be taken" : "was expected to be refused: " + order.refused;
    order_failures_.push_back(
        {order.place.at, fmt::format("order at {}: {}\n  answer   {}: {}", core::format_duration(order.at), expected,
                                     told->result.done ? "done" : "refused", told->result.message)});
  }
}

core::Result<double> RuleTestActions::number(const std::string& expression) const {
  const auto [value, why] = world_.number(expression, now_);
  if (value) return *value;
  return core::Failure{core::Outcome::unexpected, core::Phase::none, why};
}

core::Suppression RuleTestActions::suppression(const core::Labels& labels) const {
  core::Suppression found;
  found.state = core::Suppression::State::none;
  for (std::size_t i = 0; i < test_.silences.size(); ++i) {
    const TestSilence& silence = test_.silences[i];
    const bool now = test_.start + silence.from <= now_ && (!silence.to || now_ < test_.start + *silence.to);
    if (!now || !core::matches_all(silence.match, labels)) continue;
    found.state = core::Suppression::State::silenced;
    found.by.push_back(fmt::format("silence {} of the test", i + 1));
  }
  return found;
}

void RuleTestActions::told(std::vector<core::AlertChange> changes, core::TimePoint at) {
  now_ = at;
  if (!changes.empty()) step(actions::AlertsTold{std::move(changes)});
}

std::optional<core::TimePoint> RuleTestActions::next(core::TimePoint until) const {
  std::optional<core::TimePoint> when;
  const auto at = [&](core::TimePoint time) {
    time = std::max(time, now_);
    if (time <= until && (!when || time < *when)) when = time;
  };
  if (const auto look = machine_.next_look()) at(*look);
  if (!later_.empty()) at(later_.begin()->first);
  if (next_order_ < orders_.size()) at(test_.start + orders_[next_order_]->at);
  return when;
}

void RuleTestActions::give_order(const TestOrder& order) {
  step(actions::Ordered{next_order_, order_of(order)});  // counted already
}

void RuleTestActions::advance(core::TimePoint until) {
  while (const auto when = next(until)) {
    now_ = *when;
    if (next_order_ < orders_.size() && test_.start + orders_[next_order_]->at <= now_) {
      const TestOrder& order = *orders_[next_order_++];
      give_order(order);
    } else if (!later_.empty() && later_.begin()->first <= now_) {
      step(later_.extract(later_.begin()).mapped());
    } else {
      step(actions::Tick{});
      // A machine that wants to look again at once would never let time pass.
      if (const auto look = machine_.next_look(); look && *look <= now_) now_ += shortest_wait;
    }
  }
  now_ = std::max(now_, until);
}

std::string RuleTestActions::row(const ActionRecord& record) const {
  std::string out = fmt::format("{} {} {}{}", core::format_duration(record.at - test_.start),
                                core::to_string(record.step), record.action, change_words(record.from, record.to));
  if (!record.reason.empty()) out += ": " + record.reason;
  return out;
}

std::string RuleTestActions::rows_since(std::size_t from) const {
  if (from >= rows_.size()) return "\n  nothing was decided in this time";
  std::string out = "\n  in this time:";
  if (rows_.size() - from > shown_rows) {
    out += fmt::format("\n    ... {} before", rows_.size() - from - shown_rows);
    from = rows_.size() - shown_rows;
  }
  for (; from < rows_.size(); ++from) out += "\n    " + row(rows_[from]);
  return out;
}

std::vector<std::string> RuleTestActions::reasons(const std::string& action, std::size_t from) {
  std::vector<std::string> all;
  const auto add = [&all](const std::string& why) {
    if (!why.empty() && std::find(all.begin(), all.end(), why) == all.end()) all.push_back(why);
  };
  for (; from < rows_.size(); ++from) {
    if (rows_[from].action == action) add(rows_[from].reason);
  }
  std::vector<actions::PlanInput> learnt;
  for (const actions::PlanNeed& need : machine_.plan_needs(moment())) {
    actions::PlanInput input{need.spec->name, platform_.read(*need.spec, now_), std::nullopt, std::nullopt};
    if (!need.query.empty()) input.value = number(need.query);
    if (need.labels) input.suppression = suppression(*need.labels);
    learnt.push_back(std::move(input));
  }
  for (const actions::Plan& plan : machine_.plan(learnt, moment())) {
    if (plan.action != action) continue;
    for (const std::string& why : plan.against) add(why);
  }
  return all;
}

void RuleTestActions::check(const ActionTest& expectation, std::vector<TestFailure>& failures) {
  const std::size_t from = std::exchange(checked_, rows_.size());
  std::set<ActionStep> steps{ActionStep::started, ActionStep::shadow};
  for (const ExpectedAction& expected : expectation.actions) steps.insert(expected.step);
  std::vector<const ActionRecord*> deeds;
  for (std::size_t i = from; i < rows_.size(); ++i) {
    if (steps.contains(rows_[i].step)) deeds.push_back(&rows_[i]);
  }
  const auto fits = [](const ExpectedAction& expected, const ActionRecord* row) { return matches(expected, *row); };
  if (!std::equal(expectation.actions.begin(), expectation.actions.end(), deeds.begin(), deeds.end(), fits)) {
    std::string words =
        fmt::format("actions by {}: others than expected", core::format_duration(expectation.eval_time));
    for (const ExpectedAction& expected : expectation.actions) words += "\n  expected " + words_of(expected);
    if (expectation.actions.empty()) words += "\n  expected nothing";
    for (const ActionRecord* deed : deeds) words += "\n  got      " + row(*deed);
    if (deeds.empty()) words += "\n  got      nothing";
    failures.push_back({expectation.place.at, words + rows_since(from)});
  }
  for (const ExpectedNoAction& none : expectation.none) {
    const std::string title = fmt::format("no {} by {}", none.action, core::format_duration(expectation.eval_time));
    const auto deed = std::find_if(rows_.begin() + static_cast<std::ptrdiff_t>(from), rows_.end(),
                                   [&](const auto& r) { return r.action == none.action && is_deed(r.step); });
    if (deed != rows_.end()) {
      failures.push_back({none.place.at, fmt::format("{}: there was one\n  got      {}", title, row(*deed))});
      continue;
    }
    if (none.because.empty()) continue;
    const auto all = reasons(none.action, from);
    if (std::any_of(all.begin(), all.end(),
                    [&](const auto& why) { return why.find(none.because) != std::string::npos; }))
      continue;
    std::string words = fmt::format("{}: for other reasons than expected\n  expected {}", title, none.because);
    for (const std::string& why : all) words += "\n  got      " + why;
    if (all.empty()) words += "\n  got      no reason: nothing asks for it";
    failures.push_back({none.place.at, words});
  }
}

}  // namespace tocsin::daemon
