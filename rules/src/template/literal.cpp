#include "literal.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "src/go_text.hpp"
#include "tocsin/core/utf8.hpp"

namespace tocsin::rules::tmpl {
namespace {

/// `digits` digits of base `base`; nothing if there are fewer.
std::optional<char32_t> take_code(std::string_view& text, std::size_t digits, int base) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + digits, value, base);
  if (ec != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<char32_t>(value);
}

/// The escape after a backslash. Bytes (`\x41`, `\101`) are appended as they are, code points as UTF-8.
bool take_escape(std::string_view& text, char quote, std::string& out) {
  const char c = text.front();
  text.remove_prefix(1);
  static constexpr std::string_view letters = "abfnrtv\\";
  static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\";
  if (const std::size_t i = letters.find(c); i != std::string_view::npos) {
    out += meanings[i];
    return true;
  }
  if (c == quote) {
    out += c;
    return true;
  }
  std::optional<char32_t> code;
  if (c == 'x') {
    code = take_code(text, 2, 16);
  } else if (c >= '0' && c <= '7') {
    text = std::string_view(text.data() - 1, text.size() + 1);
    code = take_code(text, 3, 8);
    if (code && *code > 255) return false;
  } else if (c == 'u' || c == 'U') {
    code = take_code(text, c == 'u' ? 4 : 8, 16);
    if (!code || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)) return false;
    core::append_utf8(out, *code);
    return true;
  }
  if (!code) return false;
  out += static_cast<char>(*code);
  return true;
}

struct Digits {
  std::string text;
  int base = 10;
  bool negative = false;
};

Digits split(std::string_view text) {
  Digits out;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.size() > 1 && text[0] == '0') {
    const char c = text[1];
    if (c == 'x' || c == 'X') out.base = 16;
    if (c == 'b' || c == 'B') out.base = 2;
    if (c == 'o' || c == 'O' || (c >= '0' && c <= '7') || c == '_') out.base = 8;
    if (out.base != 10) text.remove_prefix(c >= '0' && c <= '9' ? 1 : 2);
  }
  std::copy_if(text.begin(), text.end(), std::back_inserter(out.text), [](char c) { return c != '_'; });
  return out;
}

std::optional<double> as_float(const Digits& digits) {
  double value = 0;
  const char* const first = digits.text.data();
  const char* const last = first + digits.text.size();
  const auto format = digits.base == 16 ? std::chars_format::hex : std::chars_format::general;
  if (digits.base != 10 && digits.base != 16) return std::nullopt;
  const auto [end, ec] = std::from_chars(first, last, value, format);
  if (ec != std::errc() || end != last) return std::nullopt;
  return digits.negative ? -value : value;
}

}  // namespace

std::optional<std::string> unquote_go(std::string_view quoted) {
  if (quoted.size() < 2) return std::nullopt;
  const char quote = quoted.front();
  std::string_view inner = quoted.substr(1, quoted.size() - 2);
  std::string out;
  if (quote == '`') {
    std::copy_if(inner.begin(), inner.end(), std::back_inserter(out), [](char c) { return c != '\r'; });
    return out;
  }
  while (!inner.empty()) {
    const char c = inner.front();
    inner.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (inner.empty() || !take_escape(inner, quote, out)) {
      return std::nullopt;
    }
  }
  return out;
}

Value number_go(std::string_view text) {
  if (text.starts_with('\'')) {
    const std::optional<std::string> inner = unquote_go(text);
    std::string_view left = inner ? std::string_view(*inner) : "";
    if (left.empty()) throw std::invalid_argument("malformed character constant: " + std::string(text));
    const char32_t rune = take_rune(left);
    if (!left.empty()) throw std::invalid_argument("malformed character constant: " + std::string(text));
    return {static_cast<std::int64_t>(rune)};
  }
  const std::string shown = '"' + std::string(text) + '"';
  const Digits digits = split(text);
  const bool floats = text.find_first_of(digits.base == 16 ? ".pP" : ".eE") != std::string_view::npos;
  if (floats) {
    if (const auto value = as_float(digits)) return {*value};
    throw std::invalid_argument("illegal number syntax: " + shown);
  }
  std::uint64_t value = 0;
  const char* const last = digits.text.data() + digits.text.size();
  const auto [end, ec] = std::from_chars(digits.text.data(), last, value, digits.base);
  const std::uint64_t largest = static_cast<std::uint64_t>(INT64_MAX) + (digits.negative ? 1 : 0);
  if (ec == std::errc::result_out_of_range) throw std::invalid_argument("integer overflow: " + shown);
  if (ec != std::errc() || end != last) throw std::invalid_argument("illegal number syntax: " + shown);
  if (value > largest) throw std::invalid_argument("integer overflow: " + shown);
  return {static_cast<std::int64_t>(digits.negative ? 0 - value : value)};
}

}  // namespace tocsin::rules::tmpl
