#include "tocsin/rules/packs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "scenario.hpp"

namespace tocsin::rules {
namespace {

using test::Scenario;

std::string file(std::string_view pack) { return TOCSIN_SOURCE_DIR "/rules/packs/" + std::string(pack) + ".yml"; }

std::set<std::string> public_alerts() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/tests/rules/public")) {
    if (entry.path().extension() != ".yml") continue;
    for (const GroupSpec& group : test::good_rules(tocsin::test::read_text(entry.path()))) {
      for (const RuleSpec& rule : group.rules) names.insert(rule.name);
    }
  }
  return names;
}

TEST(Packs, AreInside) {
  std::vector<std::string> names;
  for (const Pack& pack : packs()) {
    names.emplace_back(pack.name);
    EXPECT_EQ(pack.text, tocsin::test::read_text(file(pack.name)));
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_THAT(names, ::testing::IsSupersetOf({"http", "redis", "tocsin"}));
}

TEST(Packs, EveryAlertSaysWhatItMeansAndWhatToDo) {
  const auto taken = public_alerts();
  std::set<std::string> own;
  for (const Pack& pack : packs()) {
    for (const GroupSpec& group : test::good_rules(std::string(pack.text))) {
      for (const RuleSpec& rule : group.rules) {
        if (rule.kind == RuleSpec::Kind::record) continue;
        const auto has = [](const std::vector<core::Label>& labels, std::string_view name) {
          return std::any_of(labels.begin(), labels.end(),
                             [&](const core::Label& l) { return l.name == name && !l.value.empty(); });
        };
        EXPECT_TRUE(has(rule.labels, "severity")) << rule.name;
        EXPECT_TRUE(has(rule.annotations, "summary")) << rule.name;
        EXPECT_TRUE(has(rule.annotations, "description")) << rule.name;
        // A corrected copy has the name of the rule that never fires.
        EXPECT_EQ(taken.contains(rule.name), pack.name.ends_with("_corrected"))
            << rule.name << " is a public rule's name: both would page";
        EXPECT_TRUE(own.insert(rule.name).second) << rule.name << " is there twice";
      }
    }
  }
}

TEST(Packs, PrometheusReadsThem) {
  if (!tocsin::test::has_promtool()) GTEST_SKIP() << "promtool is not installed";
  for (const Pack& pack : packs()) {
    const auto result = tocsin::test::promtool({"check", "rules", file(pack.name)});
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
}

TEST(Packs, PythonReadsTheSame) {
  for (const Pack& pack : packs()) {
    const std::string script =
        "import sys, yaml\n"
        "for g in yaml.safe_load(open(sys.argv[1]))[\"groups\"] or []:\n"
        "  for r in g[\"rules\"]:\n"
        "    print(r.get(\"alert\", r.get(\"record\")), r[\"expr\"], r.get(\"for\", \"\"), "
        "sorted(r.get(\"annotations\", {}).values()), sep=\"|\")\n";
    std::string output;
    FILE* const pipe = popen(("python3 -c '" + script + "' '" + file(pack.name) + "' 2>&1; echo done $?").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output += static_cast<char>(c);
    pclose(pipe);
    if (output.find("No module named") != std::string::npos || output.find("done 127") != std::string::npos) {
      GTEST_SKIP() << "PyYAML is not installed";
    }
    EXPECT_THAT(output, ::testing::HasSubstr("done 0"));
    for (const GroupSpec& group : test::good_rules(std::string(pack.text))) {
      for (const RuleSpec& rule : group.rules)
        EXPECT_THAT(output, ::testing::HasSubstr(rule.name + "|" + rule.expression + "|"));
    }
  }
}

std::string of(const std::string& name, const std::string& more = "") {
  return name + R"({instance="10.0.0.1:6379",job="cache")" + more + "}";
}

TEST(Packs, RedisAlertsFire) {
  const auto memory = [](double used, double evicted) {
    return std::vector<test::Input>{{of("redis_memory_used_bytes"), used},
                                    {of("redis_memory_max_bytes"), 1000},
                                    {of("redis_evicted_keys_total"), 5, evicted}};
  };
  test::expect_agreement(
      file("redis"),
      {
          {"RedisInstanceDown", {{of("redis_up"), 0}}},
          {"RedisMemoryNearlyFull", memory(950, 0), 840},
          {"RedisMemoryExhausted", memory(990, 0)},
          {"RedisEvictingUnderPressure", memory(999, 3), 1680},
          {"RedisHitRatioLow",
           {{of("redis_keyspace_hits_total"), 0, 1},
            {of("redis_keyspace_misses_total"), 0, 3},
            {of("redis_evicted_keys_total"), 0, 1}},
           2520},
          {"RedisConnectionsNearlyUsedUp", {{of("redis_connected_clients"), 95}, {of("redis_config_maxclients"), 100}}},
          {"RedisConnectionsNearlyUsedUp", {{of("redis_connected_clients"), 95}, {of("redis_max_clients"), 100}}},
          {"RedisConnectionsRefused", {{of("redis_rejected_connections_total"), 0, 1}}},
          {"RedisReplicaLinkDown", {{of("redis_master_link_up", R"(,master_host="m",master_port="6379")"), 0}}},
          {"RedisReplicaLost", {{of("redis_connected_slaves"), 2, 0, 210, 1}}},
          {"RedisSnapshotFailing", {{of("redis_rdb_last_bgsave_status"), 0}}},
          {"RedisAppendOnlyFileFailing",
           {{of("redis_aof_last_write_status"), 0},
            {of("redis_aof_last_bgrewrite_status"), 1},
            {of("redis_aof_enabled"), 1}}},
          {"RedisClusterBroken", {{of("redis_cluster_state"), 0}}},
      });
}

std::string web(const std::string& name) { return name + R"({instance="https://example.org/",job="web"})"; }

TEST(Packs, HttpAlertsFire) {
  test::expect_agreement(file("http"),
                         {
                             {"HttpProbeFailed", {{web("probe_success"), 0}}},
                             {"HttpProbeSlow", {{web("probe_duration_seconds"), 1.5}, {web("probe_success"), 1}}},
                             {"HttpCertificateExpiresSoon", {{web("probe_ssl_earliest_cert_expiry"), 864'000}}, 4200},
                             {"HttpCertificateExpiresVerySoon", {{web("probe_ssl_earliest_cert_expiry"), 100'000}}},
                             {"HttpCertificateExpired", {{web("probe_ssl_earliest_cert_expiry"), -5}}},
                         });
}

/// Who has had enough of us is there.
TEST(Packs, ThrottledIsNotDown) {
  for (const double status : {429.0, 503.0}) {
    const auto firing = test::play({"", {{web("probe_success"), 0}, {web("probe_http_status_code"), status}}},
                                   tocsin::test::read_text(file("http")));
    const auto alerts = firing.find("HttpProbeFailed");
    ASSERT_NE(alerts, firing.end());
    EXPECT_EQ(alerts->second.empty(), status == 429) << status;
  }
}

std::string done(const std::string& name, const std::string& more = "") {
  return name + R"({action="a",from="2",target="t",to="4")" + more + "}";
}

TEST(Packs, OwnAlertsFire) {
  test::expect_agreement(
      file("tocsin"),
      {
          {"TocsinWatchdog", {}},
          {"TocsinConfigReloadFailed", {{"tocsin_config_last_reload_successful", 0}}},
          {"TocsinTargetAuthRefused", {{of("tocsin_probe_failures_total", R"(,class="auth")"), 0, 1}}},
          {"TocsinTargetThrottled", {{of("tocsin_probe_failures_total", R"(,class="throttled")"), 0, 1}}},
          {"TocsinRuleFailing", {{R"(tocsin_rule_group_failures_total{rule_group="f;g"})", 0, 1}}},
          {"TocsinRuleEvaluationsMissed", {{R"(tocsin_rule_group_missed_total{rule_group="f;g"})", 0, 1}}},
          {"TocsinNotificationsFailing", {{"tocsin_notifications_errors_total", 0, 1}}},
          {"TocsinNotificationsDropped", {{"tocsin_notifications_dropped_total", 0, 1}}},
          {"TocsinStoreFull", {{"tocsin_store_limit_hit", 1}}},
          {"TocsinDuplicateSeries", {{"tocsin_store_refused_duplicates_total", 0, 1}}},
          {"TocsinActionApprovalAwaited",
           {{R"(tocsin_action_awaiting_approval{action="a",from="2",id="1f",lapses="2026-01-01T00:00:00Z",target="t",to="4"})",
             1}}},
          {"TocsinActionTaken", {{done("tocsin_action_last_change_timestamp_seconds"), 100}}},
          {"TocsinActionFailed", {{done("tocsin_action_last_end_timestamp_seconds", R"(,step="failed")"), 100}}},
          {"TocsinActionUnknown", {{done("tocsin_action_last_end_timestamp_seconds", R"(,step="unknown")"), 100}}},
          {"TocsinActionIneffective",
           {{done("tocsin_action_last_end_timestamp_seconds", R"(,step="ineffective")"), 100}}},
          {"TocsinActionBreakerOpen", {{R"(tocsin_action_breaker_open{action="a",target="t"})", 1}}},
          {"TocsinActionLadderAtEnd", {{R"(tocsin_action_at_end{action="a",target="t"})", 1}}},
          {"TocsinActionDrift", {{done("tocsin_action_drift_timestamp_seconds"), 100}}},
      });
}

/// What a platform is known to do of its own is worth a note, and no more.
TEST(Packs, ExpectedDriftIsNoWarning) {
  for (const bool expected : {false, true}) {
    const std::string more = expected ? R"(,expected="fly")" : "";
    const auto firing = test::play({"", {{done("tocsin_action_drift_timestamp_seconds", more), 100}}},
                                   tocsin::test::read_text(file("tocsin")));
    const auto alerts = firing.find("TocsinActionDrift");
    ASSERT_TRUE(alerts != firing.end() && alerts->second.size() == 1);
    EXPECT_EQ(alerts->second[0].labels.get("severity"), expected ? "info" : "warning");
  }
}

/// What was done long ago is no news; a run that went well is no failure; a pause is forgotten only after hours.
TEST(Packs, OwnAlertsOfActionsEnd) {
  const auto firing = test::play({"",
                                  {{done("tocsin_action_last_change_timestamp_seconds"), 100},
                                   {done("tocsin_action_last_end_timestamp_seconds", R"(,step="effective")"), 4900},
                                   {done("tocsin_action_drift_timestamp_seconds"), 100},
                                   {R"(tocsin_action_breaker_open{action="a",target="t"})", 0},
                                   {R"(tocsin_action_at_end{action="a",target="t"})", 0},
                                   {R"(tocsin_actions_paused{what="all"})", 1}},
                                  5040},
                                 tocsin::test::read_text(file("tocsin")));
  for (const auto& [name, alerts] : firing) EXPECT_EQ(alerts.empty(), name != "TocsinWatchdog") << name;
}

TEST(Packs, AwaitedApprovalSaysTheCommand) {
  const auto firing = test::play(
      {"",
       {{R"(tocsin_action_awaiting_approval{action="a",from="2",id="1f",lapses="2026-01-01T00:15:00Z",target="t",to="4"})",
         1}}},
      tocsin::test::read_text(file("tocsin")));
  const auto alerts = firing.find("TocsinActionApprovalAwaited");
  ASSERT_TRUE(alerts != firing.end() && alerts->second.size() == 1);
  const core::Labels& said = alerts->second[0].annotations;
  EXPECT_EQ(said.get("command"), "tocsin actions approve 1f");
  EXPECT_NE(said.get("description").find("lapses at 2026-01-01T00:15:00Z"), std::string::npos);
}

/// What has no ratio gives none: no limit on memory, no traffic, no limit on connections.
TEST(Packs, GuardsHold) {
  const auto firing = test::play({"",
                                  {{of("redis_memory_used_bytes"), 1e9},
                                   {of("redis_memory_max_bytes"), 0},
                                   {of("redis_evicted_keys_total"), 0},
                                   {of("redis_keyspace_hits_total"), 100},
                                   {of("redis_keyspace_misses_total"), 100},
                                   {of("redis_connected_clients"), 10},
                                   {of("redis_config_maxclients"), 0},
                                   {of("redis_up"), 1}},
                                  2520},
                                 tocsin::test::read_text(file("redis")));
  for (const auto& [name, alerts] : firing) EXPECT_TRUE(alerts.empty()) << name;
}

}  // namespace
}  // namespace tocsin::rules
