#include "src/placeholders.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <variant>

#include "src/words.hpp"
#include "tocsin/actions/argument.hpp"
#include "tocsin/core/number.hpp"
#include "tocsin/net/url.hpp"

namespace tocsin::actions {
namespace {

constexpr std::string_view label_prefix = "label.";

std::string shown(std::string_view value) { return first_line(value, {}); }

std::string words(std::string_view name, std::string_view rest) {
  std::string text = "{";
  text.append(name).append("}").append(rest);
  return text;
}

/// A placeholder at the beginning of a text: its name without braces; empty if there is none. What only looks like one
/// stands for itself.
std::string_view placeholder_in(std::string_view text) {
  if (text.empty() || text.front() != '{') return {};
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) return {};
  const std::string_view name = text.substr(1, end - 1);
  for (const std::string_view known : {"from", "to", "target", "id", "key"}) {
    if (name == known) return name;
  }
  if (name.starts_with(label_prefix) && core::is_label_name(name.substr(label_prefix.size()))) return name;
  return {};
}

/// Empty, or why a value of a ladder or count is none.
std::string against_setting(const ActionSpec& spec, std::string_view name, const std::string& value) {
  if (value.empty()) return words(name, " stands for nothing here: only a change has it");
  if (!spec.count) {
    if (std::find(spec.ladder.begin(), spec.ladder.end(), value) != spec.ladder.end()) return {};
    return words(name, " would be " + shown(value) + ", which is no rung of the ladder");
  }
  const auto number = core::parse_number<std::int64_t>(value);
  const std::int64_t least = name == "to" ? spec.count->min : 0;
  if (!number || std::to_string(*number) != value)
    return words(name, " would be " + shown(value) + ", which is no whole number");
  if (*number >= least && *number <= spec.count->max) return {};
  return words(name, " would be " + value + ", which is not within " + std::to_string(least) + " and " +
                         std::to_string(spec.count->max));
}

std::string against_label(const ActionSpec& spec, std::string_view name, std::string_view label,
                          std::string_view value) {
  const auto list = std::find_if(spec.allowed.begin(), spec.allowed.end(),
                                 [label](const auto& entry) { return entry.first == label; });
  if (list == spec.allowed.end()) return words(name, " may not be used: `allow` has no list of what it may be");
  if (value.empty()) return words(name, " stands for nothing: the alert has no such label");
  if (std::find(list->second.begin(), list->second.end(), value) != list->second.end()) return {};
  return words(name, " would be " + shown(value) + ", which `allow` does not list");
}

/// What a placeholder stands for, or why it may not be used.
core::Result<std::string> value_of(const ActionSpec& spec, std::string_view name, const Placeholders& values) {
  std::string value;
  std::string against;
  if (name == "from" || name == "to") {
    value = name == "to" ? values.to : values.from;
    against = against_setting(spec, name, value);
  } else if (name == "target") {
    value = values.target;
  } else if (name == "id" || name == "key") {
    value = name == "id" ? values.id : std::to_string(values.key);
    if (values.id.empty()) against = words(name, " stands for nothing here: only a change has it");
  } else {
    const std::string_view label = name.substr(label_prefix.size());
    value = std::string(values.labels.get(label));
    against = against_label(spec, name, label, value);
  }
  if (against.empty() && !may_be_argument(value)) {
    against = words(name, " may not be " + (value.empty() ? std::string("empty") : shown(value)) +
                              " (letters, digits and ._:/@+- are allowed, 128 of them, not beginning with -)");
  }
  if (against.empty()) return value;
  return core::Failure{core::Outcome::limit, core::Phase::none, std::move(against)};
}

using Write = std::function<std::string(const std::string&)>;

core::Result<std::string> fill_by(const ActionSpec& spec, std::string_view text, const Placeholders& values,
                                  const Write& write) {
  std::string filled;
  filled.reserve(text.size());
  while (!text.empty()) {
    const std::string_view name = placeholder_in(text);
    if (name.empty()) {
      const std::size_t next = std::min(text.find('{', 1), text.size());
      filled.append(text.substr(0, next));
      text.remove_prefix(next);
      continue;
    }
    const auto value = value_of(spec, name, values);
    if (!value) return value.error();
    filled += write(*value);
    text.remove_prefix(name.size() + 2);
  }
  return filled;
}

std::string why_not(const core::Result<std::string>& filled) { return filled ? std::string() : filled.error().detail; }

std::string unfit_exec(const ActionSpec& spec, const ExecCall& call, const Placeholders& values) {
  if (call.argv.empty()) return "there is no command";
  for (const std::string& argument : call.argv) {
    if (std::string why = why_not(fill(spec, argument, values)); !why.empty()) return why;
  }
  return {};
}

std::string unfit_http(const ActionSpec& spec, const HttpCall& call, const Placeholders& values) {
  const auto url = fill_url(spec, call.url, values);
  if (!url) return url.error().detail;
  const auto parsed = net::parse_url(*url);
  if (!parsed) return "the URL is wrong: " + parsed.error().detail;
  return why_not(fill(spec, call.body, values));
}

std::string unfit_kubernetes(const ActionSpec& spec, const KubernetesCall& call, const Placeholders& values) {
  for (const std::string* text : {&call.space, &call.name}) {
    if (std::string why = why_not(fill(spec, *text, values)); !why.empty()) return why;
  }
  // What it is set to is no text of the call, but goes out all the same.
  if (values.id.empty()) return {};
  if (std::string why = against_setting(spec, "to", values.to); !why.empty()) return why;
  if (!core::parse_number<std::int32_t>(values.to)) return "replicas are a whole number, not " + shown(values.to);
  return {};
}

}  // namespace

std::string unfit(const ActionSpec& spec, const Call& call, const Placeholders& values) {
  if (const auto* exec = std::get_if<ExecCall>(&call)) return unfit_exec(spec, *exec, values);
  if (const auto* http = std::get_if<HttpCall>(&call)) return unfit_http(spec, *http, values);
  return unfit_kubernetes(spec, std::get<KubernetesCall>(call), values);
}

core::Result<std::string> fill(const ActionSpec& spec, std::string_view text, const Placeholders& values) {
  return fill_by(spec, text, values, [](const std::string& value) { return value; });
}

core::Result<std::string> fill_url(const ActionSpec& spec, std::string_view url, const Placeholders& values) {
  return fill_by(spec, url, values, [](const std::string& value) { return net::percent_encode(value); });
}

}  // namespace tocsin::actions
