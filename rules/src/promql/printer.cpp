#include "src/promql/printer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "src/go_text.hpp"
#include "tocsin/core/duration.hpp"

namespace tocsin::rules::promql {
namespace {

std::string label_text(const std::string& name) { return core::is_label_name(name) ? name : go_quote(name); }

std::string join_labels(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    out += label_text(name);
  }
  return out;
}

std::string at_text(const std::optional<AtModifier>& at) {
  if (!at) return {};
  if (at->kind == AtModifier::Kind::start) return " @ start()";
  if (at->kind == AtModifier::Kind::end) return " @ end()";
  return fmt::format(" @ {:.3f}", static_cast<double>(at->millis) / 1000.0);
}

std::string offset_text(core::Duration offset) {
  return offset.count() == 0 ? std::string() : " offset " + core::format_duration(offset);
}

std::string matcher_text(const core::Matcher& matcher) {
  static constexpr std::array<std::string_view, 4> operators{"=", "!=", "=~", "!~"};
  return fmt::format("{}{}{}", label_text(matcher.name()), operators[static_cast<std::size_t>(matcher.kind())],
                     go_quote(matcher.value()));
}

std::string selector_text(const VectorSelector& node) {
  std::vector<std::string> parts;
  for (const core::Matcher& matcher : node.matchers) {
    const bool is_name = !node.name.empty() && matcher.name() == core::metric_name_label &&
                         matcher.kind() == core::Matcher::Kind::equal && matcher.value() == node.name;
    if (!is_name) parts.push_back(matcher_text(matcher));
  }
  if (parts.empty()) return node.name;
  std::sort(parts.begin(), parts.end());
  return fmt::format("{}{{{}}}", node.name, fmt::join(parts, ","));
}

std::string text(const Expr& expr);

std::string text(const NumberLiteral& node) {
  if (!node.is_duration) return format_plain(node.value);
  return core::format_duration(core::Duration{std::llround(node.value * 1000)});
}
std::string text(const StringLiteral& node) { return go_quote(node.value); }
std::string text(const VectorSelector& node) {
  return selector_text(node) + at_text(node.at) + offset_text(node.offset);
}
std::string text(const MatrixSelector& node) {
  return fmt::format("{}[{}]{}{}", selector_text(node.selector), core::format_duration(node.range),
                     at_text(node.selector.at), offset_text(node.selector.offset));
}
std::string text(const Subquery& node) {
  return fmt::format("{}[{}:{}]{}{}", text(*node.inner), core::format_duration(node.range),
                     node.step ? core::format_duration(*node.step) : std::string(), at_text(node.at),
                     offset_text(node.offset));
}
std::string text(const Call& node) {
  std::string out = node.function + "(";
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += text(*node.args[i]);
  }
  return out + ")";
}
std::string text(const Aggregation& node) {
  std::string out = node.op;
  if (node.without || !node.labels.empty()) {
    out += fmt::format(" {} ({}) ", node.without ? "without" : "by", join_labels(node.labels));
  }
  out += "(";
  if (node.parameter) out += text(*node.parameter) + ", ";
  return out + text(*node.inner) + ")";
}
std::string text(const Binary& node) {
  using Cardinality = VectorMatching::Cardinality;
  const VectorMatching& matching = node.matching;
  const bool grouped =
      matching.cardinality == Cardinality::many_to_one || matching.cardinality == Cardinality::one_to_many;
  std::string out = text(*node.lhs);
  out += fmt::format(" {}{}", operator_name(node.op), node.return_bool ? " bool" : "");
  if (!matching.labels.empty() || matching.on || grouped) {
    out += fmt::format(" {} ({})", matching.on ? "on" : "ignoring", join_labels(matching.labels));
  }
  if (grouped) {
    out += fmt::format(" group_{} ({})", matching.cardinality == Cardinality::many_to_one ? "left" : "right",
                       join_labels(matching.include));
  }
  out += ' ';
  return out + text(*node.rhs);
}
std::string text(const Unary& node) { return (node.negative ? "-" : "+") + text(*node.inner); }
std::string text(const Paren& node) { return "(" + text(*node.inner) + ")"; }

std::string text(const Expr& expr) {
  return std::visit([](const auto& node) { return text(node); }, expr.node);
}

}  // namespace

std::string_view operator_name(BinaryOp op) {
  static constexpr std::array<std::string_view, 16> names{
      "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless"};
  return names[static_cast<std::size_t>(op)];
}

std::string format_plain(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  // The fewest digits that read back as the same number, with zeros up to the point: 1e30 is 1 and thirty zeros.
  std::array<char, 32> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = shortest.find('e');
  const char* sign = shortest.data() + e + 1;
  int exponent = 0;
  std::from_chars(*sign == '+' ? sign + 1 : sign, written.ptr, exponent);
  std::string digits;
  for (const char c : shortest.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const std::string minus = std::signbit(value) ? "-" : "";
  if (exponent < 0) return minus + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return minus + digits + std::string(whole - digits.size(), '0');
  return minus + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string to_string(const Expr& expr) { return text(expr); }

}  // namespace tocsin::rules::promql
