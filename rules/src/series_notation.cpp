#include "tocsin/rules/series_notation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "tocsin/core/matcher.hpp"
#include "tocsin/core/sample.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::rules {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// What is wrong with an item, with the place within it.
struct Wrong {
  std::size_t offset = 0;
  std::string message;
};

/// One item, read from left to right.
class ItemReader {
 public:
  ItemReader(std::string_view item, SeriesValues& out) : item_(item), out_(out) {}

  void read() {
    if (item_.starts_with("{{"))
      throw Wrong{0, "native histograms are not supported: in tocsin every sample is a number"};
    if (item_ == "stale") return add(core::stale_marker(), 0, 0);
    if (take('_')) {
      const std::uint64_t count = at_end() ? 1 : times();
      end();
      return add_missing(count);
    }
    const double first = number();
    double step = 0;
    bool has_step = false;
    if (!at_end() && (next() == '+' || next() == '-')) {
      step = number();
      has_step = true;
    }
    std::uint64_t more = 0;
    if (!at_end() || has_step) more = times();
    end();
    add(first, step, more);
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == item_.size(); }
  [[nodiscard]] char next() const { return item_[at_]; }
  bool take(char c) {
    if (at_end() || next() != c) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void fail(std::string_view wanted) const {
    if (at_end()) throw Wrong{at_, fmt::format("{} is needed after \"{}\"", wanted, item_)};
    throw Wrong{at_, fmt::format("{} is needed where \"{}\" stands", wanted, item_.substr(at_))};
  }
  void end() const {
    if (!at_end()) fail("white space");
  }

  /// With its sign. There is no hexadecimal here: `0x5` is a zero and five more.
  double number() {
    const std::size_t begin = at_;
    const bool negative = take('-');
    if (!negative) take('+');
    const double sign = negative ? -1 : 1;
    for (const auto& [word, value] :
         {std::pair<std::string_view, double>{"inf", std::numeric_limits<double>::infinity()},
          {"nan", std::numeric_limits<double>::quiet_NaN()}}) {
      const std::string_view here = item_.substr(at_, word.size());
      if (!std::equal(here.begin(), here.end(), word.begin(), word.end(), [](char a, char b) { return lower(a) == b; }))
        continue;
      at_ += word.size();
      return sign * value;
    }
    // from_chars takes no sign of `+`, and takes words that are no numbers here.
    if (at_end() || !(is_digit(next()) || next() == '.')) {
      at_ = begin;
      fail("a number, _ or stale");
    }
    double value = 0;
    const char* const last = item_.data() + item_.size();
    const auto [stop, ec] = std::from_chars(item_.data() + at_, last, value);
    if (ec == std::errc::invalid_argument) fail("a number, _ or stale");
    if (ec == std::errc::result_out_of_range) throw Wrong{begin, "this number does not fit a double"};
    at_ = static_cast<std::size_t>(stop - item_.data());
    return sign * value;
  }

  std::uint64_t times() {
    if (!take('x')) fail("x and a number of times");
    std::uint64_t count = 0;
    const char* const last = item_.data() + item_.size();
    const auto [stop, ec] = std::from_chars(item_.data() + at_, last, count);
    if (ec == std::errc::invalid_argument) fail("a whole number of times");
    if (ec != std::errc() || count > max_series_values) too_many();
    at_ = static_cast<std::size_t>(stop - item_.data());
    return count;
  }

  [[noreturn]] static void too_many() {
    throw Wrong{0, fmt::format("a series has at most {} values", max_series_values)};
  }
  void make_room(std::uint64_t count) const {
    if (count > max_series_values - std::min(out_.size(), max_series_values)) too_many();
  }
  void add_missing(std::uint64_t count) {
    make_room(count);
    out_.resize(out_.size() + count);
  }
  void add(double value, double step, std::uint64_t more) {
    make_room(more + 1);
    for (std::uint64_t i = 0; i <= more; ++i, value += step) out_.emplace_back(value);
  }

  std::string_view item_;
  std::size_t at_ = 0;
  SeriesValues& out_;
};

/// Only `name{a="b"}`: no offset, no @.
const promql::VectorSelector* plain_selector(const promql::Expr& expr) {
  const auto* selector = std::get_if<promql::VectorSelector>(&expr.node);
  return selector != nullptr && selector->offset.count() == 0 && !selector->at ? selector : nullptr;
}

}  // namespace

std::variant<SeriesValues, NotationError> parse_series_values(std::string_view text) {
  SeriesValues values;
  for (std::size_t at = text.find_first_not_of(blanks); at != std::string_view::npos;) {
    // A histogram has white space inside; it is refused as a whole.
    const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
    try {
      ItemReader(text.substr(at, end - at), values).read();
    } catch (const Wrong& wrong) {
      return NotationError{at + wrong.offset, wrong.message};
    }
    at = text.find_first_not_of(blanks, end);
  }
  return values;
}

std::variant<core::Labels, NotationError> parse_series_labels(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
  const std::string_view trimmed = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
  // A series may have a name that PromQL has other uses for (`sum`), so the name is not the parser's to read.
  const std::size_t name_size = std::min(trimmed.find_first_of("{ \t\r\n"), trimmed.size());
  const std::string_view name = trimmed.substr(0, name_size);
  const std::string_view braces = trimmed.substr(name_size);
  if (name.empty() && (braces.empty() || braces == "{}")) return core::Labels();
  if (!name.empty() && !core::is_metric_name(name)) {
    return NotationError{begin, "this is no series (write name{label=\"value\"})"};
  }
  const std::string query = name.empty() ? std::string(braces) : fmt::format("x{}", braces);
  const std::size_t shift = begin + name_size - (name.empty() ? 0 : 1);
  auto parsed = promql::parse(query);
  if (const auto* error = std::get_if<promql::ParseError>(&parsed)) {
    return NotationError{std::min(shift + error->range.begin, text.size()), "this is no series: " + error->message};
  }
  const auto* selector = plain_selector(*std::get<promql::ExprPtr>(parsed));
  if (selector == nullptr) return NotationError{begin, "this is no series (write name{label=\"value\"})"};
  core::Labels labels;
  for (const core::Matcher& matcher : selector->matchers) {
    if (matcher.kind() != core::Matcher::Kind::equal) {
      return NotationError{begin,
                           fmt::format("a series has one value a label: {} is a condition", matcher.to_string())};
    }
    labels.set(matcher.name(), matcher.value());
  }
  if (!name.empty()) labels.set(core::metric_name_label, name);
  return labels;
}

}  // namespace tocsin::rules
