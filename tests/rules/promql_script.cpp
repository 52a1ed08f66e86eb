#include "promql_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <sstream>
#include <utility>

#include "tocsin/core/duration.hpp"
#include "tocsin/rules/promql/engine.hpp"
#include "tocsin/rules/series_notation.hpp"

namespace tocsin::rules::promql {
namespace {

using core::Duration;
using core::Labels;
using core::TimePoint;

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// A script's own mistake, or something in it that the runner does not know.
struct ScriptError {
  std::string message;
};

double parse_value(std::string text) {
  if (text.starts_with('+')) text.erase(0, 1);
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) throw ScriptError{"bad value " + text};
  return value;
}

using Values = SeriesValues;

struct SeriesLine {
  Labels labels;
  std::string rest;
  [[nodiscard]] bool histograms() const { return rest.find("{{") != std::string::npos; }
  [[nodiscard]] Values values() const {
    auto values = parse_series_values(rest);
    if (const auto* wrong = std::get_if<NotationError>(&values)) throw ScriptError{wrong->message};
    return std::get<Values>(std::move(values));
  }
};

SeriesLine parse_series(const std::string& line) {
  std::size_t at = 0;
  bool braces = false;
  char quote = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (quote != 0) {
      if (c == '\\') ++at;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{' || c == '}') {
      braces = c == '{';
    } else if (!braces && (c == ' ' || c == '\t')) {
      break;
    }
  }
  SeriesLine out;
  const std::string name = line.substr(0, at);
  out.rest = line.substr(std::min(at, line.size()));
  auto labels = parse_series_labels(name);
  if (const auto* wrong = std::get_if<NotationError>(&labels)) throw ScriptError{line + ": " + wrong->message};
  out.labels = std::get<Labels>(std::move(labels));
  return out;
}

/// As the scripts compare: six digits, NaN equal to NaN.
bool almost_equal(double a, double b) {
  if (core::is_stale(a) || core::is_stale(b)) return core::is_stale(a) && core::is_stale(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double tolerance = 1e-6;
  constexpr double smallest = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < smallest) return difference < tolerance * smallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < tolerance;
}

struct Expectation {
  bool fail = false;
  bool ordered = false;
  std::string message;
  std::string message_regex;
  std::optional<std::string> string;
  std::optional<double> scalar;
  std::vector<SeriesLine> series;
};

struct Eval {
  int line = 0;
  bool range = false;
  TimePoint start;
  TimePoint end;
  Duration step{0};
  std::string expression;
  Expectation expect;
};

std::string quote_free(const std::string& text) {
  auto parsed = parse(text);
  const auto* expr = std::get_if<ExprPtr>(&parsed);
  const auto* literal = expr != nullptr ? std::get_if<StringLiteral>(&(*expr)->node) : nullptr;
  if (literal == nullptr) throw ScriptError{"bad string " + text};
  return literal->value;
}

/// All selectors of a tree, and its subqueries' @ places.
struct Visitor {
  std::vector<VectorSelector*> selectors;
  std::vector<std::optional<AtModifier>*> places;
  bool unsafe_at = false;     // has functions that look at the evaluation's time
  bool unsafe_range = false;  // has start() or end()
  int inside = 0;

  void visit(Expr& expr) {
    std::visit([this](auto& node) { (*this)(node); }, expr.node);
  }
  void operator()(NumberLiteral&) {}
  void operator()(StringLiteral&) {}
  void operator()(VectorSelector& node) {
    selectors.push_back(&node);
    place(node.at);
  }
  void operator()(MatrixSelector& node) { (*this)(node.selector); }
  void operator()(Subquery& node) {
    place(node.at);
    // What is inside is asked at the subquery's own times.
    ++inside;
    visit(*node.inner);
    --inside;
  }
  void operator()(Call& node) {
    static const std::vector<std::string> timed{"days_in_month",  "day_of_month", "day_of_week", "day_of_year",
                                                "hour",           "minute",       "month",       "year",
                                                "predict_linear", "time",         "timestamp"};
    if (std::find(timed.begin(), timed.end(), node.function) != timed.end()) unsafe_at = true;
    for (ExprPtr& arg : node.args) visit(*arg);
  }
  void operator()(Aggregation& node) {
    if (node.parameter) visit(*node.parameter);
    visit(*node.inner);
  }
  void operator()(Binary& node) {
    visit(*node.lhs);
    visit(*node.rhs);
  }
  void operator()(Unary& node) { visit(*node.inner); }
  void operator()(Paren& node) { visit(*node.inner); }

  void place(std::optional<AtModifier>& at) {
    if (inside == 0) places.push_back(&at);
    if (at && at->kind != AtModifier::Kind::timestamp) unsafe_range = true;
  }
};

class Runner {
 public:
  explicit Runner(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      line = trim(line);
      lines_.push_back(line.starts_with('#') ? std::string() : line);
    }
    clear();
  }

  ScriptReport run() {
    while (at_ < lines_.size()) {
      const std::string& line = lines_[at_];
      const std::string word = line.substr(0, line.find_first_of(" \t"));
      if (line.empty()) {
        ++at_;
      } else if (word == "clear") {
        clear();
        ++at_;
      } else if (word == "load" || word == "load_with_nhcb") {
        load(word == "load_with_nhcb");
      } else if (word.starts_with("eval")) {
        evaluate(word);
      } else {
        throw ScriptError{fmt::format("line {}: unknown command {}", at_ + 1, word)};
      }
    }
    return std::move(report_);
  }

 private:
  void clear() {
    store::Limits limits;
    limits.retention = std::chrono::hours{24 * 365 * 100};
    store_ = std::make_unique<store::Store>(limits);
    blocks_.clear();
    histograms_.clear();
  }

  static Duration duration(const std::string& text) {
    const auto parsed = core::parse_duration(text);
    if (!parsed) throw ScriptError{"bad duration " + text};
    return *parsed;
  }

  void load(bool custom_buckets) {
    const Duration step = duration(trim(lines_[at_].substr(lines_[at_].find_first_of(" \t"))));
    std::map<Labels, Values> series;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      const SeriesLine line = parse_series(lines_[at_]);
      if (custom_buckets) remember_buckets(line.labels);
      if (line.histograms()) {
        histograms_.push_back(line.labels);
      } else {
        series[line.labels] = line.values();
      }
    }
    for (const auto& [labels, values] : series) append(labels, values, step);
  }

  void remember_buckets(Labels labels) {
    std::string name(labels.metric_name());
    if (!name.ends_with("_bucket")) return;
    labels.set(core::metric_name_label, name.substr(0, name.size() - 7));
    labels.erase("le");
    histograms_.push_back(std::move(labels));
  }

  void append(const Labels& labels, const Values& values, Duration step) {
    auto [it, fresh] = blocks_.try_emplace(labels, 0);
    if (fresh) it->second = store_->open_block(labels.to_string());
    TimePoint at{};
    for (const auto& value : values) {
      if (value) {
        core::Batch batch;
        if (fresh) batch.fresh.push_back({0, labels});
        batch.rows.push_back({0, *value});
        fresh = false;
        store_->append(it->second, at, batch);
      }
      at += step;
    }
  }

  void evaluate(const std::string& word) {
    Eval eval = parse_eval();
    eval.line = static_cast<int>(at_) + 1;
    if (word == "eval_fail") eval.expect.fail = true;
    if (word == "eval_ordered") eval.expect.ordered = true;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) parse_expectation(lines_[at_], eval.expect);
    auto parsed = parse(eval.expression);
    if (const auto* problem = std::get_if<ParseError>(&parsed)) {
      const bool experimental = problem->message.find("is not enabled") != std::string::npos ||
                                problem->message.find("is experimental") != std::string::npos;
      if (experimental) {
        ++report_.skipped["experimental function or aggregator"];
      } else {
        complain(eval, problem->render(eval.expression));
      }
      return;
    }
    Expr& expr = *std::get<ExprPtr>(parsed);
    if (touches_histograms(expr, eval)) {
      ++report_.skipped["native histograms"];
      return;
    }
    const std::size_t before = report_.failures.size();
    try {
      check(eval, expr);
    } catch (const ScriptError& problem) {
      complain(eval, problem.message);
    }
    if (report_.failures.size() == before) ++report_.passed;
  }

  Eval parse_eval() const {
    static const std::regex instant(R"(eval(?:_\w+)?\s+instant\s+at\s+(\S+)\s+(.+))");
    static const std::regex range(R"(eval(?:_\w+)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+))");
    Eval eval;
    std::smatch match;
    if (std::regex_match(lines_[at_], match, instant)) {
      eval.start = eval.end = TimePoint{duration(match[1])};
      eval.expression = match[2];
    } else if (std::regex_match(lines_[at_], match, range)) {
      eval.range = true;
      eval.start = TimePoint{duration(match[1])};
      eval.end = TimePoint{duration(match[2])};
      eval.step = duration(match[3]);
      eval.expression = match[4];
    } else {
      throw ScriptError{"bad eval " + lines_[at_]};
    }
    return eval;
  }

  static void parse_expectation(const std::string& line, Expectation& out) {
    static const std::regex expect(R"(expect\s+(\w+)(?:\s+(msg|regex)\s*:\s*(.*))?)");
    static const std::regex string(R"(expect\s+string\s+(.*))");
    std::smatch match;
    if (std::regex_match(line, match, string)) {
      out.string = quote_free(match[1]);
    } else if (std::regex_match(line, match, expect)) {
      // Warnings and infos are not told by this evaluator.
      if (match[1] == "ordered") out.ordered = true;
      if (match[1] != "fail") return;
      out.fail = true;
      if (match[2] == "msg") out.message = trim(match[3]);
      if (match[2] == "regex") out.message_regex = trim(match[3]);
    } else if (line.starts_with("expect")) {
      throw ScriptError{"unknown expectation " + line};
    } else if (line.find_first_of(" \t{") == std::string::npos) {
      out.scalar = parse_value(line);
    } else {
      out.series.push_back(parse_series(line));
    }
  }

  bool touches_histograms(Expr& expr, const Eval& eval) const {
    const auto& series = eval.expect.series;
    if (std::any_of(series.begin(), series.end(), [](const SeriesLine& s) { return s.histograms(); })) return true;
    Visitor visitor;
    visitor.visit(expr);
    for (const VectorSelector* selector : visitor.selectors) {
      for (const Labels& labels : histograms_) {
        if (core::matches_all(selector->matchers, labels)) return true;
      }
    }
    return false;
  }

  void complain(const Eval& eval, const std::string& what) {
    report_.failures.push_back(fmt::format("{}: {}: {}", eval.line, eval.expression, what));
  }

  void check(const Eval& eval, Expr& expr) {
    const EvalLimits limits;
    Plan plan(expr);
    if (eval.range) {
      auto result = plan.range(store_->live(), eval.start, eval.end, eval.step, limits);
      if (const auto* error = std::get_if<EvalError>(&result)) return check_error(eval, *error);
      return check_matrix(eval, std::get<Matrix>(result));
    }
    auto result = plan.instant(store_->live(), eval.start, limits);
    if (const auto* error = std::get_if<EvalError>(&result)) return check_error(eval, *error);
    check_value(eval, std::get<Value>(result), eval.start, eval.expect.ordered);
    // The same plan, asked again, says the same.
    auto again = plan.instant(store_->live(), eval.start, limits);
    check_value(eval, std::get<Value>(again), eval.start, eval.expect.ordered);
    if (!eval.expect.string && !eval.expect.ordered) check_as_range(eval, expr, plan);
    check_with_at(eval);
  }

  static void check_error(const Eval& eval, const EvalError& error) {
    if (!eval.expect.fail) throw ScriptError{"failed: " + error.message};
    if (!eval.expect.message.empty() && error.message != eval.expect.message) {
      throw ScriptError{fmt::format("failed with {:?}, expected {:?}", error.message, eval.expect.message)};
    }
    if (!eval.expect.message_regex.empty() &&
        !std::regex_search(error.message, std::regex(eval.expect.message_regex))) {
      throw ScriptError{"failed with other words: " + error.message};
    }
  }

  static void check_value(const Eval& eval, const Value& value, TimePoint at, bool ordered) {
    if (eval.expect.fail) throw ScriptError{"did not fail"};
    if (const auto* scalar = std::get_if<Scalar>(&value)) {
      if (!eval.expect.scalar) throw ScriptError{"unexpected scalar"};
      return check_number(scalar->sample.value, *eval.expect.scalar, "scalar");
    }
    if (const auto* string = std::get_if<String>(&value)) {
      if (eval.expect.string != string->value) throw ScriptError{"wrong string " + string->value};
      return;
    }
    if (!std::holds_alternative<Vector>(value)) throw ScriptError{"a range vector was not expected"};
    check_vector(eval, std::get<Vector>(value), at, ordered);
  }

  static void check_number(double got, double wanted, const std::string& what) {
    if (!almost_equal(got, wanted)) throw ScriptError{fmt::format("{}: got {}, expected {}", what, got, wanted)};
  }

  static void check_vector(const Eval& eval, const Vector& vector, TimePoint at, bool ordered) {
    const auto& wanted = eval.expect.series;
    if (vector.size() != wanted.size()) {
      std::string got;
      for (const InstantSample& s : vector) got += fmt::format(" {} {};", s.labels.to_string(), s.sample.value);
      throw ScriptError{fmt::format("got {} samples, expected {}:{}", vector.size(), wanted.size(), got)};
    }
    for (std::size_t i = 0; i < vector.size(); ++i) {
      const auto it = std::find_if(wanted.begin(), wanted.end(),
                                   [&](const SeriesLine& line) { return line.labels == vector[i].labels; });
      const std::string name = vector[i].labels.to_string();
      if (it == wanted.end()) throw ScriptError{"unexpected " + name};
      if (ordered && static_cast<std::size_t>(it - wanted.begin()) != i) throw ScriptError{"out of order: " + name};
      if (vector[i].sample.time != at) throw ScriptError{"wrong time of " + name};
      check_number(vector[i].sample.value, it->values().at(0).value(), name);
    }
  }

  static void check_matrix(const Eval& eval, const Matrix& matrix) {
    if (eval.expect.fail) throw ScriptError{"did not fail"};
    if (matrix.size() != eval.expect.series.size()) {
      throw ScriptError{fmt::format("got {} series, expected {}", matrix.size(), eval.expect.series.size())};
    }
    for (const SeriesLine& line : eval.expect.series) {
      const auto it =
          std::find_if(matrix.begin(), matrix.end(), [&](const Series& s) { return s.labels == line.labels; });
      const std::string name = line.labels.to_string();
      if (it == matrix.end()) throw ScriptError{"missing " + name};
      std::vector<core::Sample> wanted;
      TimePoint at = eval.start;
      for (const auto& value : line.values()) {
        if (value) wanted.push_back({at, *value});
        at += eval.step;
      }
      if (wanted.size() != it->samples.size()) {
        throw ScriptError{fmt::format("{}: got {} samples, expected {}", name, it->samples.size(), wanted.size())};
      }
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (it->samples[i].time != wanted[i].time) throw ScriptError{"wrong time in " + name};
        check_number(it->samples[i].value, wanted[i].value, name);
      }
    }
  }

  /// An instant query is the middle of a range query.
  void check_as_range(const Eval& eval, Expr& expr, Plan& plan) {
    Visitor visitor;
    visitor.visit(expr);
    if (visitor.unsafe_range) return;
    const auto minute = std::chrono::minutes{1};
    auto result = plan.range(store_->live(), eval.start - minute, eval.start + minute, minute, EvalLimits{});
    // At the other steps the query may fail.
    if (std::holds_alternative<EvalError>(result)) return;
    Vector middle;
    for (const Series& series : std::get<Matrix>(result)) {
      for (const core::Sample& sample : series.samples) {
        if (sample.time == eval.start) middle.push_back({series.labels, sample});
      }
    }
    if (type_of(expr) == ValueType::scalar) {
      return check_number(middle.at(0).sample.value, eval.expect.scalar.value(), "as range");
    }
    check_vector(eval, middle, eval.start, false);
  }

  /// `@` with the evaluation's time gives the same at any time.
  void check_with_at(const Eval& eval) {
    auto parsed = parse(eval.expression);
    Expr& expr = *std::get<ExprPtr>(parsed);
    Visitor visitor;
    visitor.visit(expr);
    if (visitor.unsafe_at || visitor.unsafe_range) return;
    const std::int64_t at = core::to_millis(eval.start);
    for (std::optional<AtModifier>* place : visitor.places) {
      if (!place->has_value()) *place = AtModifier{AtModifier::Kind::timestamp, at};
    }
    Plan plan(expr);
    const std::vector<std::int64_t> times = at == 0 ? std::vector<std::int64_t>{-1000, 0, 1000}
                                                    : std::vector<std::int64_t>{-10 * at, 0, at / 5, at, 10 * at};
    for (const std::int64_t time : times) {
      auto result = plan.instant(store_->live(), core::from_millis(time), EvalLimits{});
      if (const auto* error = std::get_if<EvalError>(&result)) throw ScriptError{"with @: " + error->message};
      check_value(eval, std::get<Value>(result), core::from_millis(time), eval.expect.ordered);
    }
  }

  std::vector<std::string> lines_;
  std::size_t at_ = 0;
  std::unique_ptr<store::Store> store_;
  std::map<Labels, store::BlockId> blocks_;
  std::vector<Labels> histograms_;  // loaded in the script, left out here
  ScriptReport report_;
};

}  // namespace

ScriptReport run_script(const std::string& text) {
  try {
    return Runner(text).run();
  } catch (const ScriptError& problem) {
    ScriptReport report;
    report.failures.push_back(problem.message);
    return report;
  }
}

}  // namespace tocsin::rules::promql
