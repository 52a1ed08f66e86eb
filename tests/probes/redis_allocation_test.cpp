// Reading an INFO text of a known shape allocates nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "probes/redis_texts.hpp"
#include "redis/info.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counting = false;  // sanitizers bring their own operator new
std::atomic<std::size_t> allocations = 0;
#else
constexpr bool counting = true;
std::atomic<std::size_t> allocations = 0;

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif

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
