// From text to a tree: numbers, selectors and what may stand behind them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "src/go_text.hpp"
#include "src/promql/parser.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules::promql {

std::optional<double> Parser::to_number(const Token& token) {
  std::string text = token.text;
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  const auto whole = [&](int base, std::size_t skip) -> std::optional<double> {
    std::int64_t value = 0;
    const auto [at, ec] = std::from_chars(begin + skip, end, value, base);
    if (ec != std::errc() || at != end) return std::nullopt;
    return static_cast<double>(value);
  };
  std::optional<double> value;
  if (text.size() > 1 && text[0] == '0') {
    const bool hex = (text[1] | 0x20) == 'x';
    value = hex ? whole(16, 2) : whole(8, 1);
  }
  if (!value) {
    double decimal = 0;
    const auto [at, ec] = std::from_chars(begin, end, decimal);
    if (ec == std::errc::result_out_of_range && at == end) {
      const bool small = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
      decimal = small ? 0 : std::numeric_limits<double>::infinity();
    } else if (ec != std::errc() || at != end) {
      fail({token.begin, token.end}, "error parsing number: invalid syntax in " + go_quote(token.source));
      return std::nullopt;
    }
    value = decimal;
  }
  return value;
}

std::optional<Parsed> Parser::selector(const Token* name) {
  VectorSelector node;
  const std::size_t begin = name != nullptr ? name->begin : token_.begin;
  if (name != nullptr) {
    node.name = name->source;
    node.matchers.emplace_back(core::Matcher::Kind::equal, std::string(core::metric_name_label), node.name);
  }
  if (is(TokenKind::left_brace) && !label_matchers(node)) return std::nullopt;
  const Range range{begin, last_end_};
  const bool all_match_empty =
      std::all_of(node.matchers.begin(), node.matchers.end(), [](const core::Matcher& m) { return m.matches_empty(); });
  if (all_match_empty) {
    fail(range, "vector selector must contain at least one non-empty matcher");
    return std::nullopt;
  }
  return finish(std::move(node), begin, 1);
}

bool Parser::label_matchers(VectorSelector& out) {
  advance();
  while (!is(TokenKind::right_brace)) {
    if (!label_matcher(out)) return false;
    if (is(TokenKind::right_brace)) break;
    if (!is(TokenKind::comma)) return unexpected("label matching", "\",\" or \"}\"");
    advance();
  }
  advance();
  return true;
}

bool Parser::label_matcher(VectorSelector& out) {
  if (!is(TokenKind::identifier) && !is(TokenKind::string)) return unexpected("label matching", "identifier or \"}\"");
  const bool quoted = is(TokenKind::string);
  const std::size_t begin = token_.begin;
  std::string name = token_.text;
  advance();
  core::Matcher::Kind kind = core::Matcher::Kind::equal;
  if (is(TokenKind::equal)) {
    kind = core::Matcher::Kind::equal;
  } else if (is_op("!=")) {
    kind = core::Matcher::Kind::not_equal;
  } else if (is(TokenKind::match)) {
    kind = token_.source == "=~" ? core::Matcher::Kind::regex : core::Matcher::Kind::not_regex;
  } else if (quoted && (is(TokenKind::comma) || is(TokenKind::right_brace))) {
    return add_matcher(out, kind, std::string(core::metric_name_label), std::move(name), {begin, last_end_});
  } else {
    return unexpected("label matching", "label matching operator");
  }
  advance();
  if (!is(TokenKind::string)) return unexpected("label matching", "string");
  std::string value = std::move(token_.text);
  advance();
  return add_matcher(out, kind, std::move(name), std::move(value), {begin, last_end_});
}

bool Parser::add_matcher(VectorSelector& out, core::Matcher::Kind kind, std::string name, std::string value,
                         Range range) {
  if (name == core::metric_name_label && !out.name.empty()) {
    return fail(range, fmt::format("metric name must not be set twice: {} or {}", go_quote(out.name), go_quote(value)));
  }
  try {
    out.matchers.emplace_back(kind, std::move(name), std::move(value));
  } catch (const std::invalid_argument& problem) {
    return fail(range, fmt::format("error parsing regexp: {}", problem.what()));
  }
  return true;
}

std::optional<core::Duration> Parser::to_duration(const Token& token) {
  const Range range{token.begin, token.end};
  if (token.kind == TokenKind::duration) {
    const auto parsed = core::parse_duration(token.text);
    if (!parsed) fail(range, "not a valid duration string: " + go_quote(token.text));
    return parsed;
  }
  const auto seconds = to_number(token);
  if (!seconds) return std::nullopt;
  if (!(std::fabs(*seconds) < 9.2e9)) {  // nanoseconds in 64 bits
    fail(range, "duration out of range");
    return std::nullopt;
  }
  return core::Duration{std::llround(*seconds * 1000)};
}

std::optional<core::Duration> Parser::duration(std::string_view context, std::string_view expected, bool signed_) {
  bool negative = false;
  while (signed_ && (is_op("-") || is_op("+"))) {
    negative ^= is_op("-");
    advance();
  }
  if (!is(TokenKind::number) && !is(TokenKind::duration)) {
    unexpected(context, expected);
    return std::nullopt;
  }
  const auto value = to_duration(token_);
  if (!value) return std::nullopt;
  advance();
  return negative ? -*value : *value;
}

std::optional<core::Duration> Parser::positive_duration(std::string_view context, std::string_view expected) {
  const Range range{token_.begin, token_.end};
  const auto value = duration(context, expected, false);
  if (value && value->count() <= 0) {
    fail(range, "duration must be greater than 0");
    return std::nullopt;
  }
  return value;
}

bool Parser::bracket(Parsed& parsed) {
  advance();
  const auto range = positive_duration("subquery or range selector", "number or duration");
  if (!range) return false;
  if (is(TokenKind::right_bracket)) {
    advance();
    return make_matrix(parsed, *range);
  }
  if (!is(TokenKind::colon)) return unexpected("subquery or range", "\":\" or \"]\"");
  advance();
  std::optional<core::Duration> step;
  if (!is(TokenKind::right_bracket)) {
    step = positive_duration("subquery selector", "number or duration or \"]\"");
    if (!step) return false;
  }
  if (!is(TokenKind::right_bracket)) return unexpected("subquery selector", "\"]\"");
  advance();
  return make_subquery(parsed, *range, step);
}

bool Parser::make_matrix(Parsed& parsed, core::Duration range) {
  const Range where{parsed.expr->range.begin, last_end_};
  auto* selector = std::get_if<VectorSelector>(&parsed.expr->node);
  if (selector == nullptr) return fail(where, "ranges only allowed for vector selectors");
  if (selector->offset.count() != 0) return fail(where, "no offset modifiers allowed before range");
  if (selector->at) return fail(where, "no @ modifiers allowed before range");
  VectorSelector moved = std::move(*selector);
  parsed.expr->node = MatrixSelector{std::move(moved), range};
  parsed.expr->range = where;
  return true;
}

bool Parser::make_subquery(Parsed& parsed, core::Duration range, std::optional<core::Duration> step) {
  const std::size_t begin = parsed.expr->range.begin;
  Subquery node;
  node.inner = std::move(parsed.expr);
  node.range = range;
  node.step = step;
  auto made = finish(std::move(node), begin, parsed.height + 1);
  if (!made) return false;
  parsed = *std::move(made);
  return true;
}

bool Parser::offset(Expr& expr) {
  advance();
  const auto value = duration("offset", "number or duration", true);
  if (!value) return false;
  core::Duration* target = nullptr;
  if (auto* vector = std::get_if<VectorSelector>(&expr.node)) target = &vector->offset;
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) target = &matrix->selector.offset;
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) target = &subquery->offset;
  if (target == nullptr) {
    return fail(
        expr.range,
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (target->count() != 0) return fail(expr.range, "offset may not be set multiple times");
  *target = *value;
  expr.range.end = last_end_;
  return true;
}

bool Parser::set_at(Expr& expr, AtModifier at) {
  std::optional<AtModifier>* target = nullptr;
  if (auto* vector = std::get_if<VectorSelector>(&expr.node)) target = &vector->at;
  if (auto* matrix = std::get_if<MatrixSelector>(&expr.node)) target = &matrix->selector.at;
  if (auto* subquery = std::get_if<Subquery>(&expr.node)) target = &subquery->at;
  if (target == nullptr) {
    return fail(expr.range,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  }
  if (target->has_value()) return fail(expr.range, "@ <timestamp> may not be set multiple times");
  *target = at;
  expr.range.end = last_end_;
  return true;
}

bool Parser::at_modifier(Expr& expr) {
  advance();
  AtModifier at;
  if (is(TokenKind::preprocessor)) {
    at.kind = token_.text == "start" ? AtModifier::Kind::start : AtModifier::Kind::end;
    advance();
    if (!is(TokenKind::left_paren)) return unexpected("@", "timestamp");
    advance();
    if (!is(TokenKind::right_paren)) return unexpected("@", "timestamp");
    advance();
    return set_at(expr, at);
  }
  bool negative = false;
  if (is_op("-") || is_op("+")) {
    negative = is_op("-");
    advance();
  }
  double seconds = 0;
  if (is(TokenKind::duration)) {
    const auto value = to_duration(token_);
    if (!value) return false;
    seconds = core::to_seconds(*value);
  } else if (is(TokenKind::number)) {
    const auto value = to_number(token_);
    if (!value) return false;
    seconds = *value;
  } else {
    return unexpected("@", "timestamp");
  }
  advance();
  if (negative) seconds = -seconds;
  // A third of the 64 bits leaves room for offsets and ranges to be added without overflow.
  if (!(std::fabs(seconds) < 3e15)) {
    return fail(expr.range, fmt::format("timestamp out of bounds for @ modifier: {:f}", seconds));
  }
  at.millis = std::llround(seconds * 1000);
  return set_at(expr, at);
}

}  // namespace tocsin::rules::promql
