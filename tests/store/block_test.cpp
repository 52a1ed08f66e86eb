#include "src/block.hpp"

#include <gtest/gtest.h>

namespace tocsin::store {
namespace {

constexpr std::int64_t max_age = 450'000;

std::unique_ptr<Block> with_rows(int rows, std::int64_t interval) {
  auto block = std::make_unique<Block>(0, "b");
  block->begin_row(0);
  const auto head = block->add_head().head;
  for (int i = 0; i < rows; ++i) {
    if (i > 0) block->begin_row(i * interval);
    EXPECT_TRUE(block->put(head, i));
    block->end_row();
  }
  return block;
}

TEST(Block, IsDueForSealingByRowsOrAge) {
  EXPECT_FALSE(Block(0, "b").due(1'000'000'000, max_age)) << "nothing to seal";
  EXPECT_FALSE(with_rows(63, 1'000)->due(63'000, max_age));
  EXPECT_TRUE(with_rows(64, 1'000)->due(64'000, max_age));
  EXPECT_FALSE(with_rows(16, 7'000)->due(119'999, max_age));
  EXPECT_TRUE(with_rows(16, 7'000)->due(120'000, max_age)) << "two minutes";
  EXPECT_FALSE(with_rows(15, 7'000)->due(120'000, max_age)) << "too few rows to be worth a segment";
  EXPECT_FALSE(with_rows(3, 60'000)->due(max_age - 1, max_age));
  EXPECT_TRUE(with_rows(3, 60'000)->due(max_age, max_age)) << "a quarter of the retention";
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
