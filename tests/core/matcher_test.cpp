#include "tocsin/core/matcher.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tocsin::core {
namespace {

using Kind = Matcher::Kind;

struct Case {
  Kind kind;
  const char* value;
  const char* text;
  bool matches;
};

TEST(Matcher, Matches) {
  const Case table[] = {{Kind::equal, "a", "a", true},
                        {Kind::equal, "a", "b", false},
                        {Kind::equal, "", "", true},
                        {Kind::not_equal, "a", "a", false},
                        {Kind::not_equal, "a", "", true},
                        {Kind::regex, "a", "aa", false},
                        {Kind::regex, "a+", "aa", true},
                        {Kind::regex, "a|bc", "bc", true},
                        {Kind::regex, "a|bc", "abc", false},
                        {Kind::regex, "", "", true},
                        {Kind::regex, "", "a", false},
                        {Kind::regex, ".*", "", true},
                        {Kind::regex, "a.b", "a\nb", true},
                        {Kind::regex, ".+", "", false},
                        {Kind::not_regex, "a.*", "abc", false},
                        {Kind::not_regex, "a.*", "bc", true},
                        {Kind::regex, "(?i)ABC", "abc", true},
                        {Kind::regex, "^a$", "a", true},
                        {Kind::regex, "\xc3\xa4.", "\xc3\xa4\xc3\xb6", true}};
  for (const Case& c : table)
    EXPECT_EQ(Matcher(c.kind, "l", c.value).matches(c.text), c.matches) << c.value << " on " << c.text;
}

TEST(Matcher, KnowsWhetherAnAbsentLabelMatches) {
  EXPECT_TRUE(Matcher(Kind::equal, "l", "").matches_empty());
  EXPECT_TRUE(Matcher(Kind::regex, "l", "a?").matches_empty());
  EXPECT_TRUE(Matcher(Kind::not_equal, "l", "x").matches_empty());
  EXPECT_FALSE(Matcher(Kind::regex, "l", ".+").matches_empty());
}

TEST(Matcher, RefusesBadAndHugeExpressions) {
  EXPECT_THROW(Matcher(Kind::regex, "l", "("), std::invalid_argument);
  EXPECT_THROW(Matcher(Kind::not_regex, "l",
                       "a{2"
                       "000}"),
               std::invalid_argument);
  EXPECT_THROW(Matcher(Kind::regex, "l", "(((a{100}){100}){100})"), std::invalid_argument);
  EXPECT_NO_THROW(Matcher(Kind::equal, "l", "("));
}

TEST(Matcher, PrintsItself) {
  EXPECT_EQ(Matcher(Kind::equal, "a", "x").to_string(), "a=\"x\"");
  EXPECT_EQ(Matcher(Kind::not_equal, "a", "x").to_string(), "a!=\"x\"");
  EXPECT_EQ(Matcher(Kind::regex, "a", "x\\.y").to_string(), "a=~\"x\\\\.y\"");
  EXPECT_EQ(Matcher(Kind::not_regex, "a", "x\"").to_string(), "a!~\"x\\\"\"");
}

TEST(Matcher, AllMustMatch) {
  const std::vector<Matcher> matchers{{Kind::equal, "a", "1"}, {Kind::not_equal, "b", "2"}};
  EXPECT_TRUE(matches_all(matchers, Labels{{"a", "1"}}));
  EXPECT_FALSE(matches_all(matchers, Labels{{"a", "1"}, {"b", "2"}}));
  EXPECT_TRUE(matches_all({}, Labels{}));
}

TEST(Matcher, CopiesShareTheirExpression) {
  const Matcher a(Kind::regex, "l", "x.*");
  const Matcher b = a;
  EXPECT_TRUE(b.matches("xy"));
  EXPECT_EQ(a, b);
  EXPECT_FALSE(a == Matcher(Kind::not_regex, "l", "x.*"));
}

}  // namespace
}  // namespace tocsin::core
