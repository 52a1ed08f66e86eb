#include "src/postings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tocsin::store {
namespace {

using Series = std::vector<std::uint32_t>;

Series read(const Series& words) {
  Series out;
  Postings(words).append_to(out);
  return out;
}

struct Case {
  Series series;
  std::size_t words;  // as which they are written
};

class PostingsTable : public testing::TestWithParam<Case> {};

TEST_P(PostingsTable, GivesWhatWasWritten) {
  const auto& [series, size] = GetParam();
  Series words;
  write_postings(series, words);
  EXPECT_EQ(words.size(), size);
  EXPECT_EQ(read(words), series);
  EXPECT_EQ(Postings(words).size(), series.size());
}

INSTANTIATE_TEST_SUITE_P(Table, PostingsTable,
                         testing::Values(Case{{}, 0}, Case{{0}, 1}, Case{{7, 8}, 2}, Case{{7, 8, 9}, 3},
                                         Case{{0, 1, 2, 3}, 2}, Case{{4, 5, 6, 7, 8, 20}, 6},
                                         Case{{1, 3, 5, 7, 9, 11}, 6}, Case{{0, 1, 2, 3, 4, 10, 11, 12, 13, 14}, 4},
                                         Case{{0x7ffffffc, 0x7ffffffd, 0x7ffffffe, 0x7fffffff}, 2}));

TEST(Postings, KeepWhatBothHave) {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    // Dense ones become runs, others stay.
    const auto draw = [&random] {
      Series series;
      const std::uint32_t gap = 1 + random() % 40;
      const std::uint32_t stay = random() % 60;
      for (std::uint32_t at = random() % 50; series.size() < 80; at += random() % 60 < stay ? 1 : gap) {
        if (series.empty() || series.back() != at) series.push_back(at);
      }
      series.resize(random() % 80);
      return series;
    };
    const Series mine = draw();
    const Series theirs = draw();
    Series expected;
    std::set_intersection(mine.begin(), mine.end(), theirs.begin(), theirs.end(), std::back_inserter(expected));
    Series words;
    write_postings(theirs, words);
    Series candidates = mine;
    Postings(words).intersect(candidates);
    ASSERT_EQ(candidates, expected) << round;
  }
}

}  // namespace
}  // namespace tocsin::store
