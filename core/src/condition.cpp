#include "tocsin/core/condition.hpp"

#include <re2/re2.h>

#include <array>
#include <cmath>
#include <utility>

#include "tocsin/core/number.hpp"

namespace tocsin::core {
namespace {

Failure wrong(std::string detail) { return {Outcome::unexpected, Phase::parse, std::move(detail)}; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::shared_ptr<const re2::RE2> compile_regex(const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return std::make_shared<const re2::RE2>(expression, options);
}

bool found_in(const re2::RE2& expression, std::string_view text) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, shown)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > shown ? "...\"" : "\"");
}

Result<Condition> Condition::parse(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Op>, 8> operators{{{"==", Op::equals},
                                                                      {"!=", Op::differs},
                                                                      {"=~", Op::matches},
                                                                      {"!~", Op::not_matches},
                                                                      {"<=", Op::at_most},
                                                                      {">=", Op::at_least},
                                                                      {"<", Op::less},
                                                                      {">", Op::more}}};
  Condition condition;
  if (text == "exists" || text == "absent") {
    condition.op_ = text == "exists" ? Op::exists : Op::absent;
    return condition;
  }
  for (const auto& [sign, op] : operators) {
    if (!text.starts_with(sign)) continue;
    std::string_view rest = text.substr(sign.size());
    if (rest.starts_with(' ')) rest.remove_prefix(1);  // one; more of them belong to the text
    if (op == Op::matches || op == Op::not_matches) return regex(op, rest);
    if (op != Op::equals && op != Op::differs) return number(op, sign, trim(rest));
    condition.op_ = op;
    condition.text_ = rest;
    return condition;
  }
  condition.text_ = text;
  return condition;
}

Result<Condition> Condition::number(Op op, std::string_view text, std::string_view rest) {
  const auto value = parse_number<double>(rest);
  if (!value || std::isnan(*value)) {
    return wrong("needs a number behind " + std::string(text) + " (a text that begins with it is written == TEXT)");
  }
  Condition condition;
  condition.op_ = op;
  condition.number_ = *value;
  condition.text_ = std::string(text) + " " + std::string(rest);
  return condition;
}

Result<Condition> Condition::regex(Op op, std::string_view rest) {
  Condition condition;
  condition.op_ = op;
  condition.text_ = rest;
  condition.regex_ = compile_regex(condition.text_);
  if (!condition.regex_->ok()) return wrong("is not a regular expression: " + condition.regex_->error());
  return condition;
}

bool Condition::holds(std::optional<std::string_view> value) const {
  if (!value) return op_ == Op::absent;
  const auto compared = [&](auto good) {
    const auto number = parse_number<double>(trim(*value));
    return number && good(*number);
  };
  switch (op_) {
    case Op::equals:
      return *value == text_;
    case Op::differs:
      return *value != text_;
    case Op::less:
      return compared([this](double number) { return number < number_; });
    case Op::at_most:
      return compared([this](double number) { return number <= number_; });
    case Op::more:
      return compared([this](double number) { return number > number_; });
    case Op::at_least:
      return compared([this](double number) { return number >= number_; });
    case Op::matches:
      return found_in(*regex_, *value);
    case Op::not_matches:
      return !found_in(*regex_, *value);
    case Op::exists:
      return true;
    case Op::absent:
      return false;
  }
  return false;
}

std::string Condition::words() const {
  switch (op_) {
    case Op::equals:
      return quoted(text_);
    case Op::differs:
      return "anything but " + quoted(text_);
    case Op::matches:
      return "to match " + text_;
    case Op::not_matches:
      return "not to match " + text_;
    case Op::exists:
      return "anything";
    case Op::absent:
      return "nothing";
    default:
      return text_;
  }
}

}  // namespace tocsin::core
