// A familiar cluster of 10,000 partitions costs a single allocation a look, for the batch.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "probes/kafka_snapshot.hpp"
#include "support/count_allocations.hpp"

namespace tocsin::probes::kafka {
namespace {

Snapshot big(int look) {
  std::vector<Topic> topics;
  std::map<std::string, std::vector<std::int64_t>> commits;
  for (int t = 0; t < 100; ++t) {
    const std::string name = "topic-" + std::to_string(t);
    topics.push_back(test::topic(name, std::vector<std::int64_t>(100, 1000 + look * 100)));
    commits[name] = std::vector<std::int64_t>(100, 900 + look * 90);
  }
  return test::snapshot(look * 15.0, std::move(topics), {test::group("all", commits)});
}

TEST(KafkaSeries, AFamiliarClusterAllocatesNothing) {
  if (!counting) GTEST_SKIP() << "a sanitizer counts its own";
  Series series({{"job", "j"}, {"instance", "main"}}, {});
  core::SeriesTable table(200'000);
  // Histories grow to their bound first.
  for (int look = 0; look < 40; ++look) {
    const Snapshot snapshot = big(look);
    table.begin();
    const auto before = allocations.load();
    const auto start = std::chrono::steady_clock::now();
    series.add(snapshot, table);
    const auto took = std::chrono::steady_clock::now() - start;
    const auto used = allocations.load() - before;
    const std::size_t rows = table.take().rows.size();
    EXPECT_GE(rows, 90'000U);
    if (look == 0) {
      EXPECT_GT(used, 0U) << "the counter counts";
    }
    if (look == 39) {
      EXPECT_EQ(used, 0U);
      RecordProperty("microseconds",
                     std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
      RecordProperty("rows", std::to_string(rows));
      RecordProperty("table_size", std::to_string(table.size()));
    }
  }
}

}  // namespace
}  // namespace tocsin::probes::kafka
