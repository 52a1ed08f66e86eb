// What each recipe comes to, word for word: these commands spend money.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config_text.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using actions::HttpCall;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

using Words = std::vector<std::string>;

struct Case {
  std::string name;
  std::string recipe;
  std::string bounds;
  Words read;
  Extract::Kind kind;
  std::string value;
  std::string ready;  // PATH is WORD
  Words set;
  std::vector<std::pair<std::string, std::string>> environment;  // @file for what a file holds
  seconds timeout;
  seconds provisioning;
};

const std::vector<std::pair<std::string, std::string>> fly_environment{{"FLY_API_TOKEN", "@f"},
                                                                       {"FLY_NO_UPDATE_CHECK", "1"},
                                                                       {"FLY_SEND_METRICS", "0"},
                                                                       {"NO_COLOR", "1"},
                                                                       {"FLY_CONFIG_DIR", "DIR/data/fly"}};

const Case cases[] = {
    {"fly_count",
     "{fly_count: {app: nexus-pbs, token_file: f}}",
     "count: {min: 2, max: 4}",
     {"fly", "scale", "show", "-a", "nexus-pbs", "--json"},
     Extract::Kind::regex,
     R"("Process":\s*"app",[^}]*"Count":\s*([0-9]+))",
     "",
     {"fly", "scale", "count", "{to}", "-a", "nexus-pbs", "--yes"},
     fly_environment,
     minutes{5},
     minutes{2}},
    {"fly_count_of_a_group",
     "{fly_count: {app: shop, token_file: f, process_group: web}}",
     "count: {min: 2, max: 4}",
     {"fly", "scale", "show", "-a", "shop", "--json"},
     Extract::Kind::regex,
     R"("Process":\s*"web",[^}]*"Count":\s*([0-9]+))",
     "",
     {"fly", "scale", "count", "{to}", "-a", "shop", "--process-group", "web", "--yes"},
     fly_environment,
     minutes{5},
     minutes{2}},
    {"fly_memory",
     "{fly_memory: {app: nexus-pbs, token_file: f}}",
     "ladder: ['256', '512']",
     {"fly", "scale", "show", "-a", "nexus-pbs", "--json"},
     Extract::Kind::regex,
     R"("Process":\s*"app",[^}]*"Memory":\s*([0-9]+))",
     "",
     {"fly", "scale", "memory", "{to}", "-a", "nexus-pbs"},
     fly_environment,
     minutes{5},
     minutes{5}},
    {"fly_vm",
     "{fly_vm: {app: nexus-pbs, token_file: f}}",
     "ladder: [shared-cpu-1x, shared-cpu-2x]",
     {"fly", "scale", "show", "-a", "nexus-pbs", "--json"},
     Extract::Kind::format,
     "{$[0].CPUKind}-cpu-{$[0].CPUs}x",
     "$[0].Process is app",
     {"fly", "scale", "vm", "{to}", "-a", "nexus-pbs"},
     fly_environment,
     minutes{5},
     minutes{5}},
    {"elasticache_node_type",
     "{elasticache_node_type: {cluster_id: nexus-redis-prod, region: us-east-1, credentials_file: f}}",
     "ladder: [cache.t3.micro, cache.t3.small]",
     {"aws", "elasticache", "describe-cache-clusters", "--cache-cluster-id", "nexus-redis-prod",
      "--show-cache-node-info", "--region", "us-east-1", "--output", "json"},
     Extract::Kind::json,
     "$.CacheClusters[0].CacheNodeType",
     "$.CacheClusters[0].CacheClusterStatus is available",
     {"aws", "elasticache", "modify-cache-cluster", "--cache-cluster-id", "nexus-redis-prod", "--cache-node-type",
      "{to}", "--apply-immediately", "--region", "us-east-1", "--output", "json"},
     {{"AWS_SHARED_CREDENTIALS_FILE", "DIR/f"}, {"AWS_EC2_METADATA_DISABLED", "true"}},
     seconds{60},
     minutes{15}},
    {"elasticache_node_groups",
     "{elasticache_node_groups: {replication_group_id: nexus, region: us-east-1}}",
     "count: {min: 1, max: 3}",
     {"aws", "elasticache", "describe-replication-groups", "--replication-group-id", "nexus", "--query",
      "ReplicationGroups[0].[NodeGroups.length(@),Status]", "--region", "us-east-1", "--output", "json"},
     Extract::Kind::json,
     "$[0]",
     "$[1] is available",
     {"aws", "elasticache", "modify-replication-group-shard-configuration", "--replication-group-id", "nexus",
      "--node-group-count", "{to}", "--apply-immediately", "--region", "us-east-1", "--output", "json"},
     {},
     seconds{60},
     minutes{30}},
    {"kubectl_scale",
     "{kubectl_scale: {deployment: budgetguard-worker, namespace: budgetguard, kubeconfig: f}}",
     "count: {min: 2, max: 10}",
     {"kubectl", "get", "deployment/budgetguard-worker", "-o", "json", "--namespace", "budgetguard",
      "--request-timeout=20s"},
     Extract::Kind::json,
     "$.spec.replicas",
     "",
     {"kubectl", "scale", "deployment/budgetguard-worker", "--current-replicas={from}", "--replicas={to}",
      "--namespace", "budgetguard", "--request-timeout=20s"},
     {{"KUBECONFIG", "DIR/f"}},
     seconds{30},
     minutes{2}},
    {"kubectl_memory_limit",
     "{kubectl_memory_limit: {deployment: api, container: app}}",
     "ladder: [512Mi, 768Mi]",
     {"kubectl", "get", "deployment/api", "-o",
      "jsonpath={.spec.template.spec.containers[?(@.name==\"app\")].resources.limits.memory}", "--namespace", "default",
      "--request-timeout=20s"},
     Extract::Kind::whole,
     "",
     "",
     {"kubectl", "set", "resources", "deployment/api", "--containers=app", "--limits=memory={to}", "--namespace",
      "default", "--request-timeout=20s"},
     {},
     seconds{30},
     minutes{5}},
    {"compose",
     "{compose: {file: f, service: worker}}",
     "count: {min: 1, max: 4}",
     {"docker", "compose", "-f", "DIR/f", "ps", "-q", "worker"},
     Extract::Kind::lines,
     "",
     "",
     {"docker", "compose", "-f", "DIR/f", "up", "-d", "--no-recreate", "--scale", "worker={to}", "worker"},
     {},
     minutes{2},
     minutes{1}},
};

/// A configuration with one action that uses a recipe; a file `f` is beside it.
ConfigText with_recipe(const std::string& recipe, const std::string& bounds, const std::string& more = {}) {
  return ConfigText("storage: {path: data}\nactions:\n  - name: n\n    when: A\n    target: t\n    " + bounds +
                    "\n    recipe: " + recipe + "\n" + more);
}

std::string in_folder(std::string text, const std::string& folder) {
  const auto at = text.find("DIR");
  return at == std::string::npos ? text : text.replace(at, 3, folder);
}

class Recipes : public testing::TestWithParam<Case> {};

TEST_P(Recipes, ComeToTheseCommands) {
  const Case& wanted = GetParam();
  const ConfigText text = with_recipe(wanted.recipe, wanted.bounds);
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  const auto words = [&text](Words all) {
    for (std::string& word : all) word = in_folder(word, text.folder);
    return all;
  };
  EXPECT_EQ(std::get<ExecCall>(spec.read.call).argv, words(wanted.read));
  EXPECT_EQ(spec.read.value.kind, wanted.kind);
  EXPECT_EQ(spec.read.value.expression, wanted.value);
  EXPECT_EQ(spec.read.ready ? spec.read.ready->first.expression + " is " + spec.read.ready->second : "", wanted.ready);
  EXPECT_EQ(std::get<ExecCall>(spec.set).argv, words(wanted.set));
  std::vector<std::pair<std::string, std::string>> environment;
  for (const auto& [name, value] : spec.environment) {
    environment.emplace_back(name, value.file.empty() ? value.value.reveal() : "@" + value.file);
  }
  auto expected = wanted.environment;
  for (auto& [name, value] : expected) {
    value = value == "@f" ? "@" + text.folder + "/f" : in_folder(value, text.folder);
  }
  EXPECT_EQ(environment, expected);
  EXPECT_EQ(spec.timeout, wanted.timeout);
  EXPECT_EQ(spec.provisioning, wanted.provisioning);
  EXPECT_GE(spec.cooldown_up, wanted.provisioning);
  EXPECT_GE(spec.clears_within, wanted.provisioning + minutes{10});
}

INSTANTIATE_TEST_SUITE_P(All, Recipes, testing::ValuesIn(cases), [](const auto& param) { return param.param.name; });

TEST(RecipeOfRender, IsTwoRequests) {
  const ConfigText text =
      with_recipe("{render: {service: srv-1, api_key_file: f, url: 'http://127.0.0.1:1/'}}", "count: {min: 1, max: 3}");
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  const auto& read = std::get<HttpCall>(spec.read.call);
  EXPECT_EQ(read.method, "GET");
  EXPECT_EQ(read.url, "http://127.0.0.1:1/v1/services/srv-1");
  EXPECT_EQ(read.bearer.file, text.folder + "/f");
  EXPECT_FALSE(read.tls);
  EXPECT_EQ(spec.read.value.expression, "$.serviceDetails.numInstances");
  EXPECT_EQ(spec.read.ready.value().second, "not_suspended");
  const auto& set = std::get<HttpCall>(spec.set);
  EXPECT_EQ(set.method, "POST");
  EXPECT_EQ(set.url, "http://127.0.0.1:1/v1/services/srv-1/scale");
  EXPECT_EQ(set.body, "{\"numInstances\": {to}}");
  EXPECT_EQ(set.bearer.file, text.folder + "/f");
  ASSERT_EQ(set.headers.size(), 2U);
  EXPECT_EQ(set.headers[1].first, "Content-Type");
  EXPECT_EQ(spec.timeout, seconds{30});
}

TEST(RecipeOfRender, SpeaksTlsWithTheRealOne) {
  const ConfigText text = with_recipe("{render: {service: srv-1, api_key_file: f}}", "count: {min: 1, max: 3}");
  ASSERT_TRUE(text.config) << text.said;
  EXPECT_TRUE(std::get<HttpCall>(text.config->actions.at(0).set).tls);
  EXPECT_THAT(std::get<HttpCall>(text.config->actions.at(0).set).url, HasSubstr("https://api.render.com/v1/"));
}

TEST(RecipesOfActions, GiveWayToWhatTheActionSays) {
  const ConfigText text =
      with_recipe("{fly_count: {app: a, token_file: f}}", "count: {min: 2, max: 4}",
                  "    timeout: 7s\n    provisioning: 1m\n    cooldown: {up: 5m}\n    verify: {clears_within: 3m}\n"
                  "    env: {FLY_SEND_METRICS: '1', PATH: /opt/fly/bin}\n");
  ASSERT_TRUE(text.config) << text.said;
  const actions::ActionSpec& spec = text.config->actions.at(0);
  EXPECT_EQ(spec.timeout, seconds{7});
  EXPECT_EQ(spec.provisioning, minutes{1});
  EXPECT_EQ(spec.cooldown_up, minutes{5});
  EXPECT_EQ(spec.clears_within, minutes{3});
  ASSERT_EQ(spec.environment.size(), 6U);
  EXPECT_EQ(spec.environment[0].first, "FLY_SEND_METRICS");
  EXPECT_EQ(spec.environment[0].second.value.reveal(), "1");
}

TEST(RecipesOfActions, AreDumpedAsWhatTheyComeTo) {
  const ConfigText text = with_recipe("{fly_count: {app: a, token_file: f}}", "count: {min: 2, max: 4}");
  ASSERT_TRUE(text.config) << text.said;
  const std::string dump = dump_config(*text.config);
  EXPECT_THAT(dump, HasSubstr("exec: [fly, scale, count, \"{to}\", \"-a\", a, \"--yes\"]"));
  EXPECT_THAT(dump, HasSubstr("FLY_API_TOKEN:\n        file: " + text.folder + "/f"));
  const ConfigText again(dump);
  ASSERT_TRUE(again.config) << again.said;
  EXPECT_EQ(dump_config(*again.config), dump);
}

TEST(RecipesOfActions, AreRefusedWhereTheyDoNotFit) {
  const std::tuple<std::string, std::string, std::string, std::string> table[] = {
      {"{fly_count: {app: a, token_file: f}}", "ladder: [a, b]", "", "fly_count needs a \"count\""},
      {"{fly_memory: {app: a, token_file: f}}", "count: {min: 1, max: 2}", "", "fly_memory needs a \"ladder\""},
      {"{fly_memory: {app: a, token_file: f}}", "ladder: [512MB, 1GB]", "", "megabytes without a unit"},
      {"{fly_vm: {app: a, token_file: f}}", "ladder: [shared-cpu-8x, performance-1x]", "", "sizes of one kind"},
      {"{elasticache_node_groups: {replication_group_id: g, region: r}}", "count: {min: 1, max: 3}",
       "    down: {when: B}\n", "elasticache_node_groups only grows"},
      {"{fly_count: {app: '-rf', token_file: f}}", "count: {min: 1, max: 2}", "", "\"app\" cannot stand in a command"},
      {"{fly_count: {app: a, token_file: nowhere}}", "count: {min: 1, max: 2}", "", "cannot read "},
      {"{fly_count: {app: a}}", "count: {min: 1, max: 2}", "", "fly_count needs \"token_file\""},
      {"{fly_count: {app: a, tokenfile: f}}", "count: {min: 1, max: 2}", "", "did you mean \"token_file\"?"},
      {"{fly_cuont: {app: a}}", "count: {min: 1, max: 2}", "", "did you mean \"fly_count\"?"},
      {"{fly_count: {app: a, token_file: f}, compose: {file: f, service: s}}", "count: {min: 1, max: 2}", "",
       "\"compose\" and \"fly_count\" exclude each other"},
      {"{}", "count: {min: 1, max: 2}", "", "recipe needs the name of one"},
      {"{compose: {file: f, service: s}}", "count: {min: 1, max: 2}", "    read: {exec: [a]}\n",
       "\"read\" and \"recipe\" exclude each other"},
  };
  for (const auto& [recipe, bounds, more, words] : table) {
    const ConfigText text = with_recipe(recipe, bounds, more);
    EXPECT_FALSE(text.config) << recipe;
    EXPECT_THAT(text.said, HasSubstr(words)) << recipe;
  }
}

TEST(RecipesDocumentation, IsWhatTheTableSays) {
  const std::string file = TOCSIN_SOURCE_DIR "/docs/recipes.md";
  if (std::getenv("TOCSIN_UPDATE_EXPECTED")) std::ofstream(file) << recipes_markdown();
  EXPECT_EQ(recipes_markdown(), test::read_text(file))
      << "run this test with TOCSIN_UPDATE_EXPECTED=1 and commit docs/recipes.md";
}

}  // namespace
}  // namespace tocsin::daemon
