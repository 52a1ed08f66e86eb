#include "tocsin/core/matcher.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tocsin::core {

struct Matcher::Regex {
  Regex(const std::string& text, const re2::RE2::Options& options) : expression(text, options) {}
  re2::RE2 expression;
};

namespace {

re2::RE2::Options options() {
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(1 << 20);
  o.set_dot_nl(true);  // as Prometheus 3: `.` matches a newline
  return o;
}

}  // namespace

Matcher::Matcher(Kind kind, std::string name, std::string value)
    : kind_(kind), name_(std::move(name)), value_(std::move(value)) {
  if (kind_ == Kind::equal || kind_ == Kind::not_equal) return;
  auto regex = std::make_shared<Regex>(value_, options());
  if (!regex->expression.ok()) throw std::invalid_argument(regex->expression.error());
  regex_ = std::move(regex);
}

bool Matcher::matches(std::string_view value) const {
  switch (kind_) {
    case Kind::equal:
      return value == value_;
    case Kind::not_equal:
      return value != value_;
    case Kind::regex:
    case Kind::not_regex:
      break;
  }
  const bool full = re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), regex_->expression);
  return full == (kind_ == Kind::regex);
}

std::string Matcher::to_string() const {
  static constexpr std::string_view ops[] = {"=", "!=", "=~", "!~"};
  return name_ + std::string(ops[static_cast<std::size_t>(kind_)]) + quote(value_);
}

bool matches_all(std::span<const Matcher> matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&labels](const Matcher& m) { return m.matches(labels.get(m.name())); });
}

}  // namespace tocsin::core
