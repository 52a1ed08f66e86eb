#include "recipes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "action_tables.hpp"
#include "tables.hpp"

namespace tocsin::daemon {

using core::FieldReader;
using core::Section;
using core::YamlNode;
using model::Recipe;

namespace {

/// A parameter as a field of a recipe's section.
core::Field<Recipe> parameter_field(const RecipeParameter& parameter) {
  const core::Type<std::string> type = parameter.file ? core::path() : core::text();
  core::Field<Recipe> field;
  field.doc.name = parameter.name;
  field.doc.doc = parameter.doc;
  field.doc.shape = type.shape;
  field.doc.required = parameter.required;
  field.doc.fallback = parameter.fallback;
  field.read = [type, name = std::string(parameter.name), file = parameter.file](FieldReader& reader,
                                                                                 const YamlNode& node, Recipe& into) {
    std::string value;
    if (!type.read(reader, node, value)) return false;
    // A URL goes into a request; everything else into a command.
    if (!file && name != "url" && !may_be_argument(value)) {
      reader.key_error(node.at, "cannot stand in a command " + std::string(argument_rule));
      return false;
    }
    into.parameters.emplace_back(name, std::move(value));
    return true;
  };
  field.write = [](const Recipe&) { return YamlNode{}; };  // the calls that it comes to are written
  return field;
}

core::Field<Recipe> recipe_field(const RecipeKind& kind) {
  std::vector<core::Field<Recipe>> rows;
  for (const RecipeParameter& parameter : kind.parameters) rows.push_back(parameter_field(parameter));
  const auto table = std::make_shared<const Section<Recipe>>(std::string(kind.name), std::string(kind.doc), rows);
  core::Field<Recipe> field;
  field.doc.name = kind.name;
  field.doc.doc = kind.doc;
  field.doc.shape = table->shape();
  field.read = [table, name = std::string(kind.name)](FieldReader& reader, const YamlNode& node, Recipe& into) {
    into.name = name;
    if (!table->read(reader, node, into)) return false;
    into.parameters_place = into.place;
    return true;
  };
  field.write = [](const Recipe&) { return YamlNode{}; };
  return field;
}

}  // namespace

const std::string& Recipe::get(std::string_view parameter) const {
  static const std::string none;
  const auto it = std::find_if(parameters.begin(), parameters.end(),
                               [parameter](const auto& given) { return given.first == parameter; });
  return it == parameters.end() ? none : it->second;
}

const std::vector<RecipeKind>& recipes() {
  static const std::vector<RecipeKind> all = [] {
    std::vector<RecipeKind> rows;
    for (auto family : {fly_recipes, elasticache_recipes, kubectl_recipes, render_recipes, compose_recipes}) {
      auto some = family();
      std::move(some.begin(), some.end(), std::back_inserter(rows));
    }
    return rows;
  }();
  return all;
}

const RecipeKind* find_recipe(std::string_view name) {
  const auto& all = recipes();
  const auto it = std::find_if(all.begin(), all.end(), [name](const RecipeKind& kind) { return kind.name == name; });
  return it == all.end() ? nullptr : &*it;
}

std::pair<std::string, core::SecretSource> variable(std::string name, std::string value) {
  return {std::move(name), core::SecretSource{core::Secret(std::move(value)), {}}};
}

std::pair<std::string, core::SecretSource> variable_of_file(std::string name, std::string file) {
  return {std::move(name), core::SecretSource{{}, std::move(file)}};
}

Section<Recipe> recipe_table() {
  std::vector<core::Field<Recipe>> rows;
  std::vector<std::string> names;
  for (const RecipeKind& kind : recipes()) {
    rows.push_back(recipe_field(kind));
    names.emplace_back(kind.name);
  }
  return Section<Recipe>("recipe", "A ready-made pair of `read` and `set`. docs/recipes.md says what each comes to.",
                         std::move(rows))
      .exclusive(names)
      .check([](FieldReader& reader, const core::Place& place, const Recipe& recipe) {
        if (recipe.name.empty()) reader.error(place.at, "recipe needs the name of one");
      });
}

}  // namespace tocsin::daemon
