#include "tocsin/core/text_pool.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tocsin/core/observation.hpp"

namespace tocsin::core {
namespace {

TEST(TextPool, KeepsATextAsLongAsSomebodyHasIt) {
  TextPool pool;
  auto one = pool.take("up");
  {
    const auto two = pool.take("up");
    EXPECT_EQ(&*one, &*two);
    EXPECT_EQ(pool.size(), 1U);
  }
  EXPECT_EQ(*one, "up");
  auto moved = std::move(one);
  EXPECT_EQ(*moved, "up");
  moved = pool.take("down");
  EXPECT_EQ(pool.size(), 1U) << "the old one is gone";
}

TEST(TextPool, IsSharedByTables) {
  const auto pool = std::make_shared<TextPool>();
  {
    std::vector<SeriesTable> tables;
    for (int i = 0; i < 10; ++i) {
      auto& table = tables.emplace_back(100, 2, pool);
      table.begin();
      for (int k = 0; k < 20; ++k) {
        table.add(Labels{{"__name__", "m" + std::to_string(k)}, {"instance", std::to_string(i)}}, 1);
      }
      EXPECT_EQ(table.take().fresh.size(), 20U);
    }
    EXPECT_EQ(pool->size(), 20U) << "what is common to a target is not part of them";
    for (auto& table : tables) {
      EXPECT_EQ(table.labels(3).get("__name__"), "m3");
      table.begin();
      table.add(Labels{{"__name__", "other"}, {"instance", "x"}}, 1);
    }
    tables[0] = std::move(tables[1]);
    tables.resize(3);
    EXPECT_EQ(tables[0].labels(4).get("__name__"), "m4");
  }
  EXPECT_EQ(pool->size(), 0U);
}

}  // namespace
}  // namespace tocsin::core
