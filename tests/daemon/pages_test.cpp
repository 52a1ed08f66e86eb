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

TEST(StatusPage, SaysSoWhenAllIsWell) {
  PageData data;
  data.now = core::from_millis(1'000'000);
  EXPECT_NE(status_page(data).find("All is well"), std::string::npos);
  EXPECT_NE(status_page(data).find("nobody is told"), std::string::npos) << "no Alertmanager is worth a warning";
}

}  // namespace
}  // namespace tocsin::daemon
