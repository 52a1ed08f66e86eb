// Docker Compose, by its command.
#include "recipes.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using model::Recipe;

RecipeCalls compose_scale(const Recipe& recipe, const std::string&) {
  const std::string &file = recipe.get("file"), &service = recipe.get("service");
  RecipeCalls made;
  made.read.call = ExecCall{{"docker", "compose", "-f", file, "ps", "-q", service}};
  made.read.value = {Extract::Kind::lines, ""};
  made.set =
      ExecCall{{"docker", "compose", "-f", file, "up", "-d", "--no-recreate", "--scale", service + "={to}", service}};
  return made;
}

}  // namespace

std::vector<RecipeKind> compose_recipes() {
  return {
      {"compose",
       "How many containers a service of Docker Compose has.",
       {{"file", "The compose file.", "/srv/shop/compose.yml", true, true}, {"service", "The service.", "worker"}},
       true,
       "count: {min: 1, max: 4}",
       std::chrono::minutes{2},
       std::chrono::minutes{1},
       "containers of an image that is there start in seconds",
       "Only running containers are counted. The service must have no `container_name` and no fixed port on the host. "
       "tocsin must be allowed to talk to Docker (its group, or `DOCKER_HOST` in `env`): that is as good as root.",
       compose_scale}};
}

}  // namespace tocsin::daemon
