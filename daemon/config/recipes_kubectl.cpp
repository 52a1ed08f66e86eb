// Kubernetes, by kubectl. The section `kubernetes` of an action does without it.
#include "recipes.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using model::Recipe;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr RecipeParameter deployment{"deployment", "The deployment.", "worker"};
constexpr RecipeParameter space{"namespace", "The namespace.", "shop", false, false, "`default`"};
constexpr RecipeParameter kubeconfig{"kubeconfig",
                                     "A kubeconfig.",
                                     "/run/credentials/tocsin.service/kubeconfig",
                                     false,
                                     true,
                                     "the service account, inside a cluster"};

std::vector<std::string> kubectl(const Recipe& recipe, std::vector<std::string> words) {
  std::vector<std::string> argv{"kubectl"};
  argv.insert(argv.end(), words.begin(), words.end());
  const std::string& name = recipe.get("namespace");
  argv.insert(argv.end(), {"--namespace", name.empty() ? "default" : name, "--request-timeout=20s"});
  return argv;
}

std::vector<std::pair<std::string, core::SecretSource>> environment_of(const Recipe& recipe) {
  const std::string& file = recipe.get("kubeconfig");
  if (file.empty()) return {};
  return {variable("KUBECONFIG", file)};
}

RecipeCalls kubectl_scale(const Recipe& recipe, const std::string&) {
  const std::string object = "deployment/" + recipe.get("deployment");
  RecipeCalls made;
  made.read.call = ExecCall{kubectl(recipe, {"get", object, "-o", "json"})};
  made.read.value = {Extract::Kind::json, "$.spec.replicas"};
  made.set = ExecCall{kubectl(recipe, {"scale", object, "--current-replicas={from}", "--replicas={to}"})};
  made.environment = environment_of(recipe);
  return made;
}

RecipeCalls memory_limit(const Recipe& recipe, const std::string&) {
  const std::string object = "deployment/" + recipe.get("deployment");
  const std::string& container = recipe.get("container");
  RecipeCalls made;
  made.read.call = ExecCall{kubectl(
      recipe, {"get", object, "-o",
               "jsonpath={.spec.template.spec.containers[?(@.name==\"" + container + "\")].resources.limits.memory}"})};
  made.set =
      ExecCall{kubectl(recipe, {"set", "resources", object, "--containers=" + container, "--limits=memory={to}"})};
  made.environment = environment_of(recipe);
  return made;
}

}  // namespace

std::vector<RecipeKind> kubectl_recipes() {
  return {
      {"kubectl_scale",
       "How many replicas a deployment in Kubernetes has.",
       {deployment, space, kubeconfig},
       true,
       "count: {min: 2, max: 10}",
       seconds{30},
       minutes{2},
       "an image is there or pulled, a pod becomes ready in a minute or two",
       "`--current-replicas` lets the change fail where somebody else was quicker. Remove `spec.replicas` from the "
       "manifest, or each `kubectl apply` undoes it; and let no HorizontalPodAutoscaler move the same deployment.",
       kubectl_scale},
      {"kubectl_memory_limit",
       "The memory limit of a container of a deployment in Kubernetes.",
       {deployment, {"container", "The container.", "api"}, space, kubeconfig},
       false,
       "ladder: [512Mi, 768Mi, 1Gi]",
       seconds{30},
       minutes{5},
       "all pods are replaced, as many at a time as the deployment's strategy allows",
       "The rungs are written as the deployment has them: `1Gi` and `1024Mi` are two. Its pods are replaced.",
       memory_limit},
  };
}

}  // namespace tocsin::daemon
