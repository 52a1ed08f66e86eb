// The functions that Prometheus adds to its templates.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "format.hpp"
#include "functions.hpp"
#include "humanize.hpp"
#include "literal.hpp"
#include "src/go_text.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/core/replacement.hpp"
#include "url.hpp"

namespace tocsin::rules::tmpl {
namespace {

using Args = std::span<const Value>;
using Param = Function::Param;

const std::string& text(const Value& value) { return *value.as<std::string>(); }

/// What Go's strconv.ParseFloat takes.
double parse_float(const std::string& written) {
  std::string digits;
  std::copy_if(written.begin(), written.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  std::string_view left = digits;
  if (left.starts_with('+') && left.size() > 1 && left[1] != '-') left.remove_prefix(1);
  double value = 0;
  const auto [end, ec] = std::from_chars(left.data(), left.data() + left.size(), value);
  const bool whole = end == left.data() + left.size() && !left.empty();
  if (ec == std::errc::result_out_of_range && whole) {
    throw ExpandError(fmt::format("strconv.ParseFloat: parsing {}: value out of range", go_quote(written)));
  }
  if (ec != std::errc() || !whole) {
    throw ExpandError(fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", go_quote(written)));
  }
  return value;
}

double number(const Value& value) {
  if (const auto* d = value.as<double>()) return *d;
  if (const auto* i = value.as<std::int64_t>()) return static_cast<double>(*i);
  if (const auto* s = value.as<std::string>()) return parse_float(*s);
  throw ExpandError(fmt::format("can't convert {} to float", type_name(value)));
}

/// Bounded as core::Matcher bounds its automata. Errors in the words of Go's regexp.
std::unique_ptr<RE2> compile(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (!regex->ok()) throw ExpandError("error parsing regexp: " + regex->error());
  return regex;
}

Value call_replace(Args args, const TemplateData&) {
  const std::unique_ptr<RE2> regex = compile(text(args[0]));
  const core::Replacement replacement(text(args[1]), *regex);
  const std::string& subject = text(args[2]);
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex->NumberOfCapturingGroups()) + 1);
  std::string out;
  std::size_t copied = 0;
  std::size_t search = 0;
  while (search <= subject.size() && regex->Match(subject, search, subject.size(), RE2::UNANCHORED, groups.data(),
                                                  static_cast<int>(groups.size()))) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - subject.data());
    const std::size_t end = begin + groups[0].size();
    out.append(subject, copied, begin - copied);
    // An empty match right behind the one before is none, as Go has it.
    if (end > copied || begin == 0) replacement.expand(groups, out);
    copied = end;
    std::string_view left = std::string_view(subject).substr(search);
    if (!left.empty()) (void)take_rune(left);
    search = std::max(end, search == subject.size() ? search + 1 : subject.size() - left.size());
    bounded(out);
  }
  if (copied < subject.size()) out.append(subject, copied);
  bounded(out);
  return {std::move(out)};
}

Value call_match(Args args, const TemplateData&) { return {RE2::PartialMatch(text(args[1]), *compile(text(args[0])))}; }

Value call_query(Args args, const TemplateData& data) {
  if (!data.query) throw ExpandError("queries cannot be answered here");
  auto answer = data.query(text(args[0]));
  if (const auto* error = std::get_if<std::string>(&answer)) throw ExpandError(*error);
  auto rows = std::make_shared<std::vector<QuerySample>>();
  for (promql::InstantSample& sample : std::get<promql::Vector>(answer)) {
    rows->push_back({std::make_shared<const core::Labels>(std::move(sample.labels)), sample.sample.value});
  }
  return {QueryResult(std::move(rows))};
}

Value call_first(Args args, const TemplateData&) {
  const QueryResult& result = *args[0].as<QueryResult>();
  if (result->empty()) throw ExpandError("first() called on vector with no elements");
  return {result->front()};
}

Value call_label(Args args, const TemplateData&) {
  return {std::string(args[1].as<QuerySample>()->labels->get(text(args[0])))};
}
Value call_value(Args args, const TemplateData&) { return {args[0].as<QuerySample>()->value}; }
Value call_strvalue(Args args, const TemplateData&) {
  return {std::string(args[0].as<QuerySample>()->labels->get("__value__"))};
}

Value call_args(Args args, const TemplateData&) {
  auto map = std::make_shared<std::map<std::string, Value, std::less<>>>();
  for (std::size_t i = 0; i < args.size(); ++i) map->emplace(fmt::format("arg{}", i), args[i]);
  return {ValueMap(std::move(map))};
}

Value call_sort(Args args, const TemplateData&) {
  auto rows = std::make_shared<std::vector<QuerySample>>(**args[1].as<QueryResult>());
  const std::string& label = text(args[0]);
  std::stable_sort(rows->begin(), rows->end(), [&](const QuerySample& a, const QuerySample& b) {
    return a.labels->get(label) < b.labels->get(label);
  });
  return {QueryResult(std::move(rows))};
}

/// The first letter of each word large, as Go's strings.Title.
Value call_title(Args args, const TemplateData&) {
  std::string out = text(args[0]);
  bool inside = false;
  for (char& c : out) {
    const auto u = static_cast<unsigned char>(c);
    if (!inside) c = static_cast<char>(u < 0x80 ? std::toupper(u) : u);
    inside = u >= 0x80 || std::isalnum(u) != 0 || c == '_';
  }
  return {std::move(out)};
}

template <int (*change)(int)>
Value call_case(Args args, const TemplateData&) {
  std::string out = text(args[0]);
  for (char& c : out) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80) c = static_cast<char>(change(u));
  }
  return {std::move(out)};
}

Value call_strip_port(Args args, const TemplateData&) {
  HostPort parts;
  return {split_host_port(text(args[0]), parts) ? std::string(parts.host) : text(args[0])};
}

Value call_strip_domain(Args args, const TemplateData&) {
  HostPort parts;
  if (!split_host_port(text(args[0]), parts)) parts = {text(args[0]), {}};
  if (is_ip_address(parts.host)) return args[0];
  std::string out(parts.host.substr(0, parts.host.find('.')));
  if (!parts.port.empty()) out += ":" + std::string(parts.port);
  return {std::move(out)};
}

Value call_timestamp(Args args, const TemplateData&) {
  const double seconds = number(args[0]);
  const auto shown = humanize_timestamp(seconds);
  if (!shown)
    throw ExpandError(
        fmt::format("{:f} cannot be represented as a nanoseconds timestamp since it overflows int64", seconds * 1e9));
  return {*shown};
}

Value call_parse_duration(Args args, const TemplateData&) {
  const auto duration = core::parse_duration(text(args[0]));
  if (!duration) throw ExpandError("not a valid duration string: " + go_quote(text(args[0])));
  return {core::to_seconds(*duration)};
}

template <std::string (*shape)(double)>
Value call_shape(Args args, const TemplateData&) {
  return {shape(number(args[0]))};
}

template <int tab>
Value call_link(Args args, const TemplateData&) {
  return {fmt::format("/graph?g0.expr={}&g0.tab={}", query_escape(text(args[0])), tab)};
}

Value call_now(Args, const TemplateData& data) { return {core::to_seconds(data.at)}; }
Value call_url(Args, const TemplateData& data) { return {data.context.external_url}; }
Value call_path(Args, const TemplateData& data) { return {std::string(url_path(data.context.external_url))}; }
Value call_same(Args args, const TemplateData&) { return args[0]; }
Value call_escape(Args args, const TemplateData&) { return {query_escape(text(args[0]))}; }

}  // namespace

std::vector<Function> prometheus_functions() {
  return {{"query", {Param::string}, false, call_query},
          {"first", {Param::result}, false, call_first},
          {"label", {Param::string, Param::sample}, false, call_label},
          {"value", {Param::sample}, false, call_value},
          {"strvalue", {Param::sample}, false, call_strvalue},
          {"args", {}, true, call_args},
          {"reReplaceAll", {Param::string, Param::string, Param::string}, false, call_replace},
          {"match", {Param::string, Param::string}, false, call_match},
          {"title", {Param::string}, false, call_title},
          {"toUpper", {Param::string}, false, call_case<std::toupper>},
          {"toLower", {Param::string}, false, call_case<std::tolower>},
          {"graphLink", {Param::string}, false, call_link<0>},
          {"tableLink", {Param::string}, false, call_link<1>},
          {"sortByLabel", {Param::string, Param::result}, false, call_sort},
          {"stripPort", {Param::string}, false, call_strip_port},
          {"stripDomain", {Param::string}, false, call_strip_domain},
          {"humanize", {Param::any}, false, call_shape<humanize>},
          {"humanize1024", {Param::any}, false, call_shape<humanize1024>},
          {"humanizeDuration", {Param::any}, false, call_shape<humanize_duration>},
          {"humanizePercentage", {Param::any}, false, call_shape<humanize_percentage>},
          {"humanizeTimestamp", {Param::any}, false, call_timestamp},
          {"now", {}, false, call_now},
          {"pathPrefix", {}, false, call_path},
          {"externalURL", {}, false, call_url},
          {"parseDuration", {Param::string}, false, call_parse_duration},
          {"safeHtml", {Param::string}, false, call_same},
          {"urlQueryEscape", {Param::string}, false, call_escape}};
}

const Function* find_function(std::string_view name) {
  static const std::vector<Function> all = [] {
    std::vector<Function> functions = go_functions();
    for (Function& function : prometheus_functions()) functions.push_back(std::move(function));
    return functions;
  }();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Function& f) { return f.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace tocsin::rules::tmpl
