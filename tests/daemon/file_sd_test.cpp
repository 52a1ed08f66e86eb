#include "src/file_sd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

core::Result<std::vector<FoundTarget>> parse(std::string text) {
  return parse_file_sd(std::make_shared<const core::SourceFile>(core::SourceFile{"t.json", std::move(text)}));
}

TEST(FileSd, ReadsPrometheusJsonAndYaml) {
  const std::vector<FoundTarget> expected{{"a:6379", {{"shard", "1"}}}, {"b:6379", {{"shard", "1"}}}, {"c:1", {}}};
  const auto json = parse(R"([{"targets": ["a:6379", "b:6379"], "labels": {"shard": "1", "__meta_x": "y"}},
                              {"targets": ["c:1"]}])");
  ASSERT_TRUE(json) << json.error().detail;
  EXPECT_EQ(*json, expected);
  const auto yaml = parse("- targets: ['a:6379', 'b:6379']\n  labels:\n    shard: '1'\n- targets: ['c:1']\n");
  ASSERT_TRUE(yaml) << yaml.error().detail;
  EXPECT_EQ(*yaml, expected);
  EXPECT_EQ(parse("[]")->size(), 0U);
  EXPECT_EQ(parse("")->size(), 0U);
}

struct Bad {
  const char* text;
  const char* says;
};

TEST(FileSd, SaysWhereAFileIsWrong) {
  const Bad table[] = {
      {"{", "t.json:1"},
      {R"({"targets": []})", "a file of targets is a list"},
      {R"(["a:1"])", "a group of targets is a map"},
      {R"([{"targets": "a:1"}])", "\"targets\" is a list"},
      {R"([{"targets": ["a:1"], "lables": {}}])", "unknown key \"lables\""},
      {R"([{"targets": ["a:1"], "labels": {"a-b": "c"}}])", "\"a-b\" is not a label's name"},
      {R"([{"targets": [["a:1"]]}])", "a target is text"},
  };
  for (const Bad& bad : table) {
    const auto read = parse(bad.text);
    ASSERT_FALSE(read) << bad.text;
    EXPECT_THAT(read.error().detail, testing::HasSubstr(bad.says));
  }
}

}  // namespace
}  // namespace tocsin::daemon
