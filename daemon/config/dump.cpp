// The effective configuration as a file, secrets masked: a Config goes back into the model, and the tables write it.
#include <algorithm>

#include "load.hpp"
#include "tables.hpp"

namespace tocsin::daemon {
namespace {

/// A query with the values of parameters masked that speak of secrets.
std::string masked_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    const auto equals = parameter.find('=');
    if (equals != std::string_view::npos && core::names_a_secret(parameter.substr(0, equals))) {
      out += std::string(parameter.substr(0, equals)) + "=%3Csecret%3E";
    } else {
      out += parameter;
    }
    if (end < query.size()) out += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return out;
}

/// user:password@host:port without a scheme.
std::string without_password(const std::string& text) {
  const auto at = text.rfind('@', text.find('/'));
  return at == std::string::npos || text.find(':') > at ? text : text.substr(at + 1);
}

/// A target's text without what is secret in it.
std::string masked_target(const std::string& text) {
  if (text.find("://") == std::string::npos) return without_password(text);
  const auto url = net::parse_url(text);
  if (url.has_error()) return "<secret>";
  return url->display() + (url->has_query ? "?" + masked_query(url->query) : "");
}

model::Probe masked(model::Probe probe, const GlobalConfig& global) {
  const auto interval = probe.interval.value_or(global.probe_interval);
  probe.interval = interval;
  probe.timeout = probe.timeout.value_or(std::min(global.probe_timeout, interval));
  probe.confirm = probe.confirm.value_or(std::min(global.confirm, interval));
  probe.reconnect = probe.reconnect.value_or(global.reconnect);
  for (model::Target& target : probe.targets) target.text = masked_target(target.text);
  probe.http.proxy.url = masked_target(probe.http.proxy.url);
  return probe;
}

/// A job, and one more of the same name for each target that has keys of its own.
void add_job(const model::Probe& job, const GlobalConfig& global, std::vector<model::Probe>& into) {
  model::Probe shared = masked(job, global);
  std::erase_if(shared.targets, [](const model::Target& target) { return target.own != nullptr; });
  if (!shared.targets.empty() || job.targets.empty()) into.push_back(std::move(shared));
  for (const model::Target& target : job.targets) {
    if (!target.own) continue;
    model::Probe own = masked(*target.own, global);
    own.targets = {{masked_target(target.text), target.at, nullptr, nullptr}};
    into.push_back(std::move(own));
  }
}

model::Alertmanager to_model(const alerts::AlertmanagerOptions& options) {
  model::Alertmanager section;
  section.url = options.url.display();
  section.tls = options.tls;
  if (!options.user.empty()) section.basic_auth = model::BasicAuth{options.user, options.password, {}};
  if (!options.bearer.empty()) section.authorization = model::Authorization{"Bearer", options.bearer, {}};
  section.timeout = options.timeout;
  return section;
}

model::Root to_model(const Config& config) {
  model::Root root;
  root.global = config.global;
  root.storage = config.storage;
  if (!config.connectivity.targets.empty()) {
    model::Connectivity section{{}, config.connectivity.interval, config.connectivity.timeout, {}};
    for (const TargetConfig& target : config.connectivity.targets) section.targets.push_back({target.display, {}});
    root.connectivity = std::move(section);
  }
  root.web = config.web;
  for (const JobConfig& job : config.jobs) add_job(*job.section, config.global, root.probes);
  for (const std::string& file : config.module_files) root.blackbox_modules.push_back({file, {}});
  for (const RuleFileConfig& file : config.rule_files) root.rule_files.push_back({file.path, {}});
  root.packs.emplace();
  for (const std::string& pack : config.packs) root.packs->push_back({pack, {}});
  for (const alerts::AlertmanagerOptions& options : config.alertmanagers)
    root.alertmanagers.push_back(to_model(options));
  if (config.fallback) root.fallback = section_for(*config.fallback);
  if (config.heartbeat) root.heartbeat = section_for(*config.heartbeat);
  for (const actions::ActionSpec& spec : config.actions) root.actions.push_back(section_for(spec));
  root.guard = config.guard;
  for (const MaintenanceWindow& window : config.maintenance) root.maintenance.push_back(section_for(window));
  return root;
}

}  // namespace

std::string dump_config(const Config& config) { return core::write_yaml(root_table().write(to_model(config))); }

std::string config_schema() { return core::json_schema(root_table().doc(), "tocsin.yml"); }

std::string config_markdown() {
  return "# Configuration\n\n"
         "Made by `tocsin` of the table that its parser uses; `tocsin schema` prints the same as a JSON Schema for "
         "editors.\n\n"
         "- A duration is written as Prometheus does: `500ms`, `15s`, `1h30m`, `0`. A size: `512MiB`, `1.5GB`, "
         "`1024`.\n"
         "- `${NAME}` in a value is replaced by that variable of the environment; one that is not set is an error. "
         "`$$` is a `$`.\n"
         "- The names of files are relative to the file that names them.\n"
         "- A key that is not listed here is an error; so is one that is given twice.\n\n"
         "## configuration\n\n" +
         core::markdown(root_table().doc());
}

}  // namespace tocsin::daemon
