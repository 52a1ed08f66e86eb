// Amazon ElastiCache, by the AWS CLI (version 1 or 2).
#include "recipes.hpp"

namespace tocsin::daemon {
namespace {

using actions::ExecCall;
using actions::Extract;
using model::Recipe;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr RecipeParameter region{"region", "The region.", "us-east-1"};
constexpr RecipeParameter credentials{"credentials_file",
                                      "A file of the AWS CLI with credentials, of which the profile `default` is used.",
                                      "/run/credentials/tocsin.service/aws",
                                      false,
                                      true,
                                      "what the machine's own role allows"};

std::vector<std::string> aws(const Recipe& recipe, std::vector<std::string> words) {
  std::vector<std::string> argv{"aws", "elasticache"};
  argv.insert(argv.end(), words.begin(), words.end());
  argv.insert(argv.end(), {"--region", recipe.get("region"), "--output", "json"});
  return argv;
}

/// With credentials of its own it need not look for a role of the machine, which takes its time where there is none.
void add_credentials(const Recipe& recipe, RecipeCalls& made) {
  const std::string& file = recipe.get("credentials_file");
  if (file.empty()) return;
  made.environment = {variable("AWS_SHARED_CREDENTIALS_FILE", file), variable("AWS_EC2_METADATA_DISABLED", "true")};
}

RecipeCalls node_type(const Recipe& recipe, const std::string&) {
  const std::string& cluster = recipe.get("cluster_id");
  RecipeCalls made;
  made.read.call =
      ExecCall{aws(recipe, {"describe-cache-clusters", "--cache-cluster-id", cluster, "--show-cache-node-info"})};
  made.read.value = {Extract::Kind::json, "$.CacheClusters[0].CacheNodeType"};
  made.read.ready = std::pair(Extract{Extract::Kind::json, "$.CacheClusters[0].CacheClusterStatus"}, "available");
  made.set = ExecCall{aws(recipe, {"modify-cache-cluster", "--cache-cluster-id", cluster, "--cache-node-type", "{to}",
                                   "--apply-immediately"})};
  add_credentials(recipe, made);
  return made;
}

RecipeCalls node_groups(const Recipe& recipe, const std::string&) {
  const std::string& group = recipe.get("replication_group_id");
  RecipeCalls made;
  made.read.call = ExecCall{aws(recipe, {"describe-replication-groups", "--replication-group-id", group, "--query",
                                         "ReplicationGroups[0].[NodeGroups.length(@),Status]"})};
  made.read.value = {Extract::Kind::json, "$[0]"};
  made.read.ready = std::pair(Extract{Extract::Kind::json, "$[1]"}, "available");
  made.set = ExecCall{aws(recipe, {"modify-replication-group-shard-configuration", "--replication-group-id", group,
                                   "--node-group-count", "{to}", "--apply-immediately"})};
  add_credentials(recipe, made);
  return made;
}

std::optional<std::string> node_groups_problem(const model::Action& action) {
  if (!action.down) return std::nullopt;
  return "elasticache_node_groups only grows: whoever takes a node group away must say which (leave \"down\" out)";
}

}  // namespace

std::vector<RecipeKind> elasticache_recipes() {
  return {
      {"elasticache_node_type",
       "The node type of a cache cluster of Amazon ElastiCache.",
       {{"cluster_id", "The cache cluster.", "sessions"}, region, credentials},
       false,
       "ladder: [cache.t3.micro, cache.t3.small, cache.t3.medium]",
       seconds{60},
       minutes{15},
       "a new node is made and the data is copied to it; how long that takes depends on the type and on the data (AWS "
       "names no time, and the status is `modifying` until then)",
       "Without `--apply-immediately` it would wait for the cluster's maintenance window. Nothing is begun unless the "
       "status is `available`. The credentials need `elasticache:DescribeCacheClusters` and "
       "`elasticache:ModifyCacheCluster`.",
       node_type},
      {"elasticache_node_groups",
       "How many node groups (shards) a replication group of Amazon ElastiCache has, in cluster mode.",
       {{"replication_group_id", "The replication group.", "sessions"}, region, credentials},
       true,
       "count: {min: 1, max: 3}",
       seconds{60},
       minutes{30},
       "slots are moved while the group serves, so it depends on the data (AWS names no time)",
       "It only grows: to take node groups away one must say which. The credentials need "
       "`elasticache:DescribeReplicationGroups` and `elasticache:ModifyReplicationGroupShardConfiguration`.",
       node_groups,
       node_groups_problem},
  };
}

}  // namespace tocsin::daemon
