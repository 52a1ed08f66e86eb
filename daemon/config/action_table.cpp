// The table of an action.
#include <algorithm>

#include "action_tables.hpp"
#include "tables.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::maybe;
using core::section;
using core::Section;
using model::Action;

namespace {

using Problem = std::optional<std::string>;

Problem not_empty(const std::string& text) { return text.empty() ? Problem("must not be empty") : std::nullopt; }

core::Type<actions::Mode> mode() {
  using actions::Mode;
  return core::choice<Mode>({{"shadow", Mode::shadow}, {"approve", Mode::approve}, {"auto", Mode::automatic}});
}

Problem allow_problem(const model::Allowed& allowed) {
  for (const auto& [label, values] : allowed) {
    if (!core::is_label_name(label)) return "has \"" + label + "\", which is no label's name";
    if (values.empty()) return "says of " + label + " that nothing may stand there";
    const auto bad = std::find_if_not(values.begin(), values.end(), may_be_argument);
    if (bad != values.end())
      return "has \"" + *bad + "\" for " + label + ", which cannot stand in a command " + std::string(argument_rule);
  }
  return std::nullopt;
}

/// What is done, and to what.
std::vector<core::Field<Action>> what() {
  return {
      field("name", &Action::name).doc("The action's name.").required().check(not_empty),
      field("when", &Action::when, when()).doc("The alert that asks for it: `Alert{label=\"value\"}`.").required(),
      field("target", &Action::target)
          .doc("What is changed: its name on the platform. One run at a time is made on a target; several actions may "
               "share one.")
          .required()
          .check(not_empty),
      field("mode", &Action::mode, mode())
          .doc("`shadow` writes down what would be done, `approve` asks a person first, `auto` does it."),
      field("ladder", &Action::ladder)
          .doc("The sizes, from the smallest to the largest. One step is made at a time.")
          .check(ladder_problem),
      field("count", &Action::count, maybe(section(count_table()))).doc("A number of instances instead of a ladder."),
      field("down", &Action::down, maybe(section(down_table())))
          .doc("When it is made smaller again.")
          .fallback("it only grows"),
  };
}

/// How it is done.
std::vector<core::Field<Action>> how() {
  return {
      field("read", &Action::read, maybe(section(read_table()))).doc("How the present value is found out."),
      field("set", &Action::set, maybe(section(set_table()))).doc("How it is changed."),
      field("kubernetes", &Action::kubernetes, maybe(section(kubernetes_table())))
          .doc("Instead of `read` and `set`: an object in Kubernetes, through its API."),
      field("recipe", &Action::recipe, maybe(section(recipe_table())))
          .doc("Instead of `read` and `set`: a ready-made pair of them (docs/recipes.md)."),
      field("env", &Action::env, environment())
          .doc(
              "Variables of the commands: a value, or a `file` that holds it. Of the daemon's own environment they get "
              "nothing; there are PATH, HOME and LANG."),
      field("allow", &Action::allow, core::map_of(core::list_of(core::text(), core::ListStyle::list_or_one), "label"))
          .doc("What `{label.NAME}` may stand for, for each label that a call uses.")
          .check(allow_problem),
      field("timeout", &Action::timeout)
          .doc("How long a call may take.")
          .fallback("`1m`, or the recipe's")
          .check([](const std::optional<Duration>& value) {
            return *value >= Duration{100} && *value <= std::chrono::hours{1}
                       ? std::nullopt
                       : Problem("must be at least 100ms, at most 1h");
          }),
  };
}

/// When it is not done, or not done again.
std::vector<core::Field<Action>> bounds() {
  return {
      field("provisioning", &Action::provisioning)
          .doc("How long the platform takes to make a change. Cooldowns and verification must be at least as long, and "
               "as the rule looks back besides.")
          .fallback("`0s`, or the recipe's"),
      field("stabilization", &Action::stabilization, section(stabilization_table())).doc("How long a wish must last."),
      field("cooldown", &Action::cooldown, section(cooldown_table()))
          .doc("How long the target is left alone after a change."),
      field("limits", &Action::limits, section(limits_table())).doc("How many changes are made in a time at most."),
      field("verify", &Action::verify, section(verify_table())).doc("Whether it helped."),
      field("breaker", &Action::breaker, section(breaker_table())).doc("When it is given up."),
      field("approve", &Action::approve, maybe(section(approve_table()))).doc("Who says yes, in the mode `approve`."),
      field("also_scaled_by", &Action::also_scaled_by)
          .doc("Who else changes this target, such as the platform's own autoscaler. What they do is taken over, and "
               "not "
               "fought."),
  };
}

std::vector<core::Field<Action>> rows() {
  std::vector<core::Field<Action>> all;
  for (auto part : {what, how, bounds}) {
    for (core::Field<Action>& row : part()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

std::string to_string(const model::When& value) {
  std::string out = value.alert;
  for (const core::Matcher& matcher : value.matchers)
    out += (out.size() == value.alert.size() ? "{" : ", ") + matcher.to_string();
  return value.matchers.empty() ? out : out + "}";
}

core::Type<model::When> when() {
  return core::text_as<model::When>("alert", "", parse_when, [](const model::When& value) { return to_string(value); });
}

core::Type<Action> action_type() {
  auto type = section(Section<Action>("action", "Something that is done to a target while an alert fires.", rows())
                          .exclusive({"ladder", "count"})
                          .exclusive({"read", "kubernetes", "recipe"})
                          .exclusive({"set", "kubernetes", "recipe"})
                          .later({"approvers", "driver", "schedule"}));
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, Action& into) {
    bool good = true;
    for (const char* key : {"read", "set"}) {
      if (node.kind != core::YamlNode::Kind::map || node.find(key) || node.find("recipe") || node.find("kubernetes"))
        continue;
      reader.error(node.at, std::string("action needs \"") + key + "\" (or a \"recipe\", or \"kubernetes\")");
      good = false;
    }
    return read(reader, node, into) && good;
  };
  return type;
}

}  // namespace tocsin::daemon
