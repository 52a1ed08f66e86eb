#include "format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "functions.hpp"
#include "literal.hpp"
#include "src/go_text.hpp"
#include "tocsin/core/utf8.hpp"

namespace tocsin::rules::tmpl {
namespace {

/// One `%...` of a format.
struct Spec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  std::optional<int> width;
  std::optional<int> precision;
  char verb = 'v';
};

std::size_t runes(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

std::string pad(const Spec& spec, std::string text, bool number = false) {
  const std::size_t length = runes(text);
  const auto width = static_cast<std::size_t>(spec.width.value_or(0));
  if (length >= width) return text;
  const std::size_t missing = width - length;
  if (spec.minus) return text + std::string(missing, ' ');
  if (spec.zero && number) {
    const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
    return text.insert(sign ? 1 : 0, missing, '0');
  }
  return std::string(missing, spec.zero ? '0' : ' ') + text;
}

std::string with_sign(const Spec& spec, std::string digits, bool negative) {
  if (negative) return "-" + digits;
  if (spec.plus) return "+" + digits;
  if (spec.space) return " " + digits;
  return digits;
}

/// `%g` with as many digits as it takes to read the same number back.
std::string shortest(double magnitude, char exponent_sign) {
  std::array<char, 64> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, std::chars_format::scientific).ptr;
  std::string text(buffer.data(), end);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  if (exponent >= -4 && exponent < 6) {
    const auto fixed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, std::chars_format::fixed);
    return {buffer.data(), fixed.ptr};
  }
  if (exponent_sign == 'E') std::replace(text.begin(), text.end(), 'e', 'E');
  return text;
}

std::string float_text(const Spec& spec, double value) {
  if (std::isnan(value)) return spec.plus ? "+NaN" : "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  const double magnitude = std::fabs(value);
  const bool general = spec.verb == 'v' || spec.verb == 'g' || spec.verb == 'G';
  std::string digits;
  if (general && !spec.precision) {
    digits = shortest(magnitude, spec.verb == 'G' ? 'E' : 'e');
  } else {
    const std::string format =
        fmt::format("{{:.{}{}}}", std::min(spec.precision.value_or(6), 1000), spec.verb == 'v' ? 'g' : spec.verb);
    digits = fmt::format(fmt::runtime(format), magnitude);
  }
  return with_sign(spec, digits, std::signbit(value));
}

std::string int_text(const Spec& spec, std::int64_t value) {
  const bool negative = value < 0;
  const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  switch (spec.verb) {
    case 'b':
      return with_sign(spec, fmt::format("{:b}", magnitude), negative);
    case 'o':
      return with_sign(spec, fmt::format(fmt::runtime(spec.sharp ? "0{:o}" : "{:o}"), magnitude), negative);
    case 'O':
      return with_sign(spec, fmt::format("0o{:o}", magnitude), negative);
    case 'x':
      return with_sign(spec, fmt::format(fmt::runtime(spec.sharp ? "0x{:x}" : "{:x}"), magnitude), negative);
    case 'X':
      return with_sign(spec, fmt::format(fmt::runtime(spec.sharp ? "0X{:X}" : "{:X}"), magnitude), negative);
    default:
      return with_sign(spec, fmt::format("{}", magnitude), negative);
  }
}

char32_t as_rune(std::int64_t value) {
  const bool valid = value >= 0 && value <= 0x10ffff && !(value >= 0xd800 && value < 0xe000);
  return valid ? static_cast<char32_t>(value) : U'\ufffd';
}

std::string rune_text(std::int64_t value) {
  std::string out;
  core::append_utf8(out, as_rune(value));
  return out;
}

std::string hex_text(const Spec& spec, std::string_view text) {
  std::string out;
  for (const char c : text)
    out += fmt::format(fmt::runtime(spec.verb == 'x' ? "{:02x}" : "{:02X}"), static_cast<unsigned char>(c));
  return out;
}

std::string cut(const Spec& spec, std::string_view text) {
  if (!spec.precision) return std::string(text);
  std::string_view left = text;
  for (int i = 0; i < *spec.precision && !left.empty(); ++i) (void)take_rune(left);
  return std::string(text.substr(0, text.size() - left.size()));
}

std::string wrong_verb(const Spec& spec, const Value& value) {
  if (value.is_nil()) return fmt::format("%!{}(<nil>)", spec.verb);
  return fmt::format("%!{}({}={})", spec.verb, type_name(value), print_value(value));
}

bool is_verb(const Spec& spec, std::string_view verbs) { return verbs.find(spec.verb) != std::string_view::npos; }

struct Printer {
  const Spec& spec;
  const Value& value;

  std::string operator()(std::monostate) const {
    return spec.verb == 'v' ? pad(spec, "<nil>") : wrong_verb(spec, value);
  }
  std::string operator()(bool b) const {
    return is_verb(spec, "vt") ? pad(spec, b ? "true" : "false") : wrong_verb(spec, value);
  }
  std::string operator()(std::int64_t i) const {
    if (is_verb(spec, "vdboOxX")) return pad(spec, int_text(spec, i), true);
    if (spec.verb == 'c') return pad(spec, rune_text(i));
    if (spec.verb == 'q') return pad(spec, i == '\'' ? "'\\''" : "'" + rune_text(i) + "'");
    if (spec.verb == 'U') return pad(spec, fmt::format("U+{:04X}", static_cast<std::uint64_t>(i)));
    return wrong_verb(spec, value);
  }
  std::string operator()(double d) const {
    if (!is_verb(spec, "veEfFgG")) return wrong_verb(spec, value);
    return pad(spec, float_text(spec, d), std::isfinite(d));
  }
  std::string operator()(const std::string& s) const {
    if (is_verb(spec, "vs")) return pad(spec, cut(spec, s));
    if (spec.verb == 'q') return pad(spec, go_quote(cut(spec, s)));
    if (is_verb(spec, "xX")) return pad(spec, hex_text(spec, cut(spec, s)));
    return wrong_verb(spec, value);
  }
  std::string operator()(const LabelsPtr& labels) const {
    std::string out = "map[";
    for (const core::Label& label : *labels) {
      if (out.size() > 4) out += ' ';
      out += one(Value{label.name}) + ":" + one(Value{label.value});
    }
    return out + "]";
  }
  std::string operator()(const QuerySample& sample) const {
    return "{" + one(Value{sample.labels}) + " " + one(Value{sample.value}) + "}";
  }
  std::string operator()(const QueryResult& result) const {
    std::string out = "[";
    for (const QuerySample& sample : *result) {
      if (out.size() > 1) out += ' ';
      out += one(Value{sample});
      bounded(out);
    }
    return out + "]";
  }
  std::string operator()(const ValueMap& map) const {
    std::string out = "map[";
    for (const auto& [name, inner] : *map) {
      if (out.size() > 4) out += ' ';
      out += one(Value{name}) + ":" + one(inner);
      bounded(out);
    }
    return out + "]";
  }
  std::string operator()(const Root* root) const {
    return "{" + one(Value{root->labels}) + " " + one(Value{root->external_labels}) + " " +
           one(Value{root->external_url}) + " " + one(Value{root->value}) + "}";
  }

  [[nodiscard]] std::string one(const Value& inner) const { return std::visit(Printer{spec, inner}, inner.data); }
};

std::string print_one(const Spec& spec, const Value& value) { return std::visit(Printer{spec, value}, value.data); }

/// A format on its way through the arguments.
class Formatter {
 public:
  Formatter(std::string_view format, std::span<const Value> values) : format_(format), values_(values) {}

  std::string run() {
    while (!format_.empty()) {
      const std::size_t percent = std::min(format_.find('%'), format_.size());
      out_ += format_.substr(0, percent);
      format_.remove_prefix(percent);
      if (!format_.empty()) directive();
      bounded(out_);
    }
    if (!reordered_ && next_ < values_.size()) extra();
    return std::move(out_);
  }

 private:
  void directive() {
    format_.remove_prefix(1);
    Spec spec;
    flags(spec);
    index();
    spec.width = number(true, spec);
    if (!format_.empty() && format_.front() == '.') {
      format_.remove_prefix(1);
      index();
      spec.precision = number(false, spec);
      if (!spec.precision) spec.precision = 0;
    }
    index();
    if (format_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const std::string_view before = format_;
    (void)take_rune(format_);
    const std::string_view verb = before.substr(0, before.size() - format_.size());
    if (verb == "%") {
      out_ += '%';
    } else if (bad_index_) {
      out_ += fmt::format("%!{}(BADINDEX)", verb);
    } else if (next_ >= values_.size()) {
      out_ += fmt::format("%!{}(MISSING)", verb);
    } else {
      spec.verb = verb.size() == 1 ? verb.front() : '?';
      argument(spec, values_[next_++]);
    }
    bad_index_ = false;
  }

  void argument(const Spec& spec, const Value& value) {
    if (spec.verb == 'T') {
      out_ += pad(spec, std::string(type_name(value)));
    } else {
      out_ += print_one(spec, value);
    }
  }

  void flags(Spec& spec) {
    for (; !format_.empty(); format_.remove_prefix(1)) {
      switch (format_.front()) {
        case '-':
          spec.minus = true;
          spec.zero = false;
          break;
        case '+':
          spec.plus = true;
          break;
        case '#':
          spec.sharp = true;
          break;
        case ' ':
          spec.space = true;
          break;
        case '0':
          spec.zero = !spec.minus;
          break;
        default:
          return;
      }
    }
  }

  /// `[n]`: the argument that comes next.
  void index() {
    if (format_.empty() || format_.front() != '[') return;
    const std::size_t close = format_.find(']');
    if (close == std::string_view::npos) {
      bad_index_ = true;
      return;
    }
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(format_.data() + 1, format_.data() + close, n);
    bad_index_ = ec != std::errc() || end != format_.data() + close || n == 0 || n > values_.size();
    format_.remove_prefix(close + 1);
    reordered_ = true;
    if (!bad_index_) next_ = n - 1;
  }

  /// A width or a precision: digits, or `*` for an argument.
  std::optional<int> number(bool width, Spec& spec) {
    if (!format_.empty() && format_.front() == '*') {
      format_.remove_prefix(1);
      const std::int64_t* given = next_ < values_.size() ? values_[next_].as<std::int64_t>() : nullptr;
      ++next_;
      const bool good = given != nullptr && *given <= 1'000'000 && *given >= (width ? -1'000'000 : 0);
      if (!good) {
        out_ += width ? "%!(BADWIDTH)" : "%!(BADPREC)";
        return std::nullopt;
      }
      if (*given < 0) spec.minus = true;
      return bounded_width(static_cast<int>(std::abs(*given)));
    }
    int n = 0;
    const auto [end, ec] = std::from_chars(format_.data(), format_.data() + format_.size(), n);
    if (ec == std::errc::result_out_of_range || n > 1'000'000) n = 1'000'001;
    const auto length = static_cast<std::size_t>(end - format_.data());
    if (length == 0 || format_.front() == '-') return std::nullopt;
    format_.remove_prefix(length);
    return bounded_width(n);
  }

  static int bounded_width(int n) {
    if (static_cast<std::size_t>(n) > max_output) throw ExpandError("the text is longer than 64 KiB");
    return n;
  }

  void extra() {
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < values_.size(); ++i) {
      if (i > next_) out_ += ", ";
      out_ += values_[i].is_nil() ? "<nil>" : fmt::format("{}={}", type_name(values_[i]), print_value(values_[i]));
    }
    out_ += ')';
  }

  std::string_view format_;
  std::span<const Value> values_;
  std::size_t next_ = 0;
  bool bad_index_ = false;
  bool reordered_ = false;
  std::string out_;
};

}  // namespace

void bounded(const std::string& text) {
  if (text.size() > max_output) throw ExpandError("the text is longer than 64 KiB");
}

std::string print_value(const Value& value) { return print_one(Spec{}, value); }

std::string print_all(std::span<const Value> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool texts = i == 0 || values[i].as<std::string>() != nullptr || values[i - 1].as<std::string>() != nullptr;
    if (!texts) out += ' ';
    out += print_value(values[i]);
    bounded(out);
  }
  return out;
}

std::string print_line(std::span<const Value> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += print_value(values[i]);
    bounded(out);
  }
  return out + "\n";
}

std::string print_format(std::string_view format, std::span<const Value> values) {
  return Formatter(format, values).run();
}

std::string print_float(double value) { return float_text(Spec{}, value); }

std::string print_short(double value) {
  Spec spec;
  spec.verb = 'g';
  spec.precision = 4;
  return float_text(spec, value);
}

}  // namespace tocsin::rules::tmpl
