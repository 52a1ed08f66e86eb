// The table of an action, and what must hold between its parts.
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "tables.hpp"

namespace tocsin::daemon {

using core::Duration;
using core::field;
using core::FieldReader;
using core::list_of;
using core::maybe;
using core::Place;
using core::section;
using core::Section;
using model::Action;

namespace {

using Problem = std::optional<std::string>;

core::Type<actions::RateLimit> rate_limit() {
  return core::text_as<actions::RateLimit>(
      "number/duration", "^[0-9]+/[0-9a-z]+$",
      [](const std::string& text) -> std::variant<actions::RateLimit, std::string> {
        const auto slash = text.find('/');
        actions::RateLimit limit;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + std::min(slash, text.size()), limit.count);
        const auto window = slash == std::string::npos ? std::nullopt : core::parse_duration(text.substr(slash + 1));
        if (ec != std::errc() || end != text.data() + slash || !window || limit.count == 0 || window->count() == 0) {
          return "is a number and a duration such as 3/1h, not \"" + text + "\"";
        }
        limit.window = *window;
        return limit;
      },
      [](const actions::RateLimit& limit) {
        return std::to_string(limit.count) + "/" + core::format_duration(limit.window);
      });
}

/// A command: a list, since no shell takes it apart.
core::Type<std::vector<std::string>> command() {
  auto type = list_of(core::text());
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, std::vector<std::string>& into) {
    if (node.kind == core::YamlNode::Kind::scalar) {
      reader.key_error(node.at,
                       "is a list, since there is no shell that would take it apart (write [command, argument])");
      return false;
    }
    if (!read(reader, node, into)) return false;
    if (!into.empty() && !into.front().empty()) return true;
    reader.key_error(node.at, "needs a command");
    return false;
  };
  return type;
}

std::string placeholder_at(std::string_view text) {
  const auto end = text.find('}');
  if (!text.starts_with('{') || end == std::string_view::npos || end == 1) return {};
  const std::string_view name = text.substr(1, end - 1);
  const bool word = std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return word ? std::string(name) : std::string();
}

/// Values fill placeholders as they are, so no argument may begin with one, unless it is nothing else.
void check_argv(FieldReader& reader, core::Position at, const std::vector<std::string>& argv,
                const std::vector<std::string_view>& known) {
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const std::string& argument = argv[i];
    for (std::size_t brace = argument.find('{'); brace != std::string::npos; brace = argument.find('{', brace + 1)) {
      const std::string name = placeholder_at(std::string_view(argument).substr(brace));
      if (name.empty()) continue;
      const std::string written = "{" + name + "}";
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const auto near = core::nearest(name, known);
        reader.error(at, "unknown placeholder " + written + " in a command" +
                             (near.empty() ? "" : " (did you mean {" + std::string(near) + "}?)"));
      } else if (i == 0) {
        reader.error(at, "the command itself cannot be a placeholder: " + argument);
      } else if (brace == 0 && argument != written) {
        reader.error(at, "the argument \"" + argument +
                             "\" begins with a placeholder, so its value could make an option of it (write it "
                             "behind other text, or alone)");
      }
    }
  }
}

bool uses(const std::vector<std::string>& argv, std::string_view placeholder) {
  return std::any_of(argv.begin(), argv.end(),
                     [placeholder](const std::string& a) { return a.find(placeholder) != std::string::npos; });
}

/// What may fill a placeholder: the executor refuses anything else, so better say it now.
bool may_be_argument(std::string_view value) {
  return !value.empty() && value.size() <= 128 && value.front() != '-' &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._:/@+-").find(c) != std::string_view::npos;
         });
}
constexpr std::string_view argument_rule = "(letters, digits and ._:/@+-, 128 at most, no - first)";

Problem ladder_problem(const std::vector<std::string>& ladder) {
  if (ladder.size() < 2) return "needs two rungs at least";
  for (auto rung = ladder.begin(); rung != ladder.end(); ++rung) {
    if (std::find(ladder.begin(), rung, *rung) != rung) return "has \"" + *rung + "\" twice";
    if (!may_be_argument(*rung))
      return "has \"" + *rung + "\", which cannot stand in a command " + std::string(argument_rule);
  }
  return std::nullopt;
}

Problem env_problem(const std::vector<std::pair<std::string, std::string>>& env) {
  for (const auto& [name, value] : env) {
    if (!core::is_label_name(name))
      return "has \"" + name + "\", which is no variable's name (letters, digits and _, no digit first)";
    if (value.find('\0') != std::string::npos) return "has a value with a zero byte: " + name;
  }
  return std::nullopt;
}

Section<actions::CountSpec> count_table() {
  using actions::CountSpec;
  return Section<CountSpec>(
             "count", "A number of instances, between bounds.",
             {
                 field("min", &CountSpec::min, core::integer<std::int64_t>(0)).doc("Never fewer than this.").required(),
                 field("max", &CountSpec::max, core::integer<std::int64_t>(1)).doc("Never more than this.").required(),
                 field("step", &CountSpec::step, core::integer<std::int64_t>(1))
                     .doc("How many are added at a time, without `target_value`."),
                 field("target_value", &CountSpec::target_value)
                     .doc("What one instance carries: the wanted number is the value divided by this, rounded up.")
                     .check([](const std::optional<double>& value) {
                       return *value > 0 ? std::nullopt : Problem("must be more than 0");
                     }),
                 field("of", &CountSpec::of).doc("PromQL that gives the value.").fallback("the alert's value"),
             })
      .check([](FieldReader& reader, const Place& place, const CountSpec& count) {
        if (count.min >= count.max) reader.error(place.of("max"), "\"max\" must be more than \"min\"");
        if (!count.of.empty() && !count.target_value) reader.error(place.of("of"), "\"of\" needs a \"target_value\"");
        if (count.step != 1 && count.target_value)
          reader.error(place.of("step"), "\"step\" and \"target_value\" exclude each other");
      });
}

std::vector<core::Field<model::ExtractSpec>> extract_fields(bool with_is) {
  using model::ExtractSpec;
  std::vector<core::Field<ExtractSpec>> rows{
      field("json", &ExtractSpec::json)
          .doc("A path in the output, which is JSON: `$.a[0].b`.")
          .check(json_path_problem),
      field("regex", &ExtractSpec::regex)
          .doc("A regular expression (RE2) with one group: the group is the value.")
          .check([](const std::string& regex) {
            Problem problem = regex_problem(regex);
            if (!problem && re2::RE2(regex).NumberOfCapturingGroups() != 1)
              problem = "needs one group in parentheses, exactly";
            return problem;
          })};
  if (with_is) rows.push_back(field("is", &ExtractSpec::is).doc("What must stand there.").required());
  return rows;
}

Section<model::ExtractSpec> extract_table(std::string name, std::string doc, bool with_is) {
  return Section<model::ExtractSpec>(std::move(name), std::move(doc), extract_fields(with_is))
      .exclusive({"json", "regex"})
      .check([](FieldReader& reader, const Place& place, const model::ExtractSpec&) {
        if (!place.has("json") && !place.has("regex")) reader.error(place.at, "\"json\" or \"regex\" is needed here");
      });
}

Section<model::Read> read_table() {
  using model::Read;
  return Section<Read>(
             "read", "How the present value is found out. Runs in every mode, so it must change nothing.",
             {
                 field("exec", &Read::exec, command()).doc("The command; `{target}` stands for the target.").required(),
                 field("extract", &Read::extract,
                       maybe(section(extract_table("extract", "Where in a command's output the value stands.", false))))
                     .doc("Where in its output the value stands.")
                     .fallback("all of it, trimmed"),
                 field("ready", &Read::ready,
                       maybe(section(extract_table(
                           "ready", "What a command's output must say before anything is changed.", true))))
                     .doc("What must be so before anything is changed."),
             })
      .check([](FieldReader& reader, const Place& place, const Read& read) {
        check_argv(reader, place.of("exec"), read.exec, {"target"});
      });
}

Section<model::Set> set_table() {
  return Section<model::Set>("set", "How the value is changed.",
                             {field("exec", &model::Set::exec, command())
                                  .doc("The command. `{from}`, `{to}` and `{target}` stand for the values.")
                                  .required()})
      .check([](FieldReader& reader, const Place& place, const model::Set& set) {
        const std::size_t before = reader.diagnostics().errors();
        check_argv(reader, place.of("exec"), set.exec, {"from", "to", "target"});
        if (reader.diagnostics().errors() == before && !uses(set.exec, "{to}")) {
          reader.error(place.of("exec"), "the command says nowhere what the new value is (write {to})");
        }
      });
}

Section<model::Cooldown> cooldown_table() {
  return Section<model::Cooldown>("cooldown", "How long a target is left alone after a change.",
                                  {field("up", &model::Cooldown::up).doc("After growth."),
                                   field("down", &model::Cooldown::down).doc("After shrinking.")});
}

Section<model::Limits> limits_table() {
  return Section<model::Limits>(
      "limits", "How many changes are made in a time at most.",
      {field("per_target", &model::Limits::per_target, maybe(rate_limit()))
           .doc("Of this action on its target, such as `3/1h`."),
       field("all", &model::Limits::all, maybe(rate_limit())).doc("Of all actions together.")});
}

void check_action(FieldReader& reader, const Place& place, const Action& action) {
  if (!place.has("ladder") && !place.has("count")) {
    reader.error(place.at, "the action \"" + action.name + "\" has no bounds (give it a \"ladder\" or a \"count\")");
  }
  const auto at_least_provisioning = [&](Duration value, core::Position at, const std::string& name) {
    if (value >= action.provisioning) return;
    reader.error(at, name + " is " + core::format_duration(value) + ", shorter than \"provisioning\" (" +
                         core::format_duration(action.provisioning) +
                         "): the change would be judged before it is made");
  };
  const auto spot = [&place](std::string_view key, const Place& inner, std::string_view inner_key) {
    return inner.has(inner_key) ? inner.of(inner_key) : place.has(key) ? place.of(key) : place.of("provisioning");
  };
  at_least_provisioning(action.cooldown.up, spot("cooldown", action.cooldown.place, "up"), "cooldown.up");
  at_least_provisioning(action.cooldown.down, spot("cooldown", action.cooldown.place, "down"), "cooldown.down");
  at_least_provisioning(action.verify.clears_within, spot("verify", action.verify.place, "clears_within"),
                        "verify.clears_within");
  if ((uses(action.set.exec, "{target}") || uses(action.read.exec, "{target}")) && !may_be_argument(action.target)) {
    reader.error(place.of("target"), "\"target\" cannot stand in a command " + std::string(argument_rule));
  }
}

core::Type<model::When> when() {
  auto type = core::text_as<model::When>("alert", "", parse_when, [](const model::When& value) {
    std::string out = value.alert;
    for (const core::Matcher& matcher : value.matchers)
      out += (out.size() == value.alert.size() ? "{" : ", ") + matcher.to_string();
    return value.matchers.empty() ? out : out + "}";
  });
  return type;
}

/// Variables whose names speak of secrets are neither shown nor dumped.
core::Type<std::vector<std::pair<std::string, std::string>>> environment() {
  auto type = core::map_of(core::text(), "variable");
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, auto& into) {
    for (const auto& [name, value] : node.entries) {
      if (core::names_a_secret(name.scalar)) reader.conceal(value.at);
    }
    return read(reader, node, into);
  };
  type.write = [](const auto& pairs) {
    std::vector<std::pair<std::string, core::YamlNode>> entries;
    for (const auto& [name, value] : pairs) {
      entries.emplace_back(name, core::names_a_secret(name) ? core::yaml_text("<secret>") : core::write_text(value));
    }
    return entries.empty() ? core::YamlNode{} : core::yaml_map(std::move(entries));
  };
  return type;
}

core::Type<std::string> mode() {
  auto type = core::choice<std::string>({{"shadow", "shadow"}, {"auto", "auto"}});
  type.read = [read = type.read](FieldReader& reader, const core::YamlNode& node, std::string& into) {
    if (node.scalar != "approve") return read(reader, node, into);
    reader.key_error(node.at, "approve is not supported in this version (write shadow or auto)");
    return false;
  };
  return type;
}

Problem not_empty(const std::string& text) { return text.empty() ? Problem("must not be empty") : std::nullopt; }

}  // namespace

Section<Action> action_table() {
  return Section<Action>(
             "action", "Something that is done to a target while an alert fires.",
             {
                 field("name", &Action::name).doc("The action's name.").required().check(not_empty),
                 field("when", &Action::when, when())
                     .doc("The alert that asks for it: `Alert{label=\"value\"}`.")
                     .required(),
                 field("target", &Action::target)
                     .doc("What is changed: its name on the platform.")
                     .required()
                     .check(not_empty),
                 field("mode", &Action::mode, mode()).doc("`shadow` writes down what would be done, `auto` does it."),
                 field("ladder", &Action::ladder)
                     .doc("The sizes, from the smallest to the largest. One step is made at a time.")
                     .check(ladder_problem),
                 field("count", &Action::count, maybe(section(count_table())))
                     .doc("A number of instances instead of a ladder."),
                 field("read", &Action::read, section(read_table()))
                     .doc("How the present value is found out.")
                     .required(),
                 field("set", &Action::set, section(set_table())).doc("How it is changed.").required(),
                 field("env", &Action::env, environment())
                     .doc("Variables of the commands. Of the daemon's own environment they get nothing.")
                     .check(env_problem),
                 field("timeout", &Action::timeout)
                     .doc("How long a command may run.")
                     .least(Duration{100})
                     .most(std::chrono::hours{1}),
                 field("provisioning", &Action::provisioning)
                     .doc("How long the platform takes to make a change. Cooldowns and verification must be at least "
                          "as long."),
                 field("cooldown", &Action::cooldown, section(cooldown_table()))
                     .doc("How long the target is left alone after a change."),
                 field("limits", &Action::limits, section(limits_table()))
                     .doc("How many changes are made in a time at most."),
                 field("verify", &Action::verify,
                       section(Section<model::Verify>("verify", "Whether a change helped.",
                                                      {field("clears_within", &model::Verify::clears_within)
                                                           .doc("The alert must resolve in this time after the change.")
                                                           .least(std::chrono::seconds{1})})))
                     .doc("Whether it helped."),
                 field("breaker", &Action::breaker,
                       section(Section<model::Breaker>(
                           "breaker", "When an action that does not help is given up.",
                           {field("after", &model::Breaker::after, core::integer<unsigned>(1))
                                .doc("After so many changes in a row that failed or did not help.")})))
                     .doc("When it is given up."),
             })
      .exclusive({"ladder", "count"})
      .later({"approve", "approvers", "driver", "http", "kubernetes", "schedule"})
      .check(check_action);
}

}  // namespace tocsin::daemon
