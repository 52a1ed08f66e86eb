// Fly.io, by flyctl. What it prints: superfly/flyctl, internal/command/scale (show_machines.go, count.go, memory.go,
// vm.go).
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "recipes.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using model::Recipe;
using std::chrono::minutes;

constexpr RecipeParameter app{"app", "The app.", "shop-api"};
constexpr RecipeParameter token{"token_file", "A file that holds the token (`fly tokens create deploy -a APP`).",
                                "/run/credentials/tocsin.service/fly-token", true, true};
constexpr RecipeParameter group{"process_group", "The process group.", "app", false, false, "`app`"};

std::string group_of(const Recipe& recipe) {
  const std::string& given = recipe.get("process_group");
  return given.empty() ? "app" : given;
}

/// `fly scale show --json` prints one object a process group, sorted by name; the keys are always in one order.
std::string number_of_group(const Recipe& recipe, std::string_view key) {
  return fmt::format(R"("Process":\s*"{}",[^}}]*"{}":\s*([0-9]+))", re2::RE2::QuoteMeta(group_of(recipe)), key);
}

RecipeCalls calls(const Recipe& recipe, const std::string& data_folder, Extract value, std::vector<std::string> verb,
                  std::vector<std::string> flags) {
  RecipeCalls made;
  const std::string& name = recipe.get("app");
  made.read.call = ExecCall{{"fly", "scale", "show", "-a", name, "--json"}};
  made.read.value = std::move(value);
  std::vector<std::string> argv{"fly", "scale"};
  argv.insert(argv.end(), verb.begin(), verb.end());
  argv.insert(argv.end(), {"{to}", "-a", name});
  if (!recipe.get("process_group").empty()) argv.insert(argv.end(), {"--process-group", group_of(recipe)});
  argv.insert(argv.end(), flags.begin(), flags.end());
  made.set = ExecCall{std::move(argv)};
  made.environment = {variable_of_file("FLY_API_TOKEN", recipe.get("token_file")), variable("FLY_NO_UPDATE_CHECK", "1"),
                      variable("FLY_SEND_METRICS", "0"), variable("NO_COLOR", "1")};
  if (!data_folder.empty()) made.environment.push_back(variable("FLY_CONFIG_DIR", data_folder + "/fly"));
  return made;
}

RecipeCalls count(const Recipe& recipe, const std::string& data_folder) {
  return calls(recipe, data_folder, {Extract::Kind::regex, number_of_group(recipe, "Count")}, {"count"}, {"--yes"});
}

RecipeCalls memory(const Recipe& recipe, const std::string& data_folder) {
  return calls(recipe, data_folder, {Extract::Kind::regex, number_of_group(recipe, "Memory")}, {"memory"}, {});
}

/// A size's name is its kind and its CPUs: shared-cpu-2x, performance-2x. One ladder has one kind.
RecipeCalls size(const Recipe& recipe, const std::string& data_folder) {
  RecipeCalls made = calls(recipe, data_folder, {Extract::Kind::format, "{$[0].CPUKind}-cpu-{$[0].CPUs}x"}, {"vm"}, {});
  made.read.ready = std::pair(Extract{Extract::Kind::json, "$[0].Process"}, group_of(recipe));
  return made;
}

std::optional<std::string> size_problem(const model::Action& action) {
  const bool shared = std::all_of(action.ladder.begin(), action.ladder.end(),
                                  [](const std::string& rung) { return rung.starts_with("shared-cpu-"); });
  if (shared) return std::nullopt;
  return "the ladder of fly_vm has sizes of one kind, that fly prints as shared-cpu-1x, shared-cpu-2x, ... (write "
         "\"read\" and \"set\" for others)";
}

std::optional<std::string> memory_problem(const model::Action& action) {
  const bool numbers = std::all_of(action.ladder.begin(), action.ladder.end(), [](const std::string& rung) {
    return std::all_of(rung.begin(), rung.end(), [](char c) { return c >= '0' && c <= '9'; });
  });
  if (numbers) return std::nullopt;
  return "the ladder of fly_memory has megabytes without a unit, such as [\"512\", \"1024\"]";
}

}  // namespace

std::vector<RecipeKind> fly_recipes() {
  return {
      {"fly_count",
       "How many machines an app on Fly.io has.",
       {app, token, group},
       true,
       "count: {min: 2, max: 4}",
       minutes{5},
       minutes{2},
       "a machine is made and started in seconds, its checks have a grace period of a minute or so; `fly` waits for "
       "them",
       "`fly scale count` is absolute: below the present number it destroys machines, so give a `min` that you mean. "
       "Without `--yes` it refuses when nobody is at the terminal. If Fly's own autoscaler moves the number too, say "
       "so "
       "in `also_scaled_by`.",
       count},
      {"fly_memory",
       "How much memory each machine of an app on Fly.io has, in megabytes.",
       {app, token, group},
       false,
       "ladder: [\"256\", \"512\", \"1024\"]",
       minutes{5},
       minutes{5},
       "the machines are restarted one after another, and `fly` waits for each",
       "It takes no `--yes`: it never asks. `[[vm]]` in fly.toml wins again at the next deploy.",
       memory,
       memory_problem},
      {"fly_vm",
       "The size of each machine of an app on Fly.io.",
       {app, token, group},
       false,
       "ladder: [shared-cpu-1x, shared-cpu-2x, shared-cpu-4x]",
       minutes{5},
       minutes{5},
       "the machines are restarted one after another, and `fly` waits for each",
       "A size brings its own memory along: what `fly scale memory` had set is gone. It takes no `--yes`: it never "
       "asks. "
       "The process group must be the first by name that the app has; if it is not, nothing is done.",
       size,
       size_problem},
  };
}

}  // namespace tocsin::daemon
