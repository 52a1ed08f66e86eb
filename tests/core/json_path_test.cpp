#include "tocsin/core/json_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/json/monotonic_resource.hpp>

namespace tocsin::core {
namespace {

using testing::HasSubstr;

std::string at(const std::string& path, const std::string& text) {
  const auto parsed = JsonPath::parse(path);
  if (!parsed) return "<" + parsed.error().detail + ">";
  const auto document = parse_json(text);
  if (!document) return "<not JSON>";
  const auto* found = parsed->find(*document);
  return found != nullptr ? json_text(*found) : "<absent>";
}

TEST(JsonPath, FindsWhatStandsThere) {
  struct Case {
    const char *path, *body, *text;
  };
  const Case cases[] = {
      {"$", "true", "true"},
      {"$", "\"a b\"", "a b"},
      {"$", "null", "null"},
      {"$.a", R"({"a":"x"})", "x"},
      {"$.a.b[1].c", R"({"a":{"b":[0,{"c":false}]}})", "false"},
      {"$['a b'].c", R"({"a b":{"c":12}})", "12"},
      {"$[\"a.b\"]", R"({"a.b":1})", "1"},
      {"$['it\\'s']", R"({"it's":1})", "1"},
      {"$['']", R"({"":1})", "1"},
      {"$.a-b_c:d", R"({"a-b_c:d":1})", "1"},
      {"$.n", R"({"n":1.50})", "1.5"},
      {"$.n", R"({"n":1e3})", "1000"},
      {"$.n", R"({"n":100000000000.0})", "100000000000"},
      {"$.n", R"({"n":-0.1})", "-0.1"},
      {"$.n", R"({"n":18446744073709551615})", "18446744073709551615"},
      {"$.o", R"({"o":{"a":[1,2]}})", R"({"a":[1,2]})"},
      {"$.a", R"({"b":1})", "<absent>"},
      {"$.a.b", R"({"a":1})", "<absent>"},
      {"$.a.b", R"({"a":[1]})", "<absent>"},
      {"$[3]", "[1,2,3]", "<absent>"},
      {"$[0]", R"({"0":1})", "<absent>"},
      {"$.a", "<html>", "<not JSON>"},
      {"$.a", "", "<not JSON>"},
      {"$.a", "{} x", "<not JSON>"},
  };
  for (const auto& one : cases) EXPECT_EQ(at(one.path, one.body), one.text) << one.path << " of " << one.body;
}

TEST(JsonPath, SaysWhereItIsWrong) {
  struct Case {
    const char *path, *problem;
  };
  const Case cases[] = {
      {"", "character 1: expected '$'"},
      {"a.b", "character 1: expected '$'"},
      {"$a", "character 2: expected '.' or '['"},
      {"$.", "character 3: expected a name"},
      {"$..a", "character 3: expected a name"},
      {"$.*", "character 3: expected a name"},
      {"$.a.", "character 5: expected a name"},
      {"$.a b", "character 4: expected '.' or '['"},
      {"$[", "character 3: expected a place in a list, or a quoted name"},
      {"$[]", "character 3: expected a place"},
      {"$[-1]", "character 3: expected a place"},
      {"$[a]", "character 3: expected a place"},
      {"$[*]", "character 3: expected a place"},
      {"$[99999999999999999999]", "character 3: expected a place"},
      {"$[1", "character 4: expected ']'"},
      {"$[1:2]", "character 4: expected ']'"},
      {"$['a'", "character 6: expected ']'"},
      {"$['a", "character 5: the quoted name has no end"},
      {"$['a\\", "the quoted name has no end"},
      {"$[1]x", "character 5: expected '.' or '['"},
  };
  for (const auto& one : cases) {
    const auto path = JsonPath::parse(one.path);
    ASSERT_FALSE(path) << one.path;
    EXPECT_THAT(path.error().detail, HasSubstr(one.problem)) << one.path;
  }
}

TEST(JsonPath, IsBounded) {
  std::string path = "$";
  for (int i = 0; i < 64; ++i) path += "[0]";
  EXPECT_TRUE(JsonPath::parse(path));
  EXPECT_FALSE(JsonPath::parse(path + "[0]"));
}

TEST(ParseJson, BoundsTheDepth) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')));
  EXPECT_FALSE(parse_json(std::string(200'000, '[')));
}

TEST(ParseJson, UsesTheMemoryItIsGiven) {
  std::array<unsigned char, 1024> buffer{};
  boost::json::monotonic_resource memory(buffer.data(), buffer.size());
  const auto value = parse_json(R"({"a":"something longer than what fits into a small string"})", &memory);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->storage().get(), &memory);
}

}  // namespace
}  // namespace tocsin::core
