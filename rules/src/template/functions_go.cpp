// The functions that Go's text/template has by itself.
#include <fmt/format.h>

#include <cmath>

#include "format.hpp"
#include "functions.hpp"
#include "literal.hpp"
#include "url.hpp"

namespace tocsin::rules::tmpl {
namespace {

using Args = std::span<const Value>;
using Param = Function::Param;

bool basic(const Value& value) { return value.data.index() >= 1 && value.data.index() <= 4; }

[[noreturn]] void incompatible(const Value& a, const Value& b) {
  throw ExpandError(fmt::format("incompatible types for comparison: {} and {}", type_name(a), type_name(b)));
}

bool equal(const Value& a, const Value& b) {
  if (a.is_nil() || b.is_nil()) return a.is_nil() && b.is_nil();
  if (a.data.index() != b.data.index()) incompatible(a, b);
  if (!basic(a)) throw ExpandError(fmt::format("non-comparable type {}: {}", print_value(b), type_name(b)));
  if (const auto* text = a.as<std::string>()) return *text == *b.as<std::string>();
  if (const auto* number = a.as<double>()) return *number == *b.as<double>();
  if (const auto* number = a.as<std::int64_t>()) return *number == *b.as<std::int64_t>();
  return *a.as<bool>() == *b.as<bool>();
}

bool less(const Value& a, const Value& b) {
  const auto ordered = [](const Value& v) { return basic(v); };
  if (!ordered(a) || !ordered(b)) throw ExpandError("invalid type for comparison");
  if (a.data.index() != b.data.index()) incompatible(a, b);
  if (const auto* text = a.as<std::string>()) return *text < *b.as<std::string>();
  if (const auto* number = a.as<double>()) return *number < *b.as<double>();
  if (const auto* number = a.as<std::int64_t>()) return *number < *b.as<std::int64_t>();
  throw ExpandError("invalid type for comparison");
}

Value call_eq(Args args, const TemplateData&) {
  if (args.size() < 2) throw ExpandError("missing argument for comparison");
  for (const Value& other : args.subspan(1)) {
    if (equal(args[0], other)) return {true};
  }
  return {false};
}

bool less_or_equal(const Value& a, const Value& b) { return less(a, b) || equal(a, b); }

std::size_t position(const Value& index, std::size_t size, bool end) {
  if (index.is_nil()) throw ExpandError("cannot index slice/array with nil");
  const auto* i = index.as<std::int64_t>();
  if (i == nullptr) throw ExpandError(fmt::format("cannot index slice/array with type {}", type_name(index)));
  const auto limit = static_cast<std::int64_t>(size) + (end ? 1 : 0);
  if (*i < 0 || *i >= limit) throw ExpandError(fmt::format("index out of range: {}", *i));
  return static_cast<std::size_t>(*i);
}

const std::string& key(const Value& index) {
  if (index.is_nil()) throw ExpandError("value is nil; should be of type string");
  const auto* text = index.as<std::string>();
  if (text == nullptr) throw ExpandError(fmt::format("value has type {}; should be string", type_name(index)));
  return *text;
}

Value index_one(const Value& item, const Value& index) {
  if (item.is_nil()) throw ExpandError("index of untyped nil");
  if (const auto* text = item.as<std::string>()) {
    return {static_cast<std::int64_t>(static_cast<unsigned char>((*text)[position(index, text->size(), false)]))};
  }
  if (const auto* result = item.as<QueryResult>()) return {(**result)[position(index, (*result)->size(), false)]};
  if (const auto* labels = item.as<LabelsPtr>()) return {std::string((*labels)->get(key(index)))};
  if (const auto* map = item.as<ValueMap>()) {
    const auto found = (*map)->find(key(index));
    return found == (*map)->end() ? Value{} : found->second;
  }
  throw ExpandError(fmt::format("can't index item of type {}", type_name(item)));
}

Value call_index(Args args, const TemplateData&) {
  Value item = args[0];
  for (const Value& index : args.subspan(1)) item = index_one(item, index);
  return item;
}

Value call_slice(Args args, const TemplateData&) {
  if (args[0].is_nil()) throw ExpandError("slice of untyped nil");
  if (args.size() > 4) throw ExpandError(fmt::format("too many slice indexes: {}", args.size() - 1));
  const auto* text = args[0].as<std::string>();
  const auto* result = args[0].as<QueryResult>();
  if (text != nullptr && args.size() == 4) throw ExpandError("cannot 3-index slice a string");
  if (text == nullptr && result == nullptr)
    throw ExpandError(fmt::format("can't slice item of type {}", type_name(args[0])));
  const std::size_t size = text != nullptr ? text->size() : (*result)->size();
  const std::size_t from = args.size() > 1 ? position(args[1], size, true) : 0;
  const std::size_t to = args.size() > 2 ? position(args[2], size, true) : size;
  if (from > to) throw ExpandError(fmt::format("invalid slice index: {} > {}", from, to));
  if (text != nullptr) return {text->substr(from, to - from)};
  const auto begin = (*result)->begin();
  return {std::make_shared<const std::vector<QuerySample>>(begin + static_cast<std::ptrdiff_t>(from),
                                                           begin + static_cast<std::ptrdiff_t>(to))};
}

Value call_len(Args args, const TemplateData&) {
  const auto count = [](std::size_t n) { return Value{static_cast<std::int64_t>(n)}; };
  if (const auto* text = args[0].as<std::string>()) return count(text->size());
  if (const auto* result = args[0].as<QueryResult>()) return count((*result)->size());
  if (const auto* labels = args[0].as<LabelsPtr>()) return count((*labels)->size());
  if (const auto* map = args[0].as<ValueMap>()) return count((*map)->size());
  throw ExpandError(fmt::format("len of type {}", type_name(args[0])));
}

std::string joined(Args args) {
  if (args.size() == 1 && args[0].as<std::string>() != nullptr) return *args[0].as<std::string>();
  return print_all(args);
}

Value call_html(Args args, const TemplateData&) {
  std::string out;
  for (const char c : joined(args)) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return {std::move(out)};
}

Value call_js(Args args, const TemplateData&) {
  std::string out;
  for (const char c : joined(args)) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "\\'";
        break;
      case '"':
        out += "\\\"";
        break;
      case '<':
      case '>':
      case '&':
      case '=':
        out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return {std::move(out)};
}

Value call_print(Args args, const TemplateData&) { return {print_all(args)}; }
Value call_println(Args args, const TemplateData&) { return {print_line(args)}; }
Value call_printf(Args args, const TemplateData&) {
  return {print_format(*args[0].as<std::string>(), args.subspan(1))};
}
Value call_urlquery(Args args, const TemplateData&) { return {query_escape(joined(args))}; }
Value call_not(Args args, const TemplateData&) { return {!is_true(args[0])}; }
Value call_ne(Args args, const TemplateData&) { return {!equal(args[0], args[1])}; }
Value call_lt(Args args, const TemplateData&) { return {less(args[0], args[1])}; }
Value call_le(Args args, const TemplateData&) { return {less_or_equal(args[0], args[1])}; }
Value call_gt(Args args, const TemplateData&) { return {!less_or_equal(args[0], args[1])}; }
Value call_ge(Args args, const TemplateData&) { return {!less(args[0], args[1])}; }

}  // namespace

std::vector<Function> go_functions() {
  return {{"and", {Param::any}, true, nullptr},
          {"or", {Param::any}, true, nullptr},
          {"not", {Param::any}, false, call_not},
          {"eq", {Param::any}, true, call_eq},
          {"ne", {Param::any, Param::any}, false, call_ne},
          {"lt", {Param::any, Param::any}, false, call_lt},
          {"le", {Param::any, Param::any}, false, call_le},
          {"gt", {Param::any, Param::any}, false, call_gt},
          {"ge", {Param::any, Param::any}, false, call_ge},
          {"len", {Param::any}, false, call_len},
          {"index", {Param::any}, true, call_index},
          {"slice", {Param::any}, true, call_slice},
          {"print", {}, true, call_print},
          {"printf", {Param::string}, true, call_printf},
          {"println", {}, true, call_println},
          {"html", {}, true, call_html},
          {"js", {}, true, call_js},
          {"urlquery", {}, true, call_urlquery}};
}

}  // namespace tocsin::rules::tmpl
