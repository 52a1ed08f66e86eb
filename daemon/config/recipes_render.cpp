// Render, by its public API (api-docs.render.com: retrieve service, scale service).
#include "recipes.hpp"

namespace tocsin::daemon {
namespace {

using actions::Extract;
using actions::HttpCall;
using model::Recipe;

HttpCall request(const Recipe& recipe, const std::string& method, const std::string& path) {
  HttpCall call;
  std::string base = recipe.get("url").empty() ? "https://api.render.com" : recipe.get("url");
  while (base.ends_with('/')) base.pop_back();
  call.method = method;
  call.url = base + "/v1/services/" + recipe.get("service") + path;
  call.headers = {variable("Accept", "application/json")};
  call.bearer.file = recipe.get("api_key_file");
  if (call.url.starts_with("https://")) call.tls = net::TlsOptions{};
  return call;
}

RecipeCalls render_scale(const Recipe& recipe, const std::string&) {
  RecipeCalls made;
  made.read.call = request(recipe, "GET", "");
  made.read.value = {Extract::Kind::json, "$.serviceDetails.numInstances"};
  made.read.ready = std::pair(Extract{Extract::Kind::json, "$.suspended"}, "not_suspended");
  HttpCall set = request(recipe, "POST", "/scale");
  set.headers.push_back(variable("Content-Type", "application/json"));
  set.body = "{\"numInstances\": {to}}";
  made.set = std::move(set);
  return made;
}

}  // namespace

std::vector<RecipeKind> render_recipes() {
  return {{"render",
           "How many instances a service on Render has.",
           {{"service", "The service's id.", "srv-c0ffee"},
            {"api_key_file", "A file that holds an API key.", "/run/credentials/tocsin.service/render-key", true, true},
            {"url", "Where the API is.", "https://api.render.com", false, false, "`https://api.render.com`"}},
           true,
           "count: {min: 1, max: 3}",
           std::chrono::seconds{30},
           std::chrono::minutes{3},
           "an instance is started and must pass its health check",
           "Render ignores the number while its own autoscaling is on for the service. A service that is suspended is "
           "left alone.",
           render_scale}};
}

}  // namespace tocsin::daemon
