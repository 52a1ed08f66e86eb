// What /metrics and / say.
#include <gtest/gtest.h>

#include <algorithm>

#include "src/exposition.hpp"
#include "src/status_page.hpp"

namespace tocsin::daemon {
namespace {

TEST(Exposition, GroupsFamiliesAndLeavesOutWhatRulesMade) {
  store::Store store{store::Limits{}};
  const auto target = store.open_block("target");
  core::Batch batch;
  batch.fresh = {
      {0, core::Labels{{"__name__", "redis_up"}, {"job", "cache"}, {"instance", "a\"b"}}},
      {1, core::Labels{{"__name__", "redis_commands_total"}, {"job", "cache"}, {"instance", "a\"b"}, {"cmd", "get"}}}};
  batch.rows = {{0, 1}, {1, 12}};
  (void)store.append(target, core::from_millis(10'000), batch);
  const auto rule = store.open_block("rule");
  core::Batch recorded;
  recorded.fresh = {{0, core::Labels{{"__name__", "ALERTS"}, {"job", "cache"}, {"instance", "a"}, {"alertname", "x"}}},
                    {1, core::Labels{{"__name__", "redis:memory_used:ratio"}, {"job", "cache"}, {"instance", "a"}}}};
  recorded.rows = {{0, 1}, {1, 0.5}};
  (void)store.append(rule, core::from_millis(10'000), recorded);
  store.publish();
  Metadata metadata;
  metadata.emplace("redis_up", core::MetricMeta{"redis_up", core::MetricType::gauge, "Whether Redis answered."});
  metadata.emplace("redis_commands_total",
                   core::MetricMeta{"redis_commands_total", core::MetricType::counter, "Calls."});
  EXPECT_EQ(expose_targets(store.snapshot(), metadata, core::from_millis(11'000)),
            "# HELP redis_commands_total Calls.\n# TYPE redis_commands_total counter\n"
            "redis_commands_total{cmd=\"get\",instance=\"a\\\"b\",job=\"cache\"} 12\n"
            "# HELP redis_up Whether Redis answered.\n# TYPE redis_up gauge\n"
            "redis_up{instance=\"a\\\"b\",job=\"cache\"} 1\n");
  EXPECT_EQ(expose_targets(store.snapshot(), metadata, core::from_millis(400'000)), "")
      << "values older than the look-back are not given";
}

TEST(Exposition, KeepsItsLayoutOnlyWhileTheSeriesStayTheSame) {
  store::Store store{store::Limits{}};
  const auto target = store.open_block("target");
  const auto up = [](const char* instance) {
    return core::Labels{{"__name__", "redis_up"}, {"job", "cache"}, {"instance", instance}};
  };
  Exposition exposition;
  const Metadata metadata;
  const auto page = [&](std::int64_t at) {
    store.publish();
    return exposition.expose(store.snapshot(), metadata, core::from_millis(at));
  };
  core::Batch batch;
  batch.fresh = {{0, up("b")}};
  batch.rows = {{0, 1}};
  (void)store.append(target, core::from_millis(10'000), batch);
  EXPECT_EQ(page(10'000), "# TYPE redis_up untyped\nredis_up{instance=\"b\",job=\"cache\"} 1\n");
  batch.fresh.clear();
  batch.rows = {{0, 0}};
  (void)store.append(target, core::from_millis(11'000), batch);
  EXPECT_EQ(page(11'000), "# TYPE redis_up untyped\nredis_up{instance=\"b\",job=\"cache\"} 0\n");
  batch.fresh = {{1, up("a")}};
  batch.rows = {{0, 0}, {1, 1}};
  (void)store.append(target, core::from_millis(12'000), batch);
  EXPECT_EQ(
      page(12'000),
      "# TYPE redis_up untyped\nredis_up{instance=\"b\",job=\"cache\"} 0\nredis_up{instance=\"a\",job=\"cache\"} 1\n");
  batch.fresh.clear();
  batch.rows = {{1, 1}};
  (void)store.append(target, core::from_millis(13'000), batch);
  EXPECT_EQ(page(13'000), "# TYPE redis_up untyped\nredis_up{instance=\"a\",job=\"cache\"} 1\n");
}

TEST(Exposition, SaysTheSameWhetherItKeptItsLayoutOrNot) {
  store::Limits limits;
  limits.retention = std::chrono::minutes(1);
  store::Store store{limits};
  Exposition exposition;
  const Metadata metadata;
  const auto name = [](const char* metric, int n) {
    return core::Labels{{"__name__", metric}, {"instance", "a"}, {"job", "cache"}, {"n", std::to_string(n)}};
  };
  // Enough series for the store to number those that stay anew when the others went.
  constexpr int many = 3000;
  const auto stays = store.open_block("stays");
  const auto goes = store.open_block("goes");
  core::Batch first, last;
  for (int n = 0; n < many; ++n) {
    first.fresh.push_back({static_cast<core::Slot>(n), name(n % 2 == 0 ? "redis_a" : "redis_b", n)});
    first.rows.push_back({static_cast<core::Slot>(n), double(n)});
  }
  last.fresh = {{0, name("redis_b", many)}, {1, name("redis_a", many + 1)}};
  last.rows = {{0, 1}, {1, 2}};
  const auto same = [&](std::int64_t at) {
    store.publish();
    const auto now = core::from_millis(at);
    const std::string page = exposition.expose(store.snapshot(), metadata, now);
    EXPECT_EQ(page, expose_targets(store.snapshot(), metadata, now)) << at;
    return std::count(page.begin(), page.end(), '\n');
  };
  (void)store.append(goes, core::from_millis(10'000), first);
  EXPECT_EQ(same(10'000), many + 2);
  (void)store.append(stays, core::from_millis(11'000), last);
  EXPECT_EQ(same(11'000), many + 4);
  const auto numbering = store.snapshot().numbering();
  store.close_block(goes, core::from_millis(12'000));
  EXPECT_EQ(same(12'000), 4);
  last.fresh.clear();
  for (std::int64_t at = 20'000; at < 400'000; at += 10'000) {
    (void)store.append(stays, core::from_millis(at), last);
    store.maintain(core::from_millis(at));
    EXPECT_EQ(same(at), 4);
  }
  EXPECT_NE(store.snapshot().numbering(), numbering);
  last.fresh = {{2, name("redis_a", 7)}};
  last.rows.push_back({2, 3});
  (void)store.append(stays, core::from_millis(400'000), last);
  EXPECT_EQ(same(400'000), 5);
}

TEST(StatusPage, EscapesEverythingThatOthersSaid) {
  PageData data;
  data.now = core::from_millis(1'000'000);
  TargetStatus target;
  target.job = "<script>alert(1)</script>";
  target.display = "redis://a\"b";
  target.detail = "<b>";
  target.outcome = core::Outcome::connect;
  target.last_probe = core::from_millis(999'000);
  data.targets.push_back(target);
  data.troubles = {"the last reload failed, the old configuration is in force: x.yml:1:2: <i>"};
  const std::string page = status_page(data);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos) << page;
  EXPECT_EQ(page.find("<i>"), std::string::npos);
  EXPECT_NE(page.find("1 target is sick"), std::string::npos);
  EXPECT_NE(page.find("old configuration is in force"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos) << "a placeholder was left";
}

TEST(StatusPage, ShowsThatActionsArePausedAndWhatWaitsForAPerson) {
  PageData data;
  data.now = core::from_millis(1'000'000);
  data.pauses = {{"all", core::from_millis(3'600'000)}};
  actions::ActionStatus action;
  action.name = "grow";
  action.target = "<workers>";
  action.mode = "approve";
  action.id = "1f2e";
  action.at = core::from_millis(990'000);
  action.step = core::ActionStep::awaiting_approval;
  action.from = "2";
  action.to = "4";
  action.inputs = "value=812";
  action.lapses = core::from_millis(1'060'000);
  action.not_before = core::from_millis(2'000'000);
  action.drift_from = "1";
  action.drift_to = "2";
  action.drifted_at = core::from_millis(900'000);
  actions::ActionStatus stopped;
  stopped.name = "shrink";
  stopped.breaker_open = true;
  stopped.failures_in_row = 2;
  data.actions = {action, stopped};
  core::ActionRecord row;
  row.id = "0a";
  row.action = "grow";
  row.step = core::ActionStep::effective;
  row.at = core::from_millis(500'000);
  row.direction = core::Direction::down;
  row.reason = "<cleared>";
  row.inputs = "value=3";
  row.by = "alice";
  data.recent = {row};
  const std::string page = status_page(data);
  const auto heading = page.find("<h1>"), main = page.find("<main>");
  const auto paused = page.find("<span class=\"bad\">All actions are paused until 1970-01-01T01:00:00Z</span>");
  EXPECT_TRUE(heading < paused && paused < main) << page;
  for (const char* const said :
       {"tocsin actions resume", "tocsin actions approve 1f2e", "lapses in 1m (1970-01-01T00:17:40Z)", "2 -&gt; 4",
        "value=812", "in 16m40s (1970-01-01T00:33:20Z)", "somebody else changed it 1m40s ago: 1 -&gt; 2",
        "tocsin actions rearm shrink", "&lt;workers&gt;", "&lt;cleared&gt;", "alice", "value=3", "down",
        "<code>0a</code>"})
    EXPECT_NE(page.find(said), std::string::npos) << said << page;
}

TEST(StatusPage, ShowsWhatOnlyInformsLastAndIsNotAlarmedByIt) {
  const auto alert = [](const std::string& name, const std::string& severity, core::AlertState state) {
    core::Alert one;
    one.rule = name;
    one.state = state;
    one.labels = core::Labels{{"alertname", name}, {"severity", severity}};
    return one;
  };
  rules::GroupStatus group;
  group.rules.resize(1);
  group.rules[0].alerts = {alert("ActionTaken", "info", core::AlertState::firing),
                           alert("Watchdog", "none", core::AlertState::firing)};
  PageData data;
  data.now = core::from_millis(1'000'000);
  data.groups = {std::make_shared<const rules::GroupStatus>(group)};
  const std::string calm = status_page(data);
  EXPECT_NE(calm.find("All is well"), std::string::npos);
  EXPECT_NE(calm.find("firing 0, pending 0, informing 2"), std::string::npos);
  group.rules[0].alerts.push_back(alert("Waits", "critical", core::AlertState::pending));
  group.rules[0].alerts.push_back(alert("Burns", "", core::AlertState::firing));
  data.groups = {std::make_shared<const rules::GroupStatus>(group)};
  const std::string page = status_page(data);
  EXPECT_NE(page.find("1 alert firing"), std::string::npos);
  EXPECT_LT(page.find("<td>Burns"), page.find("<td>Waits"));
  EXPECT_LT(page.find("<td>Waits"), page.find("<td>ActionTaken"));
}

TEST(StatusPage, SaysSoWhenAllIsWell) {
  PageData data;
  data.now = core::from_millis(1'000'000);
  EXPECT_NE(status_page(data).find("All is well"), std::string::npos);
  EXPECT_NE(status_page(data).find("nobody is told"), std::string::npos) << "no Alertmanager is worth a warning";
}

}  // namespace
}  // namespace tocsin::daemon
