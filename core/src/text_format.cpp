#include "tocsin/core/text_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tocsin/core/number.hpp"
#include "tocsin/core/utf8.hpp"

namespace tocsin::core {
namespace {

constexpr std::size_t max_labels = 128;

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool same_word(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

/// A number as Go writes and reads it; from_chars would also take `nan(...)`, and no `+`.
std::optional<double> parse_value(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view bare = negative || text.starts_with('+') ? text.substr(1) : text;
  if (bare.empty()) return std::nullopt;
  if (is_digit(bare.front()) || bare.front() == '.') {
    const auto value = parse_number<double>(bare);
    if (!value) return std::nullopt;
    return negative ? -*value : *value;
  }
  if (same_word(bare, "inf") || same_word(bare, "infinity")) {
    const double infinite = std::numeric_limits<double>::infinity();
    return negative ? -infinite : infinite;
  }
  if (same_word(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

/// Where a quoted text ends, behind its second quote; npos where it does not.
std::size_t quoted_end(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    } else if (text[i] == '\n') {
      break;
    }
  }
  return std::string_view::npos;
}

/// Where labels in braces end, behind the closing one; npos where they do not.
std::size_t braces_end(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1; i < text.size() && text[i] != '\n';) {
    if (text[i] == '}') return i + 1;
    if (text[i] == '"') {
      i = quoted_end(text, i);
      if (i == std::string_view::npos) break;
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

std::size_t name_end(std::string_view text, bool colons) {
  std::size_t i = 0;
  while (i < text.size() && (is_letter(text[i]) || (colons && text[i] == ':') || (i > 0 && is_digit(text[i])))) ++i;
  return i;
}

struct TypeWord {
  std::string_view word;
  MetricType type;
  std::string_view suffix;  // in OpenMetrics
};
constexpr std::array<TypeWord, 9> type_words{{{"counter", MetricType::counter, "_total"},
                                              {"gauge", MetricType::gauge, ""},
                                              {"histogram", MetricType::histogram, ""},
                                              {"summary", MetricType::summary, ""},
                                              {"untyped", MetricType::unknown, ""},
                                              {"unknown", MetricType::unknown, ""},
                                              {"info", MetricType::gauge, "_info"},
                                              {"stateset", MetricType::gauge, ""},
                                              {"gaugehistogram", MetricType::unknown, ""}}};

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto ascii = std::find_if(text.begin(), text.end(), [](char c) { return (c & '\x80') != 0; });
    text.remove_prefix(static_cast<std::size_t>(ascii - text.begin()));
    if (text.empty()) return true;
    const CodePoint point = decode_utf8(text);
    if (point.length == 0) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

std::string unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n') {
      out += '\n';
    } else if (next == '\\' || (next == '"' && quotes)) {
      out += next;
    } else {
      out += text[i];
      continue;
    }
    ++i;
  }
  return out;
}

Failure wrong(std::string detail) { return {Outcome::protocol, Phase::parse, std::move(detail)}; }

/// What stands in the braces of a series.
class LabelReader {
 public:
  LabelReader(std::string_view text, std::vector<Label>& into) : text_(text), into_(into) {}

  Result<void> read() {
    skip();
    while (!text_.empty()) {
      if (auto label = read_one(); !label) return label;
      skip();
      if (text_.empty()) break;
      if (text_.front() != ',') return wrong("between two labels there is no comma");
      text_.remove_prefix(1);
      skip();
    }
    return {};
  }

 private:
  void skip() {
    while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
  }
  Result<void> read_one() {
    const std::size_t end = name_end(text_, false);
    if (end == 0) return wrong("a label has no name");
    std::string name(text_.substr(0, end));
    text_.remove_prefix(end);
    skip();
    if (!text_.starts_with('=')) return wrong("a label has no value");
    text_.remove_prefix(1);
    skip();
    const std::size_t close = text_.starts_with('"') ? quoted_end(text_, 0) : std::string_view::npos;
    if (close == std::string_view::npos) return wrong("the value of a label is not quoted");
    std::string value = unescape(text_.substr(1, close - 2), true);
    text_.remove_prefix(close);
    if (!is_utf8(value)) return wrong("the value of a label is not UTF-8");
    if (name == metric_name_label) return wrong("a label has the name __name__");
    if (into_.size() > max_labels) return Failure{Outcome::limit, Phase::parse, "a series has more than 128 labels"};
    into_.push_back({std::move(name), std::move(value)});
    return {};
  }

  std::string_view text_;
  std::vector<Label>& into_;
};

bool has_twins(const std::vector<Label>& labels) {
  std::vector<std::string_view> names;
  names.reserve(labels.size());
  for (const Label& label : labels) names.push_back(label.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace

TextFormat text_format_of(std::string_view content_type) {
  const std::string_view kind = content_type.substr(0, content_type.find(';'));
  const std::size_t end = std::min(kind.find_last_not_of(" \t"), kind.size());
  return same_word(kind.substr(0, end + 1), "application/openmetrics-text") ? TextFormat::openmetrics
                                                                            : TextFormat::prometheus;
}

TextReader::Item TextReader::fail(std::string_view why) {
  error_ = why;
  ended_ = true;
  return Item::wrong;
}

void TextReader::skip_blanks() {
  while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
}

void TextReader::end_line() {
  if (!rest_.empty()) rest_.remove_prefix(1);
}

/// Up to the next blank or the line's end; false if nothing stands there.
bool TextReader::read_word(std::string_view& word) {
  std::size_t end = 0;
  while (end < rest_.size() && !is_blank(rest_[end]) && rest_[end] != '\n') ++end;
  word = rest_.substr(0, end);
  rest_.remove_prefix(end);
  return end > 0;
}

TextReader::Item TextReader::next(std::string_view expected) {
  while (!ended_) {
    if (rest_.empty()) {
      ++line_;
      if (format_ == TextFormat::openmetrics) return fail("the text does not end with # EOF");
      ended_ = true;
      return Item::end;
    }
    ++line_;
    skip_blanks();
    if (at_line_end()) {
      if (format_ == TextFormat::openmetrics) return fail("an empty line");
      end_line();
      continue;
    }
    if (rest_.front() != '#') return read_sample(expected);
    const Item item = read_comment();
    if (item != Item::sample) return item;  // else a comment that says nothing to us
  }
  return error_.empty() ? Item::end : Item::wrong;
}

/// Whether exactly this series stands here.
bool TextReader::is_written(std::string_view expected) const {
  if (expected.empty() || rest_.size() <= expected.size() || !rest_.starts_with(expected)) return false;
  if (!is_blank(rest_[expected.size()])) return false;
  // `name {` goes on behind the blank.
  return expected.back() == '}' || rest_.find_first_not_of(" \t", expected.size()) == std::string_view::npos ||
         rest_[rest_.find_first_not_of(" \t", expected.size())] != '{';
}

TextReader::Item TextReader::read_sample(std::string_view expected) {
  if (is_written(expected)) {
    series_ = rest_.substr(0, expected.size());
  } else {
    std::size_t end = name_end(rest_, true);
    if (end == 0) return fail("a line does not begin with the name of a metric");
    std::size_t brace = end;
    while (brace < rest_.size() && is_blank(rest_[brace])) ++brace;
    if (brace < rest_.size() && rest_[brace] == '{') {
      end = braces_end(rest_, brace);
      if (end == std::string_view::npos) return fail("labels without an end");
    } else if (end == brace) {
      return fail("behind the name of a metric stands neither a label nor a value");
    }
    series_ = rest_.substr(0, end);
  }
  rest_.remove_prefix(series_.size());
  skip_blanks();
  std::string_view word;
  if (!read_word(word)) return fail("a sample has no value");
  const auto value = parse_value(word);
  if (!value) return fail("the value of a sample is no number");
  value_ = *value;
  skip_blanks();
  timed_ = false;
  if (!at_line_end() && rest_.front() != '#') {
    read_word(word);
    const bool time = format_ == TextFormat::openmetrics ? parse_value(word).has_value()
                                                         : parse_number<std::int64_t>(word).has_value();
    if (!time) return fail("the time of a sample is no number");
    timed_ = true;
    skip_blanks();
  }
  if (!at_line_end() && !skip_exemplar()) return fail("more stands behind a sample than belongs there");
  end_line();
  return Item::sample;
}

/// ` # {trace_id="abc"} 1.5 1600000000.25`
bool TextReader::skip_exemplar() {
  if (format_ != TextFormat::openmetrics || !rest_.starts_with("# {")) return false;
  const std::size_t end = braces_end(rest_, 2);
  if (end == std::string_view::npos) return false;
  rest_.remove_prefix(end);
  skip_blanks();
  std::string_view word;
  if (!read_word(word) || !parse_value(word)) return false;
  skip_blanks();
  if (!at_line_end() && (!read_word(word) || !parse_value(word))) return false;
  skip_blanks();
  return at_line_end();
}

/// A line that begins with `#`. Item::sample: it says nothing to us, and the reader is behind it.
TextReader::Item TextReader::read_comment() {
  const std::string_view line = rest_.substr(0, rest_.find('\n'));
  rest_.remove_prefix(line.size());
  const std::string_view after_hash = line.substr(1);
  if (format_ == TextFormat::openmetrics && after_hash == " EOF") return read_end();
  end_line();
  std::string_view words = after_hash;
  const auto take = [&words] {
    while (!words.empty() && is_blank(words.front())) words.remove_prefix(1);
    const std::string_view word = words.substr(0, words.find_first_of(" \t"));
    words.remove_prefix(word.size());
    return word;
  };
  const std::string_view keyword = take();
  const bool help = keyword == "HELP";
  if (!help && keyword != "TYPE") {
    if (format_ == TextFormat::openmetrics && keyword != "UNIT")
      return fail("a comment is none of HELP, TYPE, UNIT and EOF");
    return Item::sample;
  }
  name_ = take();
  if (!is_metric_name(name_)) return fail("HELP or TYPE of something that is not the name of a metric");
  if (help) {
    if (!words.empty()) words.remove_prefix(1);
    text_ = words;
    return Item::help;
  }
  const std::string_view word = take();
  const auto* known =
      std::find_if(type_words.begin(), type_words.end(), [&](const TypeWord& t) { return t.word == word; });
  while (!words.empty() && is_blank(words.front())) words.remove_prefix(1);
  if (known == type_words.end() || !words.empty()) return fail("a TYPE that there is not");
  type_ = known->type;
  suffix_ = format_ == TextFormat::openmetrics ? known->suffix : std::string_view();
  return Item::type;
}

TextReader::Item TextReader::read_end() {
  end_line();
  if (!rest_.empty()) return fail("something stands behind # EOF");
  ended_ = true;
  return Item::end;
}

Result<Labels> parse_series(std::string_view series) {
  const std::size_t end = name_end(series, true);
  if (end == 0) return wrong("a series without a name");
  std::vector<Label> labels;
  labels.push_back({std::string(metric_name_label), std::string(series.substr(0, end))});
  const std::size_t brace = series.find('{', end);
  if (brace != std::string_view::npos) {
    if (!series.ends_with('}')) return wrong("labels without an end");
    if (auto read = LabelReader(series.substr(brace + 1, series.size() - brace - 2), labels).read(); !read) {
      return read.error();
    }
  }
  if (has_twins(labels)) return wrong("a label stands twice in a series");
  return Labels(std::move(labels));
}

std::string unescape_help(std::string_view text, TextFormat format) {
  return unescape(text, format == TextFormat::openmetrics);
}

}  // namespace tocsin::core
