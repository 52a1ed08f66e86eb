#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tocsin/core/yaml.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {
namespace {

using namespace std::chrono_literals;

std::string printed(std::string_view query) {
  auto result = parse(query);
  if (const auto* problem = std::get_if<ParseError>(&result)) return problem->render(query);
  return to_string(*std::get<ExprPtr>(result));
}

/// The tree with every operation in brackets of its own.
std::string tree(const Expr& expr) {
  struct Visitor {
    std::string operator()(const Binary& node) const {
      static const std::vector<std::string> names{
          "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"};
      return "[" + tree(*node.lhs) + names[static_cast<std::size_t>(node.op)] + tree(*node.rhs) + "]";
    }
    std::string operator()(const Unary& node) const {
      return std::string("[") + (node.negative ? "-" : "+") + tree(*node.inner) + "]";
    }
    std::string operator()(const Paren& node) const { return tree(*node.inner); }
    std::string operator()(const NumberLiteral& node) const { return to_string(Expr{NumberLiteral{node}, {}}); }
    std::string operator()(const VectorSelector& node) const {
      return node.name + (node.offset.count() != 0 ? "~" : "");
    }
    std::string operator()(const MatrixSelector& node) const { return node.selector.name + "[]"; }
    std::string operator()(const Subquery& node) const { return tree(*node.inner) + "[:]"; }
    std::string operator()(const StringLiteral& node) const { return '"' + node.value + '"'; }
    std::string operator()(const Call& node) const {
      return node.function + "(" + (node.args.empty() ? "" : tree(*node.args[0])) + ")";
    }
    std::string operator()(const Aggregation& node) const { return node.op + "(" + tree(*node.inner) + ")"; }
  };
  return std::visit(Visitor{}, expr.node);
}

struct Case {
  std::string query;
  std::string wanted;
};

TEST(PromqlParser, PrecedenceAndAssociativity) {
  const std::vector<Case> cases{
      {"1 + 2 * 3", "[1+[2*3]]"},
      {"1 - 2 - 3", "[[1-2]-3]"},
      {"2 ^ 3 ^ 2", "[2^[3^2]]"},
      {"-a ^ b", "[-[a^b]]"},
      {"-a * b", "[[-a]*b]"},
      {"2 ^ -1 * 3", "[[2^-1]*3]"},
      {"-2^---1*3", "[[-[2^-1]]*3]"},
      {"a % b atan2 c / d", "[[[a%b]atan2c]/d]"},
      {"a or b and c unless d", "[aor[[bandc]unlessd]]"},
      {"a == b + c", "[a==[b+c]]"},
      {"a > b > c", "[[a>b]>c]"},
      {"a AND b OR c", "[[aandb]orc]"},
      {"-foo offset 5m + bar", "[[-foo~]+bar]"},
      {"foo + bar offset 5m", "[foo+bar~]"},
      {"- - - 1", "-1"},
      {"+1 - +2", "[1-2]"},
      {"-rate(foo[5m])", "[-rate(foo[])]"},
      {"max_over_time(foo[5m:1m])", "max_over_time(foo[:])"},
  };
  for (const Case& c : cases) {
    auto result = parse(c.query);
    ASSERT_TRUE(std::holds_alternative<ExprPtr>(result)) << c.query << ": " << printed(c.query);
    EXPECT_EQ(tree(*std::get<ExprPtr>(result)), c.wanted) << c.query;
  }
}

TEST(PromqlParser, PrintsPrometheusNormalForm) {
  const std::vector<Case> cases{
      {"1", "1"},
      {"1e6", "1000000"},
      {"1e30", "1000000000000000000000000000000"},
      {"1.5e-7", "0.00000015"},
      {"123456.789", "123456.789"},
      {"0", "0"},
      {"0x1F", "31"},
      {"0755", "493"},
      {"08", "8"},
      {"1_000", "1000"},
      {".5", "0.5"},
      {"2.", "2"},
      {"-1", "-1"},
      {"+Inf", "+Inf"},
      {"-inf", "-Inf"},
      {"nan", "NaN"},
      {"5m", "5m"},
      {"-90s", "-1m30s"},
      {"'a\\'b'", "\"a'b\""},
      {"`a\\b\"`", "\"a\\\\b\\\"\""},
      {"\"a\\n\\t\\x41\\u00e9\\101\"",
       "\"a\\n\\tA\xc3\xa9"
       "A\""},
      {"foo", "foo"},
      {"foo:bar:baz", "foo:bar:baz"},
      {"foo{}", "foo"},
      {"foo { b = 'x', a!=\"y\", }", "foo{a!=\"y\",b=\"x\"}"},
      {"{__name__=~\"a.*\",b!~'c'}", "{__name__=~\"a.*\",b!~\"c\"}"},
      {"{\"my.metric\", \"a.b\"=\"c\"}", "{\"a.b\"=\"c\",__name__=\"my.metric\"}"},
      {"foo OFFSET 5m", "foo offset 5m"},
      {"foo offset -90", "foo offset -1m30s"},
      {"foo @ 1603774568", "foo @ 1603774568.000"},
      {"foo @ -1.5 offset 1h", "foo @ -1.500 offset 1h"},
      {"foo offset 1h @ end()", "foo @ end() offset 1h"},
      {"foo[5m] @ start()", "foo[5m] @ start()"},
      {"foo[300] offset 1d", "foo[5m] offset 1d"},
      {"foo[1h30m:] offset 1w", "foo[1h30m:] offset 1w"},
      {"rate(foo[5m])[1h:1m] @ 10", "rate(foo[5m])[1h:1m] @ 10.000"},
      {"SUM BY (a,b,) (foo)", "sum by (a, b) (foo)"},
      {"sum(foo) by (a)", "sum by (a) (foo)"},
      {"sum by () (foo)", "sum(foo)"},
      {"sum without () (foo)", "sum without () (foo)"},
      {"sum(foo) without(a)", "sum without (a) (foo)"},
      {"topk(5, foo)", "topk(5, foo)"},
      {"count_values by(x) (\"y\", foo)", "count_values by (x) (\"y\", foo)"},
      {"a+on(x)b", "a + on (x) b"},
      {"a + on() b", "a + on () b"},
      {"a + ignoring() b", "a + b"},
      {"a * ignoring(x) group_left b", "a * ignoring (x) group_left () b"},
      {"a * on(x) group_right(y, z) b", "a * on (x) group_right (y, z) b"},
      {"a >= bool 1", "a >= bool 1"},
      {"a AND ON(x) b", "a and on (x) b"},
      {"-foo", "-foo"},
      {"- -foo", "--foo"},
      {"+foo", "+foo"},
      {"((a))", "((a))"},
      {"time()", "time()"},
      {"label_replace(foo,'a','$1','b','(.*)')", "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\")"},
      {"hour()", "hour()"},
      {"round(foo, 5)", "round(foo, 5)"},
      {"label_join(foo, 'a', '-')", "label_join(foo, \"a\", \"-\")"},
      {"# first\nfoo # and last", "foo"},
      {"foo{a=\"b\" # inside\n}", "foo{a=\"b\"}"},
      {"sum", "sum"},
      {"sum{a=\"b\"} + by + offset + start", "sum{a=\"b\"} + by + offset + start"},
      {"and and or", "and and or"},
      {"sum by (on, by, sum, start, bool, and) (x)", "sum by (on, by, sum, start, bool, and) (x)"},
      {"foo{sum=\"a\",on=\"b\",inf=\"c\"}", "foo{inf=\"c\",on=\"b\",sum=\"a\"}"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(printed(c.query), c.wanted) << c.query;
    // The normal form is a fixed point.
    EXPECT_EQ(printed(c.wanted), c.wanted) << c.query;
  }
}

TEST(PromqlParser, SaysWhatIsWrongAndWhere) {
  const std::vector<Case> cases{
      {"", "1:1: parse error: no expression found in input"},
      {"# only a comment", "1:17: parse error: no expression found in input"},
      {"1+", "1:3: parse error: unexpected end of input"},
      {".", "1:1: parse error: unexpected character: '.'"},
      {"2.5.", "1:4: parse error: unexpected character: '.'"},
      {"100..4", "1:5: parse error: unexpected number \".4\""},
      {"0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""},
      {"1 /", "1:4: parse error: unexpected end of input"},
      {"*1", "1:1: parse error: unexpected <op:*>"},
      {"(1))", "1:4: parse error: unexpected right parenthesis ')'"},
      {"((1)", "1:5: parse error: unclosed left parenthesis"},
      {"(", "1:2: parse error: unclosed left parenthesis"},
      {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"1 or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
      {"1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"},
      {"1 =~ 1", "1:4: parse error: unexpected character after '=': '~'"},
      {"-\"string\"",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"string\""},
      {"-test[5m]",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "
       "\"range vector\""},
      {"1 offset 1d",
       "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector "
       "selector or a subquery"},
      {"(foo) offset 1d",
       "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
       "vector selector or a subquery"},
      {"foo offset 1s offset 2s", "1:1: parse error: offset may not be set multiple times"},
      {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
      {"foo @ +Inf", "1:1: parse error: timestamp out of bounds for @ modifier: inf"},
      {"foo offset", "1:11: parse error: unexpected end of input in offset, expected number or duration"},
      {"a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>"},
      {"foo and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
      {"foo or on(bar) group_left(baz) bar", "1:1: parse error: no grouping allowed for \"or\" operation"},
      {"a / on(i) group_left(j,i) b", "1:3: parse error: label \"i\" must not occur in ON and GROUP clause at once"},
      {"foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"},
      {"foo + on(x) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
      {"foo + \"a\"", "1:7: parse error: binary expression must contain only scalar and instant vector types"},
      {"{", "1:2: parse error: unexpected end of input inside braces"},
      {"}", "1:1: parse error: unexpected character: '}'"},
      {"some{", "1:6: parse error: unexpected end of input inside braces"},
      {"some_metric{a=b}", "1:15: parse error: unexpected identifier \"b\" in label matching, expected string"},
      {"some_metric{a:b=\"b\"}", "1:14: parse error: unexpected character inside braces: ':'"},
      {"foo{a*\"b\"}", "1:6: parse error: unexpected character inside braces: '*'"},
      {"foo{gibberish}", "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator"},
      {"foo{__name__=\"bar\"}", "1:5: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{x=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{x=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"foo{a=~\"(\"}", "1:5: parse error: error parsing regexp: missing ): ("},
      {"foo[5m", "1:7: parse error: unclosed left bracket"},
      {"foo[]", "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number or duration"},
      {"foo[0m]", "1:5: parse error: duration must be greater than 0"},
      {"foo[5m][5m]", "1:1: parse error: ranges only allowed for vector selectors"},
      {"(foo + bar)[5m]", "1:1: parse error: ranges only allowed for vector selectors"},
      {"foo offset 5m[5m]", "1:1: parse error: no offset modifiers allowed before range"},
      {"foo @ 5[5m]", "1:1: parse error: no @ modifiers allowed before range"},
      {"foo[5m1h]", "1:5: parse error: not a valid duration string: \"5m1h\""},
      {"sum(", "1:5: parse error: unclosed left parenthesis"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"sum(a, b)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"},
      {"topk(a)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"},
      {"topk(a, b)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
      {"count_values(5, b)", "1:14: parse error: expected type string in aggregation parameter, got scalar"},
      {"sum by (x)", "1:11: parse error: unexpected end of input in aggregation"},
      {"sum by x (y)", "1:8: parse error: unexpected identifier \"x\" in grouping opts, expected \"(\""},
      {"sum by (x;) (y)", "1:10: parse error: unexpected character: ';'"},
      {"sum by (x y) (z)", "1:11: parse error: unexpected identifier \"y\" in grouping opts, expected \",\" or \")\""},
      {"sum by (5) (z)", "1:9: parse error: unexpected number \"5\" in grouping opts, expected label"},
      {"sum(foo[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"},
      {"sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
      {"limitk(1, foo)",
       "1:1: parse error: limitk() is experimental and must be enabled with "
       "--enable-feature=promql-experimental-functions"},
      {"nosuch(1)", "1:1: parse error: unknown function with name \"nosuch\""},
      {"mad_over_time(foo[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"},
      {"rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"},
      {"abs(foo[5m])", "1:5: parse error: expected type instant vector in call to function \"abs\", got range vector"},
      {"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
      {"round(a, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
      {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
      {"label_join(a, 'b')", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"abs(a,)", "1:6: parse error: trailing commas not allowed in function call args"},
      {"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"foo\n  bar", "2:3: parse error: unexpected identifier \"bar\""},
      {"'abc", "1:1: parse error: unterminated quoted string"},
      {"`abc", "1:1: parse error: unterminated raw string"},
      {"'a\\qb'", "1:1: parse error: unknown escape sequence U+0071 'q'"},
      {"on", "1:1: parse error: unexpected <on>"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(printed(c.query), c.wanted) << c.query;
  }
}

TEST(PromqlParser, BoundsDepth) {
  const std::string deep = std::string(5000, '(') + "1" + std::string(5000, ')');
  EXPECT_NE(printed(deep).find("nested too deeply"), std::string::npos);
  EXPECT_NE(printed(std::string(5000, '-') + "a").find("nested too deeply"), std::string::npos);
  std::string chain = "a";
  for (int i = 0; i < 5000; ++i) chain += "+a";
  EXPECT_NE(printed(chain).find("nested too deeply"), std::string::npos);
  std::string calls;
  for (int i = 0; i < 5000; ++i) calls += "abs(";
  EXPECT_NE(printed(calls).find("nested too deeply"), std::string::npos);
  EXPECT_EQ(printed(std::string(100, '(') + "1" + std::string(100, ')')).size(), 201U);
}

TEST(PromqlParser, RangesPointAtTheText) {
  const std::string query = "sum(rate(foo[5m])) / on(x)  bar offset 1m";
  auto result = parse(query);
  const auto& binary = std::get<Binary>(std::get<ExprPtr>(result)->node);
  const auto text = [&query](const Expr& e) { return query.substr(e.range.begin, e.range.end - e.range.begin); };
  EXPECT_EQ(text(*binary.lhs), "sum(rate(foo[5m]))");
  EXPECT_EQ(text(*binary.rhs), "bar offset 1m");
}

TEST(PromqlParser, LookBack) {
  const auto of = [](std::string_view query) { return look_back(*std::get<ExprPtr>(parse(query)), 5min); };
  EXPECT_EQ(of("1"), 0min);
  EXPECT_EQ(of("foo"), 5min);
  EXPECT_EQ(of("foo offset 1h"), 65min);
  EXPECT_EQ(of("foo offset -1h"), 0min);
  EXPECT_EQ(of("rate(foo[30m] offset 1h) + bar"), 90min);
  EXPECT_EQ(of("max_over_time(rate(foo[5m])[1h:1m] offset 10m)"), 75min);
  EXPECT_EQ(of("topk(scalar(foo offset 1d), bar)"), 24h + 5min);
}

std::vector<std::string> public_expressions() {
  std::vector<std::string> out;
  const std::filesystem::path folder = std::string(TOCSIN_SOURCE_DIR) + "/tests/rules/public";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yml") continue;
    core::Diagnostics diagnostics;
    const auto document = core::load_yaml(entry.path().string(), diagnostics);
    EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.render();
    const core::YamlNode* groups = document.root.find("groups");
    if (groups == nullptr) continue;
    for (const auto& group : groups->items) {
      for (const auto& rule : group.find("rules")->items) out.push_back(rule.find("expr")->scalar);
    }
  }
  return out;
}

TEST(PromqlParser, ReadsAllPublicRules) {
  const auto expressions = public_expressions();
  EXPECT_EQ(expressions.size(), 45U);
  for (const std::string& query : expressions) {
    auto result = parse(query);
    ASSERT_TRUE(std::holds_alternative<ExprPtr>(result)) << query << ": " << printed(query);
    const std::string normal = to_string(*std::get<ExprPtr>(result));
    EXPECT_EQ(printed(normal), normal);
  }
}

}  // namespace
}  // namespace tocsin::rules::promql
