#include "tocsin/core/labels.hpp"

#include <gtest/gtest.h>

namespace tocsin::core {
namespace {

TEST(Labels, AreSortedAndUnique) {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"b", "3"}, {"c", ""}};
  EXPECT_EQ(labels.to_string(), "{a=\"1\", b=\"3\"}");
  EXPECT_EQ(labels.size(), 2U);
  EXPECT_TRUE((Labels{{"a", "1"}, {"a", ""}}.empty())) << "the last one stands, and it is no label";
  EXPECT_EQ((Labels{{"a", ""}, {"a", "1"}}), (Labels{{"a", "1"}}));
  EXPECT_EQ((Labels{{"d", "4"}, {"c", "3"}, {"b", "2"}, {"a", "1"}, {"a", "9"}}).to_string(),
            "{a=\"9\", b=\"2\", c=\"3\", d=\"4\"}");
}

TEST(Labels, FindSetAndErase) {
  Labels labels{{"m", "1"}};
  labels.set("z", "2");
  labels.set("a", "3");
  labels.set("m", "4");
  EXPECT_EQ(labels.to_string(), "{a=\"3\", m=\"4\", z=\"2\"}");
  EXPECT_EQ(labels.get("m"), "4");
  EXPECT_EQ(labels.get("mm"), "");
  EXPECT_EQ(labels.get(""), "");
  EXPECT_TRUE(labels.has("z"));
  EXPECT_FALSE(labels.has("zz"));
  labels.set("m", "");
  labels.erase("z");
  labels.erase("nothing");
  EXPECT_EQ(labels.to_string(), "{a=\"3\"}");
  labels.set("b", labels.get("a"));
  labels.set("a", labels.get("a").substr(0, 1));
  EXPECT_EQ(labels.to_string(), "{a=\"3\", b=\"3\"}");
}

TEST(Labels, PrintAsPromqlWritesThem) {
  EXPECT_EQ(Labels().to_string(), "{}");
  EXPECT_EQ((Labels{{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ((Labels{{"__name__", "up"}, {"a", "x\"y\\z\nw"}}).to_string(), "up{a=\"x\\\"y\\\\z\\nw\"}");
  EXPECT_EQ((Labels{{"Z", "1"}, {"__name__", "up"}, {"a", "2"}}).to_string(), "up{Z=\"1\", a=\"2\"}");
  EXPECT_EQ((Labels{{"__name__", "up"}, {"a", "1"}}).without_name(), (Labels{{"a", "1"}}));
  EXPECT_EQ((Labels{{"__name__", "up"}}).metric_name(), "up");
}

TEST(Labels, HashesAreStableAndTellApart) {
  EXPECT_EQ(Labels().hash(), 14695981039346656037ULL);
  EXPECT_EQ((Labels{{"a", "1"}, {"b", "2"}}).hash(), (Labels{{"b", "2"}, {"a", "1"}}).hash());
  EXPECT_NE((Labels{{"a", "bc"}}).hash(), (Labels{{"ab", "c"}}).hash());
  EXPECT_NE((Labels{{"a", "1"}, {"b", "2"}}).hash(), (Labels{{"a", "1"}}).hash());
  // Written down: the number must be the same on every machine and in every version.
  EXPECT_EQ((Labels{{"job", "cache"}}).hash(), 6822338660417281058ULL);
}

TEST(Labels, NamesHaveRules) {
  const std::tuple<const char*, bool, bool> table[] = {
      {"", false, false},    {"a", true, true},   {"_a0", true, true},   {"0a", false, false},
      {"a:b", false, true},  {":a", false, true}, {"a-b", false, false}, {"\xc3\xa4", false, false},
      {"a b", false, false}, {"A9", true, true}};
  for (const auto& [text, label, metric] : table) {
    EXPECT_EQ(is_label_name(text), label) << text;
    EXPECT_EQ(is_metric_name(text), metric) << text;
  }
}

}  // namespace
}  // namespace tocsin::core
