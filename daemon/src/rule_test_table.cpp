#include "src/rule_test_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tocsin/core/duration.hpp"
#include "tocsin/core/number.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {
namespace {

using core::field;
using core::FieldReader;
using core::list_of;
using core::located;
using core::Place;
using core::section;
using core::Section;
using core::YamlNode;

/// The place of byte `offset` of a scalar, where the scalar stands in the file as it is: within one line and without
/// escapes; else the scalar's own place.
core::Position place_within(const core::SourceFile& file, const YamlNode& node, std::size_t offset) {
  std::size_t begin = 0;
  for (std::size_t line = 1; line < node.at.line && begin != std::string::npos; ++line) {
    begin = file.text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos || node.at.line == 0) return node.at;
  const std::size_t quote = node.quoted ? 1 : 0;
  const std::size_t at = begin + node.at.column - 1 + quote;
  if (at > file.text.size() || file.text.compare(at, node.scalar.size(), node.scalar) != 0) return node.at;
  return {node.at.line, node.at.column + quote + offset};
}

/// A type that is only read, never written: these files are not dumped.
template <class V>
core::Type<V> only_read(std::function<bool(FieldReader&, const YamlNode&, V&)> read) {
  core::Type<V> type;
  type.shape = core::text().shape;
  type.read = std::move(read);
  type.write = [](const V&) { return YamlNode{}; };
  return type;
}

template <class V>
core::Type<V> notation(std::variant<V, rules::NotationError> (*parse)(std::string_view)) {
  return only_read<V>([parse](FieldReader& reader, const YamlNode& node, V& into) {
    if (node.kind == YamlNode::Kind::null) return true;
    const auto text = reader.scalar(node, "text");
    if (!text) return false;
    auto parsed = parse(*text);
    if (const auto* wrong = std::get_if<rules::NotationError>(&parsed)) {
      reader.error(place_within(*reader.file(), node, wrong->offset),
                   fmt::format("{}: {}", reader.key(), wrong->message));
      return false;
    }
    into = std::get<V>(std::move(parsed));
    return true;
  });
}

/// Any names, any scalars, as promtool takes them: `severity: 1` is a text.
core::Type<core::Labels> names_and_texts() {
  return only_read<core::Labels>([](FieldReader& reader, const YamlNode& node, core::Labels& into) {
    if (node.kind == YamlNode::Kind::null) return true;
    if (node.kind != YamlNode::Kind::map) {
      reader.key_error(node.at, "needs a map of names and texts");
      return false;
    }
    bool good = true;
    for (const auto& [key, value] : node.entries) {
      if (value.kind == YamlNode::Kind::null) continue;
      const std::string outer = reader.enter(key.scalar);
      const auto text = reader.scalar(value, "text");
      reader.enter(outer);
      if (text) into.set(key.scalar, *text);
      good = good && text;
    }
    return good;
  });
}

std::optional<double> parse_sample(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view rest = negative || text.starts_with('+') ? text.substr(1) : text;
  const double sign = negative ? -1 : 1;
  if (rest.starts_with('.') && rest.size() > 1 && !(rest[1] >= '0' && rest[1] <= '9')) rest.remove_prefix(1);
  if (rest == "inf" || rest == "Inf" || rest == "INF") return sign * std::numeric_limits<double>::infinity();
  if (rest == "nan" || rest == "NaN" || rest == "NAN") return std::numeric_limits<double>::quiet_NaN();
  if (rest.empty() || !(rest[0] == '.' || (rest[0] >= '0' && rest[0] <= '9'))) return std::nullopt;
  const auto value = core::parse_number<double>(rest);
  return value ? std::optional(sign * *value) : std::nullopt;
}

core::Type<double> sample_value() {
  return only_read<double>([](FieldReader& reader, const YamlNode& node, double& into) {
    const auto text = reader.scalar(node, "a number");
    if (!text) return false;
    const auto value = parse_sample(*text);
    if (!value) reader.key_error(node.at, fmt::format("needs a number, not \"{}\"", *text));
    if (value) into = *value;
    return value.has_value();
  });
}

/// Seconds since the epoch, or RFC 3339.
core::Type<core::TimePoint> timestamp() {
  return only_read<core::TimePoint>([](FieldReader& reader, const YamlNode& node, core::TimePoint& into) {
    const auto text = reader.scalar(node, "a time");
    if (!text) return false;
    constexpr double latest = 1e11;  // seconds; some thousand years
    if (const auto seconds = core::parse_number<double>(*text); seconds && std::fabs(*seconds) < latest) {
      into = core::from_millis(std::llround(*seconds * 1000));
      return true;
    }
    const auto time = core::parse_rfc3339(*text);
    if (time) into = *time;
    if (!time)
      reader.key_error(node.at, fmt::format("needs seconds since 1970, or a time such as "
                                            "2026-01-02T03:04:05Z, not \"{}\"",
                                            *text));
    return time.has_value();
  });
}

bool read_expression(FieldReader& reader, const YamlNode& node, QueryTest& into) {
  auto parsed = rules::promql::parse(into.expression);
  if (const auto* error = std::get_if<rules::promql::ParseError>(&parsed)) {
    reader.error(place_within(*reader.file(), node, error->range.begin),
                 "could not parse expression: " + error->render(into.expression));
    return false;
  }
  into.parsed = std::get<rules::promql::ExprPtr>(std::move(parsed));
  const auto type = rules::promql::type_of(*into.parsed);
  using rules::promql::ValueType;
  if (type == ValueType::vector || type == ValueType::scalar) return true;
  reader.key_error(node.at, "must give samples or one number at a time, not a range or a text");
  return false;
}

core::Type<std::string> no_histogram() {
  return only_read<std::string>([](FieldReader& reader, const YamlNode& node, std::string&) {
    reader.key_error(node.at, "is not supported: in tocsin every sample is a number, native histograms are not read");
    return false;
  });
}

Section<TestSeries> series_table() {
  return Section<TestSeries>(
      "input series", "A series that the rules may read.",
      {field("series", &TestSeries::labels, notation<core::Labels>(rules::parse_series_labels)).required(),
       field("values", &TestSeries::values, notation<rules::SeriesValues>(rules::parse_series_values))});
}

Section<AlertTest> alert_table() {
  const auto alert = Section<ExpectedAlert>("expected alert", "An alert that fires.",
                                            {field("exp_labels", &ExpectedAlert::labels, names_and_texts()),
                                             field("exp_annotations", &ExpectedAlert::annotations, names_and_texts())});
  return Section<AlertTest>(
      "alert test", "All alerts of one name that fire at a time.",
      {field("eval_time", &AlertTest::eval_time), field("alertname", &AlertTest::alertname).required(),
       field("exp_alerts", &AlertTest::alerts, list_of(section(alert)))});
}

core::Type<QueryTest> query_test() {
  const auto sample = Section<ExpectedSample>(
      "expected sample", "A sample of the result.",
      {field("labels", &ExpectedSample::labels, notation<core::Labels>(rules::parse_series_labels)),
       field("value", &ExpectedSample::value, sample_value()),
       field("histogram", &ExpectedSample::histogram, no_histogram())});
  auto type = section(
      Section<QueryTest>("expression test", "All samples that an expression gives at a time.",
                         {field("eval_time", &QueryTest::eval_time), field("expr", &QueryTest::expression).required(),
                          field("exp_samples", &QueryTest::samples, list_of(section(sample)))}));
  type.read = [read = type.read](FieldReader& reader, const YamlNode& node, QueryTest& into) {
    const bool good = read(reader, node, into);
    const YamlNode* const expr = node.find("expr");
    if (expr == nullptr || into.expression.empty()) return good;
    const std::string outer = reader.enter("expr");
    const bool parsed = read_expression(reader, *expr, into);
    reader.enter(outer);
    return good && parsed;
  };
  return type;
}

/// `{a="b"}`, with or without a name in front.
core::Type<std::vector<core::Matcher>> matchers() {
  return only_read<std::vector<core::Matcher>>([](FieldReader& reader, const YamlNode& node, auto& into) {
    const auto text = reader.scalar(node, "conditions such as {alertname=\"Down\"}");
    if (!text) return false;
    auto parsed = rules::promql::parse(*text);
    if (const auto* error = std::get_if<rules::promql::ParseError>(&parsed)) {
      reader.error(place_within(*reader.file(), node, error->range.begin), reader.key() + ": " + error->message);
      return false;
    }
    const auto* const selector =
        std::get_if<rules::promql::VectorSelector>(&std::get<rules::promql::ExprPtr>(parsed)->node);
    if (selector != nullptr) into = selector->matchers;
    if (selector == nullptr) reader.key_error(node.at, "needs conditions such as {alertname=\"Down\"}");
    return selector != nullptr;
  });
}

core::Type<YamlNode> as_it_is() {
  return only_read<YamlNode>([](FieldReader&, const YamlNode& node, YamlNode& into) {
    into = node;
    return true;
  });
}

core::Type<std::optional<core::Direction>> direction() {
  using core::Direction;
  return core::maybe(core::choice<Direction>({{"up", Direction::up}, {"down", Direction::down}}));
}

core::Type<core::ActionStep> action_step() {
  using core::ActionStep;
  std::vector<std::pair<std::string, ActionStep>> words;
  for (const ActionStep step :
       {ActionStep::started, ActionStep::shadow, ActionStep::awaiting_approval, ActionStep::skipped,
        ActionStep::succeeded, ActionStep::effective, ActionStep::ineffective, ActionStep::failed, ActionStep::unknown,
        ActionStep::adopted, ActionStep::ordered, ActionStep::proposed, ActionStep::claimed, ActionStep::preflight,
        ActionStep::verifying}) {
    words.emplace_back(core::to_string(step), step);
  }
  return core::choice<ActionStep>(std::move(words));
}

Section<ActionTest> action_test_table() {
  const auto expected = Section<ExpectedAction>(
      "expected action", "Something that is written down of an action.",
      {field("action", &ExpectedAction::action).required(), field("step", &ExpectedAction::step, action_step()),
       field("target", &ExpectedAction::target), field("from", &ExpectedAction::from), field("to", &ExpectedAction::to),
       field("direction", &ExpectedAction::direction, direction()), field("because", &ExpectedAction::because),
       field("by", &ExpectedAction::by)});
  const auto none = Section<ExpectedNoAction>(
      "action that is not expected", "An action that has not begun, and why.",
      {field("action", &ExpectedNoAction::action).required(), field("because", &ExpectedNoAction::because)});
  return Section<ActionTest>("action test", "What was done since the action test before.",
                             {field("eval_time", &ActionTest::eval_time),
                              field("exp_actions", &ActionTest::actions, list_of(section(expected))),
                              field("exp_no_actions", &ActionTest::none, list_of(section(none)))});
}

Section<TestFault> fault_table() {
  using Kind = TestFault::Kind;
  const auto kind = core::choice<Kind>({{"fail", Kind::fail},
                                        {"hang", Kind::hang},
                                        {"lose", Kind::lose},
                                        {"lie", Kind::lie},
                                        {"unreadable", Kind::unreadable},
                                        {"not_ready", Kind::not_ready}});
  return Section<TestFault>(
      "platform fault", "A time in which the platform is not as it should be.",
      {field("target", &TestFault::target).required(), field("fault", &TestFault::kind, kind).required(),
       field("from", &TestFault::from), field("to", &TestFault::to)});
}

Section<TestOrder> order_table() {
  return Section<TestOrder>(
             "order", "What a person says, as with `tocsin actions`.",
             {field("at", &TestOrder::at).required(), field("by", &TestOrder::by).required(),
              field("approve", &TestOrder::approve), field("reject", &TestOrder::reject),
              field("pause", &TestOrder::pause), field("resume", &TestOrder::resume), field("rearm", &TestOrder::rearm),
              field("direction", &TestOrder::direction, direction()), field("for", &TestOrder::lasts),
              field("note", &TestOrder::note), field("refused", &TestOrder::refused)})
      .exclusive({"approve", "reject", "pause", "resume", "rearm"})
      .check([](FieldReader& reader, const Place& place, const TestOrder&) {
        for (const char* verb : {"approve", "reject", "pause", "resume", "rearm"}) {
          if (place.has(verb)) return;
        }
        reader.error(place.at, "an order says what is wanted: approve, reject, pause, resume or rearm, and the action");
      });
}

Section<RuleTest> test_table() {
  const auto silence = Section<TestSilence>("silence", "A silence in Alertmanager.",
                                            {field("match", &TestSilence::match, matchers()).required(),
                                             field("from", &TestSilence::from), field("to", &TestSilence::to)});
  const auto drift =
      Section<TestDrift>("change by others", "Somebody else changes a target.",
                         {field("target", &TestDrift::target).required(), field("at", &TestDrift::at).required(),
                          field("to", &TestDrift::to).required()});
  return Section<RuleTest>("test", "Series, and what is expected of them.",
                           {field("name", &RuleTest::name), field("interval", &RuleTest::interval),
                            field("start_timestamp", &RuleTest::start, timestamp()),
                            field("input_series", &RuleTest::series, list_of(section(series_table()))),
                            field("alert_rule_test", &RuleTest::alerts, list_of(section(alert_table()))),
                            field("promql_expr_test", &RuleTest::queries, list_of(query_test())),
                            field("external_labels", &RuleTest::external_labels, names_and_texts()),
                            field("external_url", &RuleTest::external_url),
                            field("action_test", &RuleTest::actions, list_of(section(action_test_table()))),
                            field("platform", &RuleTest::platform, core::map_of(core::text(), "target")),
                            field("platform_faults", &RuleTest::faults, list_of(section(fault_table()))),
                            field("changed_by_others", &RuleTest::drifts, list_of(section(drift))),
                            field("silences", &RuleTest::silences, list_of(section(silence))),
                            field("orders", &RuleTest::orders, list_of(section(order_table())))});
}

}  // namespace

Section<RawRuleTestFile> rule_test_table() {
  return Section<RawRuleTestFile>(
             "test file", "Tests of rules.",
             {field("rule_files", &RawRuleTestFile::rule_files, list_of(located(core::text()))),
              field("evaluation_interval", &RawRuleTestFile::evaluation_interval),
              field("group_eval_order", &RawRuleTestFile::group_eval_order, list_of(located(core::text()))),
              field("fuzzy_compare", &RawRuleTestFile::fuzzy),
              field("config", &RawRuleTestFile::config, located(core::text())),
              field("environment", &RawRuleTestFile::environment, core::map_of(core::text(), "variable")),
              field("actions", &RawRuleTestFile::actions, as_it_is()),
              field("guard", &RawRuleTestFile::guard, as_it_is()),
              field("maintenance", &RawRuleTestFile::maintenance, as_it_is()),
              field("as_auto", &RawRuleTestFile::as_auto),
              field("tests", &RawRuleTestFile::tests, list_of(section(test_table()))).required()})
      .exclusive({"config", "actions"})
      .exclusive({"config", "guard"})
      .exclusive({"config", "maintenance"});
}

}  // namespace tocsin::daemon
