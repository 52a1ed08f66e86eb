#include "src/action_lints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/rule_look_back.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {
namespace {

using actions::ActionSpec;
using core::Duration;

class ActionLints {
 public:
  ActionLints(const Loaded& loaded, core::Diagnostics& diagnostics)
      : config_(loaded.config), look_backs_(loaded.groups), diagnostics_(diagnostics) {
    for (const rules::GroupSpec& group : loaded.groups) {
      for (const rules::RuleSpec& rule : group.rules) {
        if (rule.kind != rules::RuleSpec::Kind::record) alerts_.push_back(rule.name);
      }
    }
  }

  void check() {
    for (std::size_t i = 0; i < config_.actions.size(); ++i) {
      place_ = &config_.action_places.at(i);
      check(config_.actions[i]);
    }
    check_agreement();
  }

 private:
  void error(std::string_view key, std::string message) {
    diagnostics_.error(place_->file, place_->of(key), std::move(message));
  }
  void warning(std::string_view key, std::string message) {
    diagnostics_.warning(place_->file, place_->of(key), std::move(message));
  }

  void check(const ActionSpec& action) {
    check_patience(action);
    check_value(action);
    if (!action.also_scaled_by.empty()) {
      warning("also_scaled_by",
              fmt::format("{} changes \"{}\" as well: what it does is taken over and not fought, so its bounds should "
                          "be those of the action",
                          action.also_scaled_by, action.target));
    }
    const actions::Guard& guard = config_.guard;
    if (action.mode == actions::Mode::automatic && !action.per_target && !action.all && !guard.targets &&
        !guard.changes && !guard.per_month) {
      warning("mode", fmt::format("nothing limits how often \"{}\" acts by itself (give it \"limits\", or write a "
                                  "\"guard\" for all actions)",
                                  action.name));
    }
  }

  /// Whether what is seen after a change is of the time after it.
  void check_patience(const ActionSpec& action) {
    if (const auto back = look_back("when", action.when_alert, action.when)) {
      at_least(action, "cooldown.up", "cooldown", action.cooldown_up, action.when_alert, *back);
      at_least(action, "verify.clears_within", "verify", action.clears_within, action.when_alert, *back);
    }
    if (!action.down) return;
    if (const auto back = look_back("down", action.down->when_alert, action.down->when))
      at_least(action, "cooldown.down", "cooldown", action.cooldown_down, action.down->when_alert, *back);
  }

  std::optional<Duration> look_back(std::string_view key, const std::string& alert,
                                    std::span<const core::Matcher> matchers) {
    const auto back = look_backs_.of_alert(alert, matchers);
    if (back) return back;
    const auto near = core::nearest(alert, {alerts_.begin(), alerts_.end()});
    const bool known = std::find(alerts_.begin(), alerts_.end(), alert) != alerts_.end();
    warning(key, known ? fmt::format("no rule gives the alert \"{}\" these labels", alert)
                       : fmt::format("no rule that is loaded defines the alert \"{}\"{}", alert,
                                     near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near)));
    return std::nullopt;
  }

  void at_least(const ActionSpec& action, const std::string& key, std::string_view outer, Duration value,
                const std::string& alert, Duration back) {
    if (value >= back + action.provisioning) return;
    const std::string provisioning =
        action.provisioning.count() > 0
            ? fmt::format(", and \"provisioning\" takes {}", core::format_duration(action.provisioning))
            : "";
    error(place_->has(key) ? std::string_view(key) : outer,
          fmt::format("{} is {}, too short: the rule of \"{}\" looks back {}{}, so it would still see what was before "
                      "the change (write {} or more)",
                      key, core::format_duration(value), alert, core::format_duration(back), provisioning,
                      core::format_duration(back + action.provisioning)));
  }

  void check_value(const ActionSpec& action) {
    if (!action.count || action.count->of.empty()) return;
    const auto parsed = rules::promql::parse(action.count->of);
    if (const auto* wrong = std::get_if<1>(&parsed))
      error("count", fmt::format("\"of\" is no PromQL: {}", wrong->render(action.count->of)));
  }

  /// Where several actions share a target, all must agree before it shrinks.
  void check_agreement() {
    std::map<std::string, std::pair<std::size_t, std::size_t>> targets;  // those with `down`, those without
    for (const ActionSpec& action : config_.actions) {
      auto& [with, without] = targets[action.target];
      ++(action.down ? with : without);
    }
    for (std::size_t i = 0; i < config_.actions.size(); ++i) {
      const ActionSpec& action = config_.actions[i];
      const auto& [with, without] = targets[action.target];
      if (with == 0 || action.down) continue;
      place_ = &config_.action_places[i];
      warning("target",
              fmt::format("the target \"{}\" never shrinks: \"{}\" has no \"down\", and all actions of a target "
                          "must agree",
                          action.target, action.name));
    }
  }

  const Config& config_;
  RuleLookBack look_backs_;
  core::Diagnostics& diagnostics_;
  std::vector<std::string> alerts_;
  const core::Place* place_ = nullptr;
};

}  // namespace

void check_actions(const Loaded& loaded, core::Diagnostics& diagnostics) { ActionLints(loaded, diagnostics).check(); }

}  // namespace tocsin::daemon
