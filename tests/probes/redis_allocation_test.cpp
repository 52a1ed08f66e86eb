// Reading an INFO text of a known shape allocates nothing.
#include <gtest/gtest.h>

#include <cstdlib>

#include "probes/redis_texts.hpp"
#include "redis/info.hpp"
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

}  // namespace
}  // namespace tocsin::probes::redis
