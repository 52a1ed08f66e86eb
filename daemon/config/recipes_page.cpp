// docs/recipes.md, made of the table of recipes.
#include <fmt/format.h>

#include <algorithm>

#include "recipes.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {
namespace {

using core::YamlNode;

std::string command(const std::vector<std::string>& argv) {
  std::vector<YamlNode> words;
  for (const std::string& word : argv) words.push_back(core::yaml_text(word));
  return core::write_yaml_inline(core::yaml_list(std::move(words)));
}

std::string call_text(const actions::Call& call) {
  if (const auto* exec = std::get_if<actions::ExecCall>(&call)) return command(exec->argv);
  const auto& request = std::get<actions::HttpCall>(call);
  std::string text = request.method + " " + request.url;
  for (const auto& [name, value] : request.headers)
    text.append(", ").append(name).append(": ").append(value.value.reveal());
  if (!request.body.empty()) text.append(", body ").append(request.body);
  return text;
}

std::string value_text(const actions::Extract& extract) {
  using Kind = actions::Extract::Kind;
  if (extract.kind == Kind::whole) return "all of the output";
  if (extract.kind == Kind::lines) return "how many lines the output has";
  return "`" + extract.expression + "`";
}

/// A recipe as it would be given, with every parameter.
model::Recipe example_of(const RecipeKind& kind) {
  model::Recipe recipe;
  recipe.name = kind.name;
  for (const RecipeParameter& parameter : kind.parameters) {
    if (parameter.required || parameter.file || parameter.name == "namespace")
      recipe.parameters.emplace_back(parameter.name, parameter.example);
  }
  return recipe;
}

std::string example_text(const RecipeKind& kind, const model::Recipe& recipe) {
  std::vector<std::pair<std::string, YamlNode>> parameters;
  for (const auto& [name, value] : recipe.parameters) parameters.emplace_back(name, core::yaml_text(value));
  const YamlNode written = core::yaml_map({{std::string(kind.name), core::yaml_map(std::move(parameters))}});
  return fmt::format(
      "```yaml\nactions:\n  - name: more\n    when: 'TooSmall{{system=\"shop\"}}'\n    target: shop\n    mode: shadow\n"
      "    {}\n    recipe: {}\n```\n",
      kind.bounds, core::write_yaml_inline(written));
}

std::string environment_text(const RecipeCalls& calls) {
  std::string text;
  for (const auto& [name, value] : calls.environment) {
    text += text.empty() ? "" : ", ";
    text += value.file.empty() ? fmt::format("`{}={}`", name, value.value.reveal())
                               : fmt::format("`{}` (what the file holds)", name);
  }
  return text;
}

std::string page_of(const RecipeKind& kind) {
  const model::Recipe recipe = example_of(kind);
  const RecipeCalls calls = kind.make(recipe, "/var/lib/tocsin");
  const bool exec = std::holds_alternative<actions::ExecCall>(calls.set);
  std::string page =
      fmt::format("## {}\n\n{} It moves a {}.\n\n", kind.name, kind.doc, kind.counts ? "count" : "ladder");
  page += "| key | default | meaning |\n|---|---|---|\n";
  for (const RecipeParameter& parameter : kind.parameters) {
    page += fmt::format("| `{}` | {} | {} |\n", parameter.name,
                        parameter.required ? "*required*" : std::string(parameter.fallback), parameter.doc);
  }
  page += "\n" + example_text(kind, recipe) + "\nThat comes to:\n\n";
  page += fmt::format("- read: `{}`\n- the value: {}\n", call_text(calls.read.call), value_text(calls.read.value));
  if (calls.read.ready)
    page += fmt::format("- nothing is changed unless `{}` is `{}`\n", calls.read.ready->first.expression,
                        calls.read.ready->second);
  page += fmt::format("- set: `{}`\n", call_text(calls.set));
  if (!calls.environment.empty()) page += fmt::format("- variables: {}\n", environment_text(calls));
  if (!exec) page += "- the key goes out as `Authorization: Bearer ...`\n";
  page +=
      fmt::format("- `timeout` {}, `provisioning` {}, unless the action says: {}\n\n{}\n\n",
                  core::format_duration(kind.timeout), core::format_duration(kind.provisioning), kind.why, kind.notes);
  return page;
}

}  // namespace

std::string recipes_markdown() {
  std::string page =
      "# Recipes\n\n"
      "Made by `tocsin` of the table that its parser uses.\n\n"
      "A recipe stands in the place of `read` and `set`: the commands or requests of a platform that people have, with "
      "the flags that they need where nobody is at the terminal. `tocsin check -T` prints what an action's recipe "
      "comes "
      "to; whoever wants something else writes that down as `read` and `set`. Everything else of an action stays as it "
      "is (docs/actions.md).\n\n"
      "- Credentials come by file. They are read for every call, so they may rotate.\n"
      "- A recipe brings `timeout` and `provisioning` along. Where an action does not say, its `cooldown.up` is at "
      "least "
      "that `provisioning`, and `verify.clears_within` at least 10 minutes more.\n"
      "- Of the daemon's own environment a command gets nothing. `env` of the action adds variables and replaces those "
      "of "
      "the recipe.\n\n";
  for (const RecipeKind& kind : recipes()) page += page_of(kind);
  page.pop_back();
  return page;
}

}  // namespace tocsin::daemon
