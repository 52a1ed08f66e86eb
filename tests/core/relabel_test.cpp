#include "tocsin/core/relabel.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tocsin::core {
namespace {

using Action = RelabelRule::Action;

RelabelRule rule(Action action, std::vector<std::string> source, std::string regex, std::string target = "",
                 std::string replacement = "$1") {
  RelabelRule r;
  r.action = action;
  r.source_labels = std::move(source);
  r.regex = std::move(regex);
  r.target_label = std::move(target);
  r.replacement = std::move(replacement);
  return r;
}
RelabelRule hash_rule(std::vector<std::string> source, std::string target, std::uint64_t modulus) {
  RelabelRule r = rule(Action::hash_mod, std::move(source), "(.*)", std::move(target));
  r.modulus = modulus;
  return r;
}
RelabelRule with_separator(RelabelRule r, std::string separator) {
  r.separator = std::move(separator);
  return r;
}

struct RelabelCase {
  const char* what;
  Labels before;
  std::vector<RelabelRule> rules;
  std::optional<Labels> after;
};

const Labels abc{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

TEST(Relabel, DoesWhatPrometheusDoes) {
  const RelabelCase cases[] = {
      {"replaces a part",
       abc,
       {rule(Action::replace, {"a"}, "f(.*)", "d", "ch${1}-ch${1}")},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-choo"}}},
      {"joins, and goes on with what came out",
       abc,
       {with_separator(rule(Action::replace, {"a", "b"}, "f(.*);(.*)r", "a", "b${1}${2}m"), ";"),
        with_separator(rule(Action::replace, {"c", "a"}, "(b).*b(.*)ba(.*)", "d", "$1$2$2$3"), ";")},
       Labels{{"a", "boobam"}, {"b", "bar"}, {"c", "baz"}, {"d", "boooom"}}},
      {"another separator",
       abc,
       {with_separator(rule(Action::replace, {"a", "c"}, "(.*)", "d"), "::")},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "foo::baz"}}},
      {"drops",
       abc,
       {rule(Action::drop, {"a"}, ".*o.*"), rule(Action::replace, {"a"}, "f(.*)", "d", "x")},
       std::nullopt},
      {"drops only whole matches", abc, {rule(Action::drop, {"a"}, "no-match|fo")}, abc},
      {"keeps", abc, {rule(Action::keep, {"a"}, "f.*")}, abc},
      {"keeps nothing else", abc, {rule(Action::keep, {"a"}, "no-match")}, std::nullopt},
      {"a dot is also a newline", Labels{{"a", "f\no"}}, {rule(Action::keep, {"a"}, "f.o")}, Labels{{"a", "f\no"}}},
      {"a missing label is empty", abc, {rule(Action::keep, {"zz"}, "")}, abc},
      {"no match replaces nothing", abc, {rule(Action::replace, {"a"}, "x(.*)", "b", "new")}, abc},
      {"an empty replacement removes",
       abc,
       {rule(Action::replace, {"a"}, "foo", "b", "")},
       Labels{{"a", "foo"}, {"c", "baz"}}},
      {"without source the regex still matches",
       abc,
       {rule(Action::replace, {}, "(.*)", "d", "fixed")},
       Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "fixed"}}},
      {"the target is made of groups",
       Labels{{"a", "some-name-value"}},
       {rule(Action::replace, {"a"}, "some-([^-]+)-([^,]+)", "${1}", "${2}")},
       Labels{{"a", "some-name-value"}, {"name", "value"}}},
      {"named groups",
       Labels{{"a", "x=y"}},
       {rule(Action::replace, {"a"}, "(?P<key>.*)=(?P<value>.*)", "$key", "${value}!$$")},
       Labels{{"a", "x=y"}, {"x", "y!$"}}},
      {"a target that is no name",
       Labels{{"a", "some-name-0"}},
       {rule(Action::replace, {"a"}, "some-(name)-(\\d)", "${2}", "x")},
       Labels{{"a", "some-name-0"}}},
      {"hashmod", abc, {hash_rule({"c"}, "d", 1000)}, Labels{{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "976"}}},
      {"hashmod with a newline",
       Labels{{"a", "foo\nbar"}},
       {hash_rule({"a"}, "b", 1000)},
       Labels{{"a", "foo\nbar"}, {"b", "734"}}},
      {"labelmap",
       Labels{{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(Action::label_map, {}, "(b.*)", "", "bar_${1}")},
       Labels{{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}, {"bar_b1", "bar"}, {"bar_b2", "baz"}}},
      {"labelmap onto another",
       Labels{{"a", "foo"}, {"__meta_my_bar", "aaa"}, {"__meta_other_bar", "0"}},
       {rule(Action::label_map, {}, "__meta_(my.*)")},
       Labels{{"a", "foo"}, {"__meta_my_bar", "aaa"}, {"__meta_other_bar", "0"}, {"my_bar", "aaa"}}},
      {"labeldrop",
       Labels{{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(Action::label_drop, {}, "(b.*)")},
       Labels{{"a", "foo"}}},
      {"labelkeep",
       Labels{{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(Action::label_keep, {}, "(b.*)")},
       Labels{{"b1", "bar"}, {"b2", "baz"}}},
      {"lowercase and uppercase",
       Labels{{"foo", "bAr123Foo"}},
       {rule(Action::uppercase, {"foo"}, "(.*)", "up"), rule(Action::lowercase, {"foo"}, "(.*)", "low")},
       Labels{{"foo", "bAr123Foo"}, {"low", "bar123foo"}, {"up", "BAR123FOO"}}},
      {"keepequal",
       Labels{{"x", "main-1"}, {"y", "main-1"}},
       {rule(Action::keep_equal, {"x"}, "(.*)", "y")},
       Labels{{"x", "main-1"}, {"y", "main-1"}}},
      {"keepequal, other",
       Labels{{"x", "1"}, {"y", "2"}},
       {rule(Action::keep_equal, {"x"}, "(.*)", "y")},
       std::nullopt},
      {"dropequal", Labels{{"x", "1"}, {"y", "1"}}, {rule(Action::drop_equal, {"x"}, "(.*)", "y")}, std::nullopt},
      {"dropequal, other",
       Labels{{"x", "1"}, {"y", "2"}},
       {rule(Action::drop_equal, {"x"}, "(.*)", "y")},
       Labels{{"x", "1"}, {"y", "2"}}},
  };
  for (const RelabelCase& c : cases) {
    const auto after = Relabeling(c.rules).apply(c.before);
    EXPECT_EQ(after.has_value(), c.after.has_value()) << c.what;
    if (!after || !c.after) continue;
    EXPECT_EQ(after->to_string(), c.after->to_string()) << c.what;
  }
}

TEST(Relabel, SaysWhatIsWrongWithARule) {
  EXPECT_FALSE(relabel_problem(rule(Action::replace, {"a"}, "(.*)", "d")));
  EXPECT_TRUE(relabel_problem(rule(Action::replace, {"a"}, "(.*", "d")));
  EXPECT_TRUE(relabel_problem(rule(Action::replace, {"a"}, "(.*)")));
  EXPECT_TRUE(relabel_problem(rule(Action::replace, {"a"}, "(.*)", "not a name")));
  EXPECT_TRUE(relabel_problem(rule(Action::replace, {"a"}, "(.*)", "a-$1")));
  EXPECT_TRUE(relabel_problem(rule(Action::hash_mod, {"a"}, "(.*)", "d")));
  EXPECT_TRUE(relabel_problem(rule(Action::lowercase, {"a"}, "(.*)", "d", "x")));
  EXPECT_TRUE(relabel_problem(rule(Action::keep_equal, {"a"}, "x", "d")));
  EXPECT_TRUE(relabel_problem(rule(Action::label_drop, {"a"}, "x")));
  EXPECT_TRUE(relabel_problem(rule(Action::label_map, {}, "(.*)", "", "$1-x")));
  EXPECT_FALSE(relabel_problem(rule(Action::label_map, {}, "(.*)", "", "x_$1")));
  EXPECT_THROW(Relabeling({hash_rule({"a"}, "d", 0)}), std::invalid_argument);
}

TEST(Relabel, EveryActionHasItsWord) {
  EXPECT_EQ(to_string(Action::replace), "replace");
  EXPECT_EQ(to_string(Action::keep_equal), "keepequal");
  EXPECT_EQ(to_string(Action::hash_mod), "hashmod");
  EXPECT_EQ(to_string(Action::label_keep), "labelkeep");
  EXPECT_EQ(to_string(Action::uppercase), "uppercase");
}

}  // namespace
}  // namespace tocsin::core
