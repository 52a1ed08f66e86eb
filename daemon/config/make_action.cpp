// From an action's section to what the executor takes, and back for dumps.
#include <algorithm>
#include <fstream>

#include "action_tables.hpp"
#include "kubeconfig.hpp"
#include "load.hpp"
#include "placeholders.hpp"
#include "recipes.hpp"
#include "tables.hpp"

namespace tocsin::daemon {

using actions::ActionSpec;
using actions::Call;
using core::Duration;
using std::chrono::minutes;

namespace {

actions::Extract make_extract(const model::ExtractSpec& section) {
  using Kind = actions::Extract::Kind;
  if (!section.json.empty()) return {Kind::json, section.json};
  if (!section.regex.empty()) return {Kind::regex, section.regex};
  if (!section.format.empty()) return {Kind::format, section.format};
  return {Kind::lines, ""};
}

actions::HttpCall make_request(const model::HttpRequest& section, const std::string& method, const Loading& loading) {
  const auto wrong = [&](std::string_view key, std::string message) {
    loading.error(section.place, section.place.of(key), std::move(message));
  };
  actions::HttpCall call;
  call.method = section.method.empty() ? method : section.method;
  call.url = section.url;
  call.body = section.body;
  call.status = section.status;
  const auto url = net::parse_url(section.url);
  if (url.has_error()) {
    wrong("url", url.error().detail);
    return call;
  }
  if (url->scheme != "http" && url->scheme != "https") wrong("url", "the URL begins with http:// or https://");
  if (!url->user.empty() || !url->password.empty())
    wrong("url", "a URL here has no user info (write \"authorization\" or a header)");
  if (section.authorization) {
    call.bearer = section.authorization->credentials;
    if (section.authorization->type != "Bearer")
      wrong("authorization", "the \"type\" of the token is Bearer (write a header for another one)");
    loading.check_secret(call.bearer, section.authorization->place, "credentials_file");
  }
  for (const auto& [name, header] : section.headers) {
    if (!is_http_header(name, header.value))
      wrong("headers", "the header \"" + name + "\" has a name or a value that HTTP does not allow");
    loading.check_secret(header.value, header.place, "file");
    call.headers.emplace_back(name, header.value);
  }
  if (section.tls && url->scheme != "https") wrong("tls", "\"tls\" needs a URL with https://");
  loading.check_tls(section.tls, section.place);
  if (url->scheme == "https") call.tls = section.tls.value_or(net::TlsOptions{});
  return call;
}

/// The calls of a recipe, and what else it brings along where the action does not say.
void use_recipe(const model::Action& section, const std::string& data_folder, const Loading& loading,
                ActionSpec& spec) {
  const model::Recipe& given = *section.recipe;
  const RecipeKind& kind = *find_recipe(given.name);
  RecipeCalls calls = kind.make(given, data_folder);
  spec.read = std::move(calls.read);
  spec.set = std::move(calls.set);
  for (auto& [name, value] : calls.environment) {
    const bool own = std::any_of(spec.environment.begin(), spec.environment.end(),
                                 [&name = name](const auto& pair) { return pair.first == name; });
    if (!own) spec.environment.emplace_back(name, std::move(value));
  }
  if (!section.timeout) spec.timeout = kind.timeout;
  if (!section.provisioning) spec.provisioning = kind.provisioning;
  if (!section.cooldown.place.has("up")) spec.cooldown_up = std::max<Duration>(spec.cooldown_up, spec.provisioning);
  if (!section.verify.place.has("clears_within"))
    spec.clears_within = std::max<Duration>(spec.clears_within, spec.provisioning + minutes{10});
  for (const RecipeParameter& parameter : kind.parameters) {
    const std::string& file = given.get(parameter.name);
    if (parameter.file && !file.empty() && !std::ifstream(file).is_open())
      loading.missing(given.parameters_place, given.parameters_place.of(parameter.name), "cannot read " + file);
  }
  if (!kind.counts && section.count)
    loading.error(section.place, section.place.of("count"), std::string(kind.name) + " needs a \"ladder\"");
  if (kind.counts && !section.ladder.empty())
    loading.error(section.place, section.place.of("ladder"), std::string(kind.name) + " needs a \"count\"");
  if (const auto problem = kind.problem ? kind.problem(section) : std::nullopt)
    loading.error(section.place, section.place.of("recipe"), *problem);
}

void set_calls(const model::Action& section, const std::string& data_folder, const Loading& loading, ActionSpec& spec) {
  if (section.recipe) return use_recipe(section, data_folder, loading, spec);
  if (section.kubernetes) {
    if (!section.ladder.empty())
      loading.error(section.place, section.place.of("ladder"), "kubernetes needs a \"count\"");
    const auto call = make_kubernetes(*section.kubernetes, loading);
    if (!call) return;
    spec.read.call = *call;
    spec.set = *call;
    return;
  }
  if (section.read) {
    const model::Read& read = *section.read;
    if (read.http) {
      spec.read.call = make_request(*read.http, "GET", loading);
    } else {
      spec.read.call = actions::ExecCall{read.exec};
    }
    if (read.extract) spec.read.value = make_extract(*read.extract);
    if (read.ready) spec.read.ready = std::pair(make_extract(*read.ready), read.ready->is);
  }
  if (section.set && section.set->http) {
    spec.set = make_request(*section.set->http, "POST", loading);
  } else if (section.set) {
    spec.set = actions::ExecCall{section.set->exec};
  }
}

void set_bounds(const model::Action& section, ActionSpec& spec) {
  spec.timeout = section.timeout.value_or(spec.timeout);
  spec.provisioning = section.provisioning.value_or(spec.provisioning);
  spec.stabilization_up = section.stabilization.up;
  spec.stabilization_down = section.stabilization.down;
  spec.cooldown_up = section.cooldown.up;
  spec.cooldown_down = section.cooldown.down;
  spec.per_target = section.limits.per_target;
  spec.all = section.limits.all;
  spec.clears_within = section.verify.clears_within;
  spec.breaker_after = section.breaker.after;
  const model::Approve approve = section.approve.value_or(model::Approve{});
  spec.approval_lapses = approve.within;
  spec.approvers = approve.by;
}

/// What must hold between an action's parts.
void check_action(const model::Action& section, const ActionSpec& spec, const Loading& loading) {
  const core::Place& place = section.place;
  if (!place.has("ladder") && !place.has("count")) {
    loading.error(place, place.at,
                  "the action \"" + spec.name + "\" has no bounds (give it a \"ladder\" or a \"count\")");
  }
  if (section.down && section.down->place.has("step") && (!spec.count || spec.count->target_value)) {
    loading.error(section.down->place, section.down->place.of("step"),
                  spec.count ? "\"step\" and the count's \"target_value\" exclude each other"
                             : "a ladder goes one rung down (leave \"step\" out)");
  }
  const auto at_least_provisioning = [&](Duration value, core::Position at, const std::string& name) {
    if (value >= spec.provisioning) return;
    loading.error(place, at,
                  name + " is " + core::format_duration(value) + ", shorter than \"provisioning\" (" +
                      core::format_duration(spec.provisioning) + "): the change would be judged before it is made");
  };
  const auto spot = [&place](std::string_view key, const core::Place& inner, std::string_view inner_key) {
    return inner.has(inner_key) ? inner.of(inner_key) : place.has(key) ? place.of(key) : place.of("provisioning");
  };
  at_least_provisioning(spec.cooldown_up, spot("cooldown", section.cooldown.place, "up"), "cooldown.up");
  at_least_provisioning(spec.cooldown_down, spot("cooldown", section.cooldown.place, "down"), "cooldown.down");
  at_least_provisioning(spec.clears_within, spot("verify", section.verify.place, "clears_within"),
                        "verify.clears_within");
  if (spec.mode != actions::Mode::approve && place.has("approve")) {
    loading.diagnostics.warning(place.file, place.of("approve"), "\"approve\" says nothing unless the mode is approve");
  }
}

model::ExtractSpec section_for(const actions::Extract& extract, std::string is) {
  using Kind = actions::Extract::Kind;
  model::ExtractSpec section;
  if (extract.kind == Kind::json) section.json = extract.expression;
  if (extract.kind == Kind::regex) section.regex = extract.expression;
  if (extract.kind == Kind::format) section.format = extract.expression;
  section.lines = extract.kind == Kind::lines;
  section.is = std::move(is);
  return section;
}

/// A URL's query with what speaks of secrets masked; placeholders stay as they are.
std::string without_secrets(const std::string& url) {
  const auto query = url.find('?');
  if (query == std::string::npos) return url;
  std::string out = url.substr(0, query + 1);
  for (std::string_view rest = std::string_view(url).substr(query + 1); !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    const auto equals = parameter.find('=');
    const bool secret = equals != std::string_view::npos && core::names_a_secret(parameter.substr(0, equals));
    out.append(secret ? parameter.substr(0, equals + 1) : parameter);
    if (secret) out += "%3Csecret%3E";
    if (end < rest.size()) out += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

model::HttpRequest section_for(const actions::HttpCall& call) {
  model::HttpRequest section;
  section.method = call.method;
  section.url = without_secrets(call.url);
  for (const auto& [name, value] : call.headers) section.headers.emplace_back(name, model::Header{value, {}});
  if (!call.bearer.empty()) section.authorization = model::Authorization{"Bearer", call.bearer, {}};
  section.body = call.body;
  section.status = call.status;
  section.tls = call.tls;
  return section;
}

model::Kubernetes section_for(const actions::KubernetesCall& call) {
  model::Kubernetes section;
  section.server = call.server;
  section.token = call.token;
  section.tls = call.tls;
  section.space = call.space;
  auto& name = call.resource == "deployments"    ? section.deployment
               : call.resource == "statefulsets" ? section.statefulset
                                                 : section.replicaset;
  name = call.name;
  return section;
}

void write_calls(const ActionSpec& spec, model::Action& action) {
  if (const auto* object = std::get_if<actions::KubernetesCall>(&spec.set)) {
    action.kubernetes = section_for(*object);
    return;
  }
  action.read.emplace();
  action.set.emplace();
  if (const auto* read = std::get_if<actions::ExecCall>(&spec.read.call)) action.read->exec = read->argv;
  if (const auto* read = std::get_if<actions::HttpCall>(&spec.read.call)) action.read->http = section_for(*read);
  if (spec.read.value.kind != actions::Extract::Kind::whole) action.read->extract = section_for(spec.read.value, {});
  if (spec.read.ready) action.read->ready = section_for(spec.read.ready->first, spec.read.ready->second);
  if (const auto* set = std::get_if<actions::ExecCall>(&spec.set)) action.set->exec = set->argv;
  if (const auto* set = std::get_if<actions::HttpCall>(&spec.set)) action.set->http = section_for(*set);
}

}  // namespace

ActionSpec make_action(const model::Action& section, const std::string& data_folder, const Loading& loading) {
  ActionSpec spec;
  spec.name = section.name;
  spec.when_alert = section.when.alert;
  spec.when = section.when.matchers;
  spec.target = section.target;
  spec.mode = section.mode;
  spec.ladder = section.ladder;
  spec.count = section.count;
  if (section.down)
    spec.down = actions::DownSpec{section.down->when.alert, section.down->when.matchers, section.down->step};
  for (const auto& [name, value] : section.env) {
    loading.check_secret(value.value, value.place, "file");
    spec.environment.emplace_back(name, value.value);
  }
  spec.allowed = section.allow;
  spec.also_scaled_by = section.also_scaled_by;
  set_bounds(section, spec);
  set_calls(section, data_folder, loading, spec);
  check_placeholders(section, loading);
  check_action(section, spec, loading);
  return spec;
}

model::Action section_for(const ActionSpec& spec) {
  model::Action action;
  action.name = spec.name;
  action.when = {spec.when_alert, spec.when};
  action.target = spec.target;
  action.mode = spec.mode;
  action.ladder = spec.ladder;
  action.count = spec.count;
  if (spec.down) {
    action.down.emplace();
    action.down->when = {spec.down->when_alert, spec.down->when};
    action.down->step = spec.down->step;
  }
  write_calls(spec, action);
  for (const auto& [name, value] : spec.environment) action.env.emplace_back(name, model::Header{value, {}});
  action.allow = spec.allowed;
  action.timeout = spec.timeout;
  action.provisioning = spec.provisioning;
  action.stabilization = {spec.stabilization_up, spec.stabilization_down};
  action.cooldown = {spec.cooldown_up, spec.cooldown_down, {}};
  action.limits = {spec.per_target, spec.all};
  action.verify = {spec.clears_within, {}};
  action.breaker.after = spec.breaker_after;
  if (spec.mode == actions::Mode::approve) action.approve = model::Approve{spec.approval_lapses, spec.approvers};
  action.also_scaled_by = spec.also_scaled_by;
  return action;
}

actions::Settings make_settings(const Config& config) {
  actions::Settings settings;
  settings.actions = config.actions;
  settings.guard = config.guard;
  settings.maintenance = [windows = config.maintenance](const core::Labels& labels, core::TimePoint now) {
    return in_maintenance(windows, labels, now).value_or("");
  };
  return settings;
}

}  // namespace tocsin::daemon
