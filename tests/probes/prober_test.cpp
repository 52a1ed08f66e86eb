// What every kind of probe adds to its batch, and how discarded series come back.
#include "tocsin/probes/prober.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tocsin::probes {
namespace {

using namespace std::chrono_literals;

std::map<std::string, double> values(const core::SeriesTable& table, const core::Batch& batch) {
  std::map<std::string, double> found;
  for (const auto& row : batch.rows) found[table.labels(row.slot).to_string()] = row.value;
  return found;
}

const core::Labels base{{"job", "cache"}, {"instance", "h:1"}};

TEST(CommonMetrics, GivesEveryClassFromTheStart) {
  CommonMetrics metrics(base);
  core::SeriesTable table;
  table.begin();
  metrics.append(table, core::Outcome::ok, 250ms);
  const auto found = values(table, table.take());
  EXPECT_EQ(found.size(), 2 + core::outcome_count - 1);
  EXPECT_EQ(found.at(R"(tocsin_probe_success{instance="h:1", job="cache"})"), 1);
  EXPECT_EQ(found.at(R"(tocsin_probe_duration_seconds{instance="h:1", job="cache"})"), 0.25);
  EXPECT_EQ(found.at(R"(tocsin_probe_failures_total{class="timeout", instance="h:1", job="cache"})"), 0);
  EXPECT_FALSE(found.contains(R"(tocsin_probe_failures_total{class="ok", instance="h:1", job="cache"})"));
}

TEST(CommonMetrics, CountsFailuresByClassAndIntroducesSeriesOnce) {
  CommonMetrics metrics(base);
  core::SeriesTable table;
  for (const auto outcome : {core::Outcome::timeout, core::Outcome::ok, core::Outcome::timeout, core::Outcome::auth}) {
    table.begin();
    metrics.append(table, outcome, 1s);
    static_cast<void>(table.take());
  }
  table.begin();
  metrics.append(table, core::Outcome::internal, 1s);
  const auto batch = table.take();
  EXPECT_TRUE(batch.fresh.empty());
  const auto found = values(table, batch);
  EXPECT_EQ(found.at(R"(tocsin_probe_success{instance="h:1", job="cache"})"), 0);
  EXPECT_EQ(found.at(R"(tocsin_probe_failures_total{class="timeout", instance="h:1", job="cache"})"), 2);
  EXPECT_EQ(found.at(R"(tocsin_probe_failures_total{class="auth", instance="h:1", job="cache"})"), 1);
  EXPECT_EQ(found.at(R"(tocsin_probe_failures_total{class="internal", instance="h:1", job="cache"})"), 1);
}

TEST(CommonMetrics, FindsItsSeriesAgainInATableThatWasReset) {
  CommonMetrics metrics(base);
  core::SeriesTable table;
  table.begin();
  metrics.append(table, core::Outcome::ok, 1s);
  static_cast<void>(table.take());
  table.reset();
  table.begin();
  for (int i = 0; i < 30; ++i) table.add(core::Labels{{"__name__", "other"}, {"n", std::to_string(i)}}, 7);
  metrics.append(table, core::Outcome::ok, 1s);
  const auto found = values(table, table.take());
  EXPECT_EQ(found.size(), 30 + 2 + core::outcome_count - 1);
  EXPECT_EQ(found.at(R"(tocsin_probe_success{instance="h:1", job="cache"})"), 1);
}

TEST(OwedSeries, AreIntroducedAgainWithTheirNextRow) {
  OwedSeries owed;
  owed.owe({{{0, {{"a", "0"}}}, {1, {{"a", "1"}}}, {2, {{"a", "2"}}}, {2, {{"a", "two"}}}}, {}});
  core::Batch batch{{{1, {{"a", "one"}}}}, {{1, 1.0}, {2, 2.0}, {7, 7.0}}};
  owed.settle(batch);
  ASSERT_EQ(batch.fresh.size(), 2U);
  EXPECT_EQ(batch.fresh[0].labels.get("a"), "one") << "a new meaning replaces what was owed";
  EXPECT_EQ(batch.fresh[1].slot, 2U);
  EXPECT_EQ(batch.fresh[1].labels.get("a"), "two") << "of two meanings the later one counts";
  core::Batch next{{}, {{0, 0.0}, {1, 1.0}, {2, 2.0}}};
  owed.settle(next);
  ASSERT_EQ(next.fresh.size(), 1U);
  EXPECT_EQ(next.fresh[0].slot, 0U) << "what had no row stays owed";
  core::Batch last{{}, {{0, 0.0}}};
  owed.settle(last);
  EXPECT_TRUE(last.fresh.empty());
}

}  // namespace
}  // namespace tocsin::probes
