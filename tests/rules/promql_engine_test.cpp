#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "src/promql/functions.hpp"
#include "src/promql/label_table.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules::promql {
namespace {

using namespace std::chrono_literals;
using core::Labels;

core::TimePoint at(std::int64_t seconds) { return core::from_millis(seconds * 1000); }

Plan plan_of(std::string_view query) {
  auto parsed = parse(query);
  if (const auto* problem = std::get_if<ParseError>(&parsed)) throw std::invalid_argument(problem->render(query));
  return Plan(*std::get<ExprPtr>(parsed));
}

struct Given {
  Labels labels;
  double value;
};

class Engine : public testing::Test {
 protected:
  void row(std::int64_t seconds, const std::vector<Given>& samples) {
    table_.begin();
    for (const Given& sample : samples) table_.add(sample.labels, sample.value);
    store_.append(block_, at(seconds), table_.take());
  }

  std::string ask(std::string_view query, std::int64_t seconds, const EvalLimits& limits = {}) {
    Plan plan = plan_of(query);
    return ask(plan, seconds, limits);
  }

  std::string ask(Plan& plan, std::int64_t seconds, const EvalLimits& limits = {}) {
    auto result = plan.instant(store_.live(), at(seconds), limits);
    if (const auto* error = std::get_if<EvalError>(&result)) return "error: " + error->message;
    return text(std::get<Value>(result));
  }

  std::string ask_range(std::string_view query, std::int64_t from, std::int64_t to, core::Duration step,
                        const EvalLimits& limits = {}) {
    Plan plan = plan_of(query);
    auto result = plan.range(store_.live(), at(from), at(to), step, limits);
    if (const auto* error = std::get_if<EvalError>(&result)) return "error: " + error->message;
    return text(Value{std::get<Matrix>(std::move(result))});
  }

  static std::string number(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
  }

  static std::string text(const Value& value) {
    std::string out;
    if (const auto* scalar = std::get_if<Scalar>(&value)) return number(scalar->sample.value);
    if (const auto* string = std::get_if<String>(&value)) return '"' + string->value + '"';
    if (const auto* vector = std::get_if<Vector>(&value)) {
      for (const InstantSample& s : *vector) {
        if (!out.empty()) out += "; ";
        out += s.labels.to_string() + " " + number(s.sample.value);
      }
      return out;
    }
    for (const Series& series : std::get<Matrix>(value)) {
      if (!out.empty()) out += "; ";
      out += series.labels.to_string();
      for (const core::Sample& s : series.samples) {
        out += " " + number(s.value) + "@" + number(core::to_seconds(s.time));
      }
    }
    return out;
  }

  store::Store store_{store::Limits{}};
  store::BlockId block_ = store_.open_block("test");
  core::SeriesTable table_;
};

const Labels a1{{"__name__", "a"}, {"x", "1"}};
const Labels a2{{"__name__", "a"}, {"x", "2"}};
const Labels b1{{"__name__", "b"}, {"x", "1"}};
const Labels b2{{"__name__", "b"}, {"x", "2"}};

TEST_F(Engine, AnswersEachType) {
  row(100, {{a1, 1}, {a2, 2}});
  EXPECT_EQ(ask("1 + 1", 100), "2");
  EXPECT_EQ(ask("\"x\"", 100), "\"x\"");
  EXPECT_EQ(ask("a", 100), "a{x=\"1\"} 1; a{x=\"2\"} 2");
  EXPECT_EQ(ask("a[1m]", 100), "a{x=\"1\"} 1@100; a{x=\"2\"} 2@100");
  EXPECT_EQ(ask("a[1m:50s]", 100), "a{x=\"1\"} 1@100; a{x=\"2\"} 2@100");
  EXPECT_EQ(ask("nothing", 100), "");
}

TEST_F(Engine, RangesAndLookbackAreOpenOnTheLeft) {
  row(100, {{a1, 1}});
  row(160, {{a1, 2}});
  EXPECT_EQ(ask("count_over_time(a[60s])", 160), "{x=\"1\"} 1");
  EXPECT_EQ(ask("count_over_time(a[60001ms])", 160), "{x=\"1\"} 2");
  EXPECT_EQ(ask("a", 160 + 299), "a{x=\"1\"} 2");
  EXPECT_EQ(ask("a", 160 + 300), "");
  EvalLimits limits;
  limits.lookback = 10s;
  EXPECT_EQ(ask("a", 169, limits), "a{x=\"1\"} 2");
  EXPECT_EQ(ask("a", 170, limits), "");
}

TEST_F(Engine, SeriesThatEndedAreAbsent) {
  row(100, {{a1, 1}, {a2, 2}});
  row(110, {{a2, 3}});
  EXPECT_EQ(ask("a", 109), "a{x=\"1\"} 1; a{x=\"2\"} 2");
  EXPECT_EQ(ask("a", 110), "a{x=\"2\"} 3");
  EXPECT_EQ(ask("count_over_time(a[1m])", 110), "{x=\"1\"} 1; {x=\"2\"} 2");
}

TEST_F(Engine, RangeQueriesGiveOneValueAStep) {
  row(100, {{a1, 1}});
  row(110, {{a1, 2}});
  EXPECT_EQ(ask_range("a", 90, 115, 10s), "a{x=\"1\"} 1@100 2@110");
  EXPECT_EQ(ask_range("time()", 90, 110, 10s), "{} 90@90 100@100 110@110");
  EXPECT_EQ(ask_range("a @ end()", 90, 110, 10s), "a{x=\"1\"} 2@90 2@100 2@110");
  EXPECT_EQ(ask_range("a @ start()", 100, 110, 10s), "a{x=\"1\"} 1@100 1@110");
  EXPECT_EQ(ask_range("a - a offset 10s", 90, 115, 10s), "{x=\"1\"} 1@110");
  EXPECT_EQ(ask_range("a[1m]", 90, 110, 10s),
            "error: invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
  EXPECT_EQ(ask_range("a", 90, 110, 0s), "error: zero or negative query resolution step");
  EXPECT_EQ(ask_range("a", 110, 90, 10s), "");
}

TEST_F(Engine, AnExpressionMayOccurAtSeveralTimes) {
  for (int i = 0; i <= 10; ++i) row(100 + i * 10, {{a1, static_cast<double>(i)}});
  EXPECT_EQ(ask("a - max_over_time(a[50s:10s] offset 20s) - a offset 10s + a", 200), "{x=\"1\"} 3");
  EXPECT_EQ(ask("max_over_time((a - a offset 10s)[50s:10s]) + (a - a offset 10s)", 200), "{x=\"1\"} 2");
  EXPECT_EQ(ask("sum_over_time(count_over_time(a[20s])[50s:10s])", 200), "{x=\"1\"} 10");
}

TEST_F(Engine, MatchingErrorsHavePrometheusWords) {
  row(100, {{a1, 1}, {a2, 2}, {b1, 1}, {b2, 2}});
  EXPECT_EQ(
      ask("a + on() b", 100),
      "error: found duplicate series for the match group {} on the right hand-side of the operation: "
      "[{__name__=\"b\", x=\"1\"}, {__name__=\"b\", x=\"2\"}];many-to-many matching not allowed: matching labels must "
      "be unique on one side");
  EXPECT_EQ(ask("a + on() group_right b", 100).substr(0, 78),
            "error: found duplicate series for the match group {} on the left hand-side of ");
  EXPECT_EQ(ask("a + on() b{x=\"1\"}", 100),
            "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
  EXPECT_EQ(ask("a + on() group_left(x) b{x=\"1\"}", 100),
            "error: multiple matches for labels: grouping labels must ensure unique matches");
  EXPECT_EQ(ask("abs({x=\"1\"})", 100), "error: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(ask("{x=\"1\"} > bool 0", 100), "error: vector cannot contain metrics with the same labelset");
  EXPECT_EQ(ask("rate({x=\"1\"}[1m])", 100), "");
  EXPECT_EQ(ask("last_over_time({x=\"1\"}[1m])", 100), "a{x=\"1\"} 1; b{x=\"1\"} 1");
  EXPECT_EQ(ask("topk(NaN, a)", 100), "error: Parameter value is NaN");
  EXPECT_EQ(ask("topk(1e30, a)", 100), "error: Scalar value 1000000000000000000000000000000 overflows int64");
}

TEST_F(Engine, GroupedJoins) {
  const Labels info{{"__name__", "info"}, {"x", "1"}, {"role", "master"}};
  row(100, {{a1, 3}, {a2, 4}, {b1, 10}, {info, 1}});
  EXPECT_EQ(ask("a * on(x) group_left(role) info", 100), "{role=\"master\", x=\"1\"} 3");
  EXPECT_EQ(ask("info * on(x) group_right(role) a", 100), "{role=\"master\", x=\"1\"} 3");
  EXPECT_EQ(ask("info < on(x) group_right() a", 100), "a{x=\"1\"} 1");
  EXPECT_EQ(ask("b - on(x) a", 100), "{x=\"1\"} 7");
  EXPECT_EQ(ask("b > ignoring(role) info", 100), "b{x=\"1\"} 10");
  EXPECT_EQ(ask("a * on() group_left(nosuch) info", 100), "{x=\"1\"} 3; {x=\"2\"} 4");
}

TEST_F(Engine, APlanFollowsTheSeries) {
  Plan plan = plan_of("a / on(x) b");
  EXPECT_EQ(ask(plan, 90), "");
  row(100, {{a1, 10}, {b1, 2}});
  EXPECT_EQ(ask(plan, 100), "{x=\"1\"} 5");
  row(110, {{a1, 12}, {a2, 30}, {b1, 2}, {b2, 3}});
  EXPECT_EQ(ask(plan, 110), "{x=\"1\"} 6; {x=\"2\"} 10");
  row(120, {{a2, 33}, {b2, 3}});
  EXPECT_EQ(ask(plan, 120), "{x=\"2\"} 11");
  // Many label sets come and go; the plan's answers stay right when it forgets those that went.
  for (int i = 0; i < 25; ++i) {
    std::vector<Given> many;
    for (int k = 0; k < 100; ++k) {
      const std::string x = std::to_string(i * 100 + k);
      many.push_back({Labels{{"__name__", "a"}, {"x", x}}, 6});
      many.push_back({Labels{{"__name__", "b"}, {"x", x}}, 2});
    }
    row(130 + i, many);
    auto result = plan.instant(store_.live(), at(130 + i), {});
    const auto& vector = std::get<Vector>(std::get<Value>(result));
    ASSERT_EQ(vector.size(), 100U);
    for (const InstantSample& sample : vector) {
      ASSERT_EQ(sample.sample.value, 3);
      const int x = std::stoi(std::string(sample.labels.get("x")));
      ASSERT_TRUE(x >= i * 100 && x < i * 100 + 100);
    }
  }
}

TEST_F(Engine, SamplesAreBounded) {
  std::vector<Given> many;
  for (int k = 0; k < 100; ++k) many.push_back({Labels{{"__name__", "a"}, {"x", std::to_string(k)}}, 1});
  for (int i = 0; i < 10; ++i) row(100 + i, many);
  const auto kind = [this](std::string_view query, std::size_t max_samples) {
    EvalLimits limits;
    limits.max_samples = max_samples;
    auto result = plan_of(query).instant(store_.live(), at(109), limits);
    const auto* error = std::get_if<EvalError>(&result);
    if (error == nullptr) return std::string("good");
    EXPECT_EQ(error->kind, EvalError::Kind::too_many_samples);
    EXPECT_EQ(error->message, "query processing would load too many samples into memory in query execution");
    return std::string("too many");
  };
  EXPECT_EQ(kind("a", 100), "good");
  EXPECT_EQ(kind("a", 99), "too many");
  // One series' range is held at a time, not all of them.
  EXPECT_EQ(kind("rate(a[1m])", 150), "good");
  EXPECT_EQ(kind("a[1m]", 900), "too many");
  EXPECT_EQ(kind("a[1m]", 1100), "good");
  EXPECT_EQ(kind("max_over_time(a[10s:1s])", 999), "too many");
  EXPECT_EQ(kind("max_over_time(a[10s:1s])", 1500), "good");
  EXPECT_EQ(kind("count_over_time(nosuch[200y:1ms])", 1'000'000), "too many");
  EvalLimits limits;
  limits.max_samples = 500;
  EXPECT_EQ(ask_range("a", 100, 109, 1s, limits).substr(0, 30), "error: query processing would ");
  EXPECT_EQ(ask_range("sum(a)", 100, 109, 1s, limits).substr(0, 7), "{} 100@");
  EXPECT_EQ(ask_range("nosuch", 0, 1'000'000'000, 1ms, limits).substr(0, 30), "error: query processing would ");
}

TEST_F(Engine, TimeIsBounded) {
  std::vector<Given> many;
  for (int k = 0; k < 5000; ++k) {
    many.push_back({Labels{{"__name__", "a"}, {"x", std::to_string(k)}}, static_cast<double>(k)});
  }
  row(100, many);
  for (const char* query : {"a", "a + 1", "a * on(x) a", "a and a", "sum by (x) (a)", "rate(a[1m])", "topk(2, a)",
                            "quantile(0.5, a)", "count_values(\"v\", a)", "max_over_time(a[1m:1s])", "timestamp(a)",
                            "label_replace(a, \"y\", \"$1\", \"x\", \"(.)\")"}) {
    int asked = 0;
    EvalLimits limits;
    limits.expired = [&asked] { return ++asked >= 1; };
    auto result = plan_of(query).instant(store_.live(), at(100), limits);
    const auto* error = std::get_if<EvalError>(&result);
    ASSERT_NE(error, nullptr) << query;
    EXPECT_EQ(error->kind, EvalError::Kind::timeout) << query;
    EXPECT_EQ(error->message, "query timed out in expression evaluation");
  }
  // After a failure the plan works again.
  Plan plan = plan_of("count(a * on(x) a)");
  EvalLimits limits;
  limits.expired = [] { return true; };
  EXPECT_EQ(ask(plan, 100, limits), "error: query timed out in expression evaluation");
  EXPECT_EQ(ask(plan, 100), "{} 5000");
  // Everything with everything.
  EXPECT_EQ(ask("a * on() group_left a", 100).substr(0, 37), "error: found duplicate series for the");
}

TEST_F(Engine, ClassicHistograms) {
  const auto bucket = [](const char* le, const char* x) {
    return Labels{{"__name__", "h_bucket"}, {"le", le}, {"x", x}};
  };
  row(100, {{bucket("0.1", "1"), 1},
            {bucket("0.2", "1"), 3},
            {bucket("1", "1"), 4},
            {bucket("+Inf", "1"), 4},
            {bucket("1", "2"), 5},
            {bucket("junk", "2"), 5}});
  EXPECT_EQ(ask("histogram_quantile(0.5, h_bucket)", 100), "{x=\"1\"} 0.15; {x=\"2\"} nan");
  EXPECT_EQ(ask("histogram_quantile(1, h_bucket{x=\"1\"})", 100), "{x=\"1\"} 1");
  EXPECT_EQ(ask("histogram_quantile(2, h_bucket{x=\"1\"})", 100), "{x=\"1\"} inf");
  EXPECT_EQ(ask("histogram_quantile(-1, h_bucket{x=\"1\"})", 100), "{x=\"1\"} -inf");
  EXPECT_EQ(ask("histogram_quantile(0.25, sum by (le) (h_bucket{x=\"1\"}))", 100), "{} 0.1");
  EXPECT_EQ(ask("histogram_fraction(0, 0.1, h_bucket{x=\"1\"})", 100), "{x=\"1\"} 0.25");
  EXPECT_EQ(ask("histogram_fraction(0.15, 1, h_bucket{x=\"1\"})", 100), "{x=\"1\"} 0.5");
  EXPECT_EQ(ask("histogram_fraction(-Inf, +Inf, h_bucket{x=\"1\"})", 100), "{x=\"1\"} 1");
  EXPECT_EQ(ask("histogram_count(h_bucket)", 100), "");
}

TEST_F(Engine, LabelReplaceExpandsAsGoDoes) {
  row(100, {{Labels{{"__name__", "a"}, {"x", "left-right"}}, 1}});
  const auto replaced = [this](const std::string& replacement) {
    return ask("label_replace(a, \"y\", \"" + replacement + "\", \"x\", \"(?P<first>[a-z]+)-(.*)\")", 100);
  };
  EXPECT_EQ(replaced("$1"), "a{x=\"left-right\", y=\"left\"} 1");
  EXPECT_EQ(replaced("${2}s"), "a{x=\"left-right\", y=\"rights\"} 1");
  EXPECT_EQ(replaced("$2s"), "a{x=\"left-right\"} 1");
  EXPECT_EQ(replaced("${first}$$"), "a{x=\"left-right\", y=\"left$\"} 1");
  EXPECT_EQ(replaced("$9-$0"), "a{x=\"left-right\", y=\"-left-right\"} 1");
  EXPECT_EQ(replaced("$-${"), "a{x=\"left-right\", y=\"$-${\"} 1");
  EXPECT_EQ(ask("label_replace(a, \"\", \"\", \"x\", \".*\")", 100),
            "error: invalid destination label name in label_replace(): ");
  EXPECT_EQ(ask("label_replace(a, \"y\", \"\", \"x\", \"(\")", 100),
            "error: invalid regular expression in label_replace(): (");
}

TEST_F(Engine, AbsentSaysWhatIsAbsent) {
  row(100, {{a1, 1}});
  EXPECT_EQ(ask("absent(a)", 100), "");
  EXPECT_EQ(ask("absent(a{x=\"9\",y=~\"b\",z!=\"c\"})", 100), "{x=\"9\"} 1");
  EXPECT_EQ(ask("absent(sum(a{x=\"9\"}))", 100), "{} 1");
  EXPECT_EQ(ask("absent_over_time(a{x=\"9\"}[5m])", 100), "{x=\"9\"} 1");
  EXPECT_EQ(ask("absent_over_time(a[5m])", 100), "");
}

TEST_F(Engine, Dates) {
  EXPECT_EQ(ask("year(vector(1709210096))", 0), "{} 2024");
  EXPECT_EQ(ask("month(vector(1709210096))", 0), "{} 2");
  EXPECT_EQ(ask("day_of_month(vector(1709210096))", 0), "{} 29");
  EXPECT_EQ(ask("day_of_week(vector(1709210096))", 0), "{} 4");
  EXPECT_EQ(ask("day_of_year(vector(1709210096))", 0), "{} 60");
  EXPECT_EQ(ask("days_in_month(vector(1709210096))", 0), "{} 29");
  EXPECT_EQ(ask("hour()", 3600 * 5 + 60), "{} 5");
  EXPECT_EQ(ask("minute()", 3600 * 5 + 60), "{} 1");
  EXPECT_EQ(ask("count(year(vector(NaN))) + count(hour(vector(1e300)))", 0), "{} 2");
}

TEST(PromqlFunctions, AreSortedAndAllOfThemWork) {
  const auto all = all_functions();
  std::string before;
  store::Store store{store::Limits{}};
  for (const Signature& function : all) {
    EXPECT_LT(before, function.name);
    before = function.name;
    ASSERT_EQ(find_function(function.name), &function);
    if (function.experimental) continue;
    std::string query = std::string(function.name) + "(";
    for (std::size_t i = 0; i < function.args.size(); ++i) {
      if (i > 0) query += ", ";
      switch (function.args[i]) {
        case ValueType::scalar:
          query += "1";
          break;
        case ValueType::vector:
          query += "vector(1)";
          break;
        case ValueType::matrix:
          query += "vector(1)[1m:10s]";
          break;
        case ValueType::string:
          query += "'x'";
          break;
      }
    }
    auto result = plan_of(query + ")").instant(store.live(), at(1000), {});
    EXPECT_TRUE(std::holds_alternative<Value>(result)) << query << ": " << std::get<EvalError>(result).message;
  }
}

TEST(PromqlLabels, MetadataGoesWithTheName) {
  const Labels labels{{"__name__", "a"}, {"__type__", "counter"}, {"__unit__", "seconds"}, {"x", "1"}, {"y", "2"}};
  EXPECT_EQ(braces_text(drop_name(labels)), "{x=\"1\", y=\"2\"}");
  EXPECT_EQ(braces_text(drop_labels(labels, {"y"})), "{x=\"1\"}");
  EXPECT_EQ(braces_text(keep_labels(labels, {"y", "__name__"})), "{__name__=\"a\", y=\"2\"}");
}

}  // namespace
}  // namespace tocsin::rules::promql
