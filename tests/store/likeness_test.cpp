#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/block.hpp"
#include "src/column.hpp"
#include "src/segment.hpp"
#include "steps.hpp"

namespace tocsin::store {
namespace {

using Values = std::vector<double>;

/// A counter that goes up unevenly.
Values uneven(double from, double scale, std::uint32_t seed, std::size_t rows = 40) {
  std::mt19937 random(seed);
  Values values;
  auto at = static_cast<std::int64_t>(from);
  for (std::size_t row = 0; row < rows; ++row) {
    at += 5000 + static_cast<std::int64_t>(random() % 4000);
    values.push_back(static_cast<double>(at) / scale);
  }
  return values;
}

/// A sealed block whose heads have these values.
std::unique_ptr<Block> sealed(const std::vector<Values>& all) {
  auto block = std::make_unique<Block>(0, "b");
  for (std::size_t row = 0; row < all.front().size(); ++row) {
    block->begin_row(static_cast<std::int64_t>(row) * 1000);
    for (std::uint32_t head = 0; head < all.size(); ++head) {
      if (row == 0) static_cast<void>(block->add_head());
      EXPECT_TRUE(block->put(head, all[head][row]));
    }
    block->end_row();
  }
  block->seal();
  return block;
}

Values read(const Block& block, std::uint32_t head) {
  std::vector<core::Sample> samples;
  block.read({head, 1}, -1, 1'000'000, false, samples);
  Values values;
  for (const core::Sample& sample : samples) values.push_back(sample.value);
  return values;
}

TEST(Likeness, OfSeriesThatGoUpTogetherTheBitsStandOnce) {
  const auto apart = sealed({uneven(0, 1, 1), uneven(7e9, 1, 2), uneven(123, 1e6, 3)});
  const std::vector<Values> alike{uneven(0, 1, 1), uneven(7e9, 1, 1), uneven(123, 1e6, 1)};
  const auto together = sealed(alike);
  EXPECT_LT(together->bytes() + 2 * 50, apart->bytes()) << "12 bits and more of 40 rows, twice";
  for (std::uint32_t head = 0; head < 3; ++head) {
    EXPECT_EQ(read(*together, head), alike[head]) << head;
    EXPECT_EQ(together->earlier({head, 1}, 20'500, -1, false)->value, alike[head][20]);
  }
}

TEST(Likeness, WhateverIsAlikeIsReadAsItWas) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const std::size_t rows = 1 + random() % 64;
    std::vector<Values> all;
    for (std::size_t head = 0; head < 30; ++head) {
      // A few sources, so that many are alike; one in four has something of its own.
      Values values =
          uneven(static_cast<double>(random() % 1'000'000), std::pow(1000.0, random() % 4), random() % 5, rows);
      if (random() % 4 == 0) values[random() % rows] += random() % 3 == 0 ? 1.0 / 3 : 1;
      if (random() % 8 == 0) values.assign(rows, 17);
      all.push_back(std::move(values));
    }
    const auto block = sealed(all);
    for (std::uint32_t head = 0; head < all.size(); ++head) ASSERT_EQ(read(*block, head), all[head]) << round;
  }
}

Column likeness(std::uint8_t zigzag_distance, const Column& column, std::size_t head) {
  Column bytes{0xff, 0xff, zigzag_distance};
  bytes.insert(bytes.end(), column.begin(), column.begin() + static_cast<std::ptrdiff_t>(head));
  return bytes;
}

std::shared_ptr<const Segment> segment_of(const std::vector<Column>& heads) {
  std::vector<std::uint16_t> lengths;
  Column payload;
  for (const Column& head : heads) {
    lengths.push_back(static_cast<std::uint16_t>(head.size()));
    payload.insert(payload.end(), head.begin(), head.end());
  }
  std::vector<std::uint32_t> offsets(40);
  for (std::uint32_t row = 0; row < offsets.size(); ++row) offsets[row] = row * 1000;
  const Times times{0, reinterpret_cast<const std::uint8_t*>(offsets.data()), 40};
  return std::make_shared<const Segment>(1, times, lengths, payload);
}

/// What a disk may have: whether the last head can be read.
bool sound(const std::vector<Column>& heads) {
  const auto segment = segment_of(heads);
  ColumnBuffer space;
  return examine(segment->steps(segment->heads() - 1, space), 40).has_value();
}

TEST(Likeness, ToWhatIsNoneIsRefused) {
  const Column column = column_of(uneven(0, 1, 1));
  const Column wider = column_of(uneven(0, 1e-3, 1));
  ASSERT_GT(column.size(), 12U);
  const std::size_t head = column.size() - (39U * (column[2] & 0x1fU) + 7) / 8;
  ASSERT_EQ(column[1] & 0x20U, 0U) << "one difference deep, as the line above takes it";
  EXPECT_TRUE(sound({column, likeness(2, column, head)}));
  EXPECT_FALSE(sound({column, likeness(0, column, head)})) << "itself";
  EXPECT_FALSE(sound({column, likeness(1, column, head)})) << "one that comes later";
  EXPECT_FALSE(sound({column, likeness(4, column, head)})) << "before the first";
  EXPECT_FALSE(sound({column, likeness(0x80, column, 0)})) << "a distance without an end";
  EXPECT_FALSE(sound({column, likeness(2, column, head - 1)})) << "cut off";
  EXPECT_FALSE(sound({column, likeness(2, column, head + 1)})) << "bits of its own";
  EXPECT_FALSE(sound({column, likeness(2, column, 0)})) << "nothing";
  EXPECT_FALSE(sound({wider, likeness(2, column, head)})) << "bits of another width";
  EXPECT_FALSE(sound({steps_of(uneven(0, 1, 1)), likeness(2, column, head)})) << "no column";
  EXPECT_FALSE(sound({column, likeness(2, column, head), likeness(2, column, head)})) << "a likeness itself";
  Column cut = column;
  cut.pop_back();
  EXPECT_FALSE(sound({cut, likeness(2, column, head)})) << "bits that end early";
}

}  // namespace
}  // namespace tocsin::store
