// What every kind of probe adds to its batch.
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
  EXPECT_EQ(found.size(), 3 + core::outcome_count - 1);
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
  EXPECT_EQ(found.size(), 30 + 3 + core::outcome_count - 1);
  EXPECT_EQ(found.at(R"(tocsin_probe_success{instance="h:1", job="cache"})"), 1);
}

}  // namespace
}  // namespace tocsin::probes
