// Reading what is of a known shape allocates nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "probes/redis_texts.hpp"
#include "redis/info.hpp"
#include "redis/samples.hpp"
#include "support/count_allocations.hpp"

namespace tocsin::probes::redis {
namespace {

TEST(RedisInfo, ReadingAFamiliarTextAllocatesNothing) {
  if (!counting) GTEST_SKIP() << "a sanitizer counts its own";
  const std::string text = test::redis_text("redis_7.0_primary.txt");
  core::SeriesTable table;
  InfoReader reader(core::Labels{{"job", "j"}, {"instance", "h:1"}});
  for (int round = 0; round < 3; ++round) {
    table.begin();
    const auto before = allocations.load();
    ASSERT_TRUE(reader.read(text, core::from_millis(1'800'000'000'000), 16, table));
    const auto used = allocations - before;
    if (round == 0) {
      EXPECT_GT(used, 0U) << "the counter counts";
    } else {
      EXPECT_EQ(used, 0U);
    }
    EXPECT_GT(table.take().rows.size(), 200U);
  }
}

constexpr Shape shape{"redis_x", {"n"}};

/// How often something was allocated for a list of samples, one for each of `numbers`, from its begin to its end;
/// `rows` gets them as the table has them.
std::size_t allocations_for(Samples& samples, core::SeriesTable& table, const std::vector<int>& numbers,
                            std::map<std::string, double>& rows) {
  table.begin();
  const auto before = allocations.load();
  samples.begin();
  for (const int n : numbers) samples.add(shape, {std::to_string(n)}, n);
  samples.end();
  samples.append(table);
  const auto used = allocations - before;
  rows.clear();
  for (const core::Row& row : table.take().rows) rows[std::string(table.labels(row.slot).get("n"))] = row.value;
  return used;
}

TEST(RedisSamples, AreKnownAgainBehindOneThatIsNewOrGone) {
  core::SeriesTable table;
  Samples samples(core::Labels{{"job", "j"}});
  std::vector<int> numbers(500);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::map<std::string, double> rows;
  EXPECT_GT(allocations_for(samples, table, numbers, rows) + (counting ? 0 : 1000), numbers.size());
  const auto expect_same = [&] {
    EXPECT_EQ(rows.size(), numbers.size());
    for (const int n : numbers) EXPECT_EQ(rows.at(std::to_string(n)), n);
  };
  expect_same();
  constexpr std::size_t few = 40;  // the room of all moves once; a new one has its labels made
  numbers.insert(numbers.begin() + 100, 1000);
  EXPECT_LT(allocations_for(samples, table, numbers, rows), few);
  expect_same();
  numbers.erase(numbers.begin() + 200, numbers.begin() + 210);
  EXPECT_LT(allocations_for(samples, table, numbers, rows), few);
  expect_same();
  std::reverse(numbers.begin(), numbers.end());
  static_cast<void>(allocations_for(samples, table, numbers, rows));
  expect_same();
  EXPECT_EQ(allocations_for(samples, table, numbers, rows), 0U);
}

}  // namespace
}  // namespace tocsin::probes::redis
