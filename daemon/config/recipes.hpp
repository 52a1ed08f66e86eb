// Recipes: for platforms that people have, how they are asked and told, with the flags that their commands need where
// nobody is at the terminal. Each is a row of a table; the documentation is made of the same rows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/actions.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// What a recipe comes to.
struct RecipeCalls {
  actions::ReadSpec read;
  actions::Call set;
  std::vector<std::pair<std::string, core::SecretSource>> environment;
};

struct RecipeParameter {
  std::string_view name;
  std::string_view doc;
  std::string_view example;
  bool required = true;
  bool file = false;
  std::string_view fallback{};
};

struct RecipeKind {
  std::string_view name;
  std::string_view doc;
  std::vector<RecipeParameter> parameters;
  bool counts = true;              // it moves a number, else a ladder
  std::string_view bounds;         // an example of them
  core::Duration timeout{0};       // of one call, unless the action says
  core::Duration provisioning{0};  // likewise
  std::string_view why;            // where these two come from
  std::string_view notes;          // what else to know
  RecipeCalls (*make)(const model::Recipe& recipe, const std::string& data_folder);
  /// What is wrong with an action that uses it.
  std::optional<std::string> (*problem)(const model::Action& action) = nullptr;
};

[[nodiscard]] const std::vector<RecipeKind>& recipes();
/// Null if there is none.
[[nodiscard]] const RecipeKind* find_recipe(std::string_view name);

// One file a family of platforms.
[[nodiscard]] std::vector<RecipeKind> fly_recipes();
[[nodiscard]] std::vector<RecipeKind> elasticache_recipes();
[[nodiscard]] std::vector<RecipeKind> kubectl_recipes();
[[nodiscard]] std::vector<RecipeKind> render_recipes();
[[nodiscard]] std::vector<RecipeKind> compose_recipes();

/// A variable given in place.
[[nodiscard]] std::pair<std::string, core::SecretSource> variable(std::string name, std::string value);
/// A variable whose value a file holds.
[[nodiscard]] std::pair<std::string, core::SecretSource> variable_of_file(std::string name, std::string file);

}  // namespace tocsin::daemon
