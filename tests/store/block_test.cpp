#include "src/block.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::store {
namespace {

constexpr std::int64_t max_age = 450'000;

void add_rows(Block& block, std::uint32_t head, int rows, std::int64_t from, std::int64_t interval) {
  for (int i = 0; i < rows; ++i) {
    block.begin_row(from + i * interval);
    EXPECT_TRUE(block.put(head, i));
    block.end_row();
  }
}

std::unique_ptr<Block> with_rows(int rows, std::int64_t interval, std::uint32_t id = 0) {
  auto block = std::make_unique<Block>(id, "b");
  add_rows(*block, block->add_head().head, rows, 0, interval);
  return block;
}

TEST(Block, IsDueForSealingByRowsOrAge) {
  EXPECT_FALSE(Block(0, "b").due(1'000'000'000, max_age)) << "nothing to seal";
  EXPECT_FALSE(with_rows(63, 1'000)->due(63'000, max_age));
  EXPECT_TRUE(with_rows(64, 1'000)->due(64'000, max_age));
  EXPECT_FALSE(with_rows(16, 14'000)->due(239'999, max_age));
  EXPECT_TRUE(with_rows(16, 14'000)->due(240'000, max_age)) << "four minutes";
  EXPECT_FALSE(with_rows(15, 14'000)->due(240'000, max_age)) << "too few rows to be worth a segment";
  EXPECT_FALSE(with_rows(3, 60'000)->due(max_age - 1, max_age));
  EXPECT_TRUE(with_rows(3, 60'000)->due(max_age, max_age)) << "a quarter of the retention";
}

TEST(Block, ThoseThatBeganTogetherAreNotDueTogether) {
  std::vector<std::int64_t> first;
  for (std::uint32_t id = 0; id < 100; ++id) {
    const auto block = with_rows(40, 1'000, id);
    std::int64_t at = 40'000;
    while (!block->due(at, max_age)) at += 1'000;
    first.push_back(at);
    block->seal();
    add_rows(*block, 0, 40, at, 1'000);
    EXPECT_FALSE(block->due(at + 239'000, max_age)) << "later segments are whole";
    EXPECT_TRUE(block->due(at + 240'000, max_age));
  }
  for (std::int64_t from = 60'000; from < 240'000; from += 30'000) {
    const auto in =
        std::count_if(first.begin(), first.end(), [&](auto at) { return at > from && at <= from + 30'000; });
    EXPECT_NEAR(static_cast<double>(in), 100.0 / 6, 3) << from;
  }
}

TEST(Block, SealingKeepsEverySampleAndGivesBackTheOpenRows) {
  const auto block = with_rows(40, 1'000);
  block->seal();
  EXPECT_EQ(block->oldest(), 39'000);
  std::vector<core::Sample> samples;
  block->read({0, 1}, -1, 100'000, false, samples);
  ASSERT_EQ(samples.size(), 40U);
  EXPECT_EQ(samples[39].value, 39);
  EXPECT_EQ(block->drop(38'999), 0U);
  EXPECT_EQ(block->drop(39'000), 1U);
  EXPECT_FALSE(block->has_samples());
}

}  // namespace
}  // namespace tocsin::store
