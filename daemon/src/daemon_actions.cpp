// Actions, as people see them: what is said of a step, orders, plans.
#include <fmt/format.h>

#include "src/api_orders.hpp"
#include "src/daemon.hpp"
#include "src/offload.hpp"

namespace tocsin::daemon {
namespace {

using core::ActionStep;

constexpr std::chrono::seconds naming_time{2};  // where names come over the network
constexpr std::chrono::minutes planning_time{3};

/// What is a moment between two others is not worth a line of history.
bool worth_telling(const core::ActionRecord& record) {
  switch (record.step) {
    case ActionStep::proposed:
    case ActionStep::preflight:
    case ActionStep::verifying:
      return false;
    case ActionStep::claimed:
      return !record.by.empty();  // somebody approved it
    default:
      return true;
  }
}

/// What rules should hear of at once.
bool urgent(ActionStep step) {
  switch (step) {
    case ActionStep::awaiting_approval:
    case ActionStep::succeeded:
    case ActionStep::effective:
    case ActionStep::ineffective:
    case ActionStep::failed:
    case ActionStep::unknown:
    case ActionStep::adopted:
    case ActionStep::ordered:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Daemon::keep_in_history(const core::ActionRecord& record) {
  if (!state_ || !worth_telling(record)) return;
  core::HistoryRecord row;
  row.at = record.at;
  row.kind = record.step == ActionStep::skipped ? core::HistoryKind::suppression : core::HistoryKind::daemon;
  row.event = record.step == ActionStep::claimed ? "approved" : std::string(to_string(record.step));
  row.subject = record.action;
  row.detail = record.reason;
  const std::string change = change_text(record.from, record.to);
  if (!change.empty())
    row.detail = fmt::format("{}: {}{}{}", record.target, change, row.detail.empty() ? "" : "; ", row.detail);
  if (!record.by.empty()) row.detail = fmt::format("by {}{}{}", record.by, row.detail.empty() ? "" : "; ", row.detail);
  state_->ledger().note(std::move(row));
}

void Daemon::record(const core::ActionRecord& record) {
  metrics_.action_step(record);
  keep_in_history(record);
  log_.info("action " + std::string(to_string(record.step)), {{"action", record.action},
                                                              {"target", record.target},
                                                              {"direction", std::string(to_string(record.direction))},
                                                              {"from", record.from},
                                                              {"to", record.to},
                                                              {"alert", record.alert},
                                                              {"reason", record.reason},
                                                              {"inputs", record.inputs},
                                                              {"by", record.by},
                                                              {"action_id", record.id}});
  if (urgent(record.step)) judge_.sample_own_metrics();
}

net::Task<actions::OrderResult> Daemon::order(actions::Order given) {
  const std::string_view kind = to_string(given.kind);
  const std::string what = given.what, by = given.by;
  actions::OrderResult result = co_await executor_.order(std::move(given));
  log_.write(result.done ? Level::info : Level::warning, result.done ? "order carried out" : "order refused",
             {{"order", std::string(kind)}, {"what", what}, {"by", by}, {"answer", result.message}});
  judge_.sample_own_metrics();
  co_return result;
}

net::Task<std::vector<actions::Plan>> Daemon::plan() {
  if (const std::shared_ptr<Planning> others = planning_) {
    co_await others->done.wait(std::chrono::steady_clock::now() + planning_time);
    co_return others->plans;
  }
  const auto own = std::make_shared<Planning>(desk_.executor());
  planning_ = own;
  std::exception_ptr problem;
  try {
    own->plans = co_await executor_.plan();
  } catch (...) {
    problem = std::current_exception();
  }
  planning_.reset();
  own->done.set();
  if (problem) std::rethrow_exception(problem);
  co_return own->plans;
}

net::Task<std::optional<std::string>> Daemon::user_name(std::uint32_t uid) {
  std::function<std::optional<std::string>()> work = [uid] { return daemon::user_name(uid); };
  auto name = co_await offload(desk_, blocking_, std::move(work), std::chrono::steady_clock::now() + naming_time);
  co_return name ? std::move(*name) : std::nullopt;
}

ActionsView Daemon::actions_view() const {
  ActionsView view;
  view.now = wall_clock();
  view.actions = executor_.status();
  view.pauses = executor_.pauses();
  return view;
}

}  // namespace tocsin::daemon
