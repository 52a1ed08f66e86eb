#include "config/kinds/exec.hpp"

#include <algorithm>

#include "config/kinds/kind.hpp"
#include "config/tables.hpp"

namespace tocsin::daemon {

using core::field;
using core::list_of;
using core::ListStyle;
using model::ExecKeys;

namespace {

core::Type<bool> output() { return core::choice<bool>({{"text", false}, {"metrics", true}}); }

std::vector<core::Field<ExecKeys>> exec_rows() {
  return {
      field("command", &ExecKeys::command)
          .doc("The check program and its arguments; no shell reads them. Exit status 0 is good, as with Nagios's "
               "plugins."),
      field("env", &ExecKeys::env, core::map_of(core::section(header_table()), "name"))
          .doc("Its environment, beside PATH, HOME and LANG: a value, or a `file` that holds it. Nothing else is "
               "inherited."),
      field("working_directory", &ExecKeys::working_directory, core::maybe(core::path()))
          .doc("Where it runs.")
          .fallback("`/`"),
      field("good_status", &ExecKeys::good_status, list_of(core::integer<int>(0, 255), ListStyle::list_or_one))
          .doc("The exit statuses that are good.")
          .fallback("`0`"),
      field("output", &ExecKeys::metrics, core::maybe(output()))
          .doc("What it prints: `text` says why, `metrics` are taken as Prometheus's text format.")
          .fallback("`text`"),
  };
}

std::vector<std::string> implied(const model::Probe& probe) {
  const std::vector<std::string>& command = probe.exec.command;
  if (command.empty() || probe.place.has("targets")) return {};
  return {"exec://" + command.front().substr(command.front().rfind('/') + 1)};
}

void check_exec(const model::Probe& probe, const Loading& loading) {
  for (const auto& [name, value] : probe.exec.env) loading.check_secret(value.value, value.place, "file");
}

bool make_exec(const Making& making, const std::string& text, TargetConfig& target) {
  constexpr std::string_view scheme = "exec://";
  const ExecKeys& keys = making.probe.exec;
  const std::string name = text.starts_with(scheme) ? text.substr(scheme.size()) : text;
  if (name.empty()) return making.wrong("a check has a name: exec://NAME");
  if (keys.command.empty() || keys.command.front().empty()) return making.wrong("an exec probe needs a \"command\"");
  probes::ExecOptions options;
  options.argv = keys.command;
  options.working_directory = keys.working_directory.value_or("/");
  for (const auto& [variable, value] : keys.env) {
    if (!core::is_label_name(variable)) return making.wrong("env", "\"" + variable + "\" cannot be a variable");
    options.environment.emplace_back(variable, value.value);
  }
  if (!keys.good_status.empty()) options.good_status = keys.good_status;
  options.metrics = keys.metrics.value_or(false);
  options.rules = making.probe.scrape.rules();
  options.max_series = static_cast<std::size_t>(making.probe.redis.max_series.value_or(10'000));
  target.sentinel = false;
  target.display = "exec://" + name;
  target.labels.set("instance", name);
  target.options = std::make_shared<const ProbeOptions>(std::move(options));
  return true;
}

}  // namespace

Kind exec_kind() {
  Kind kind;
  kind.name = "exec";
  kind.schemes = {"exec"};
  kind.fields = core::fields_of(&model::Probe::exec, exec_rows());
  kind.also = {"honor_labels", "metric_relabel_configs",  "sample_limit",
               "label_limit",  "label_name_length_limit", "label_value_length_limit",
               "max_series"};
  kind.implied = implied;
  kind.check = check_exec;
  kind.make = make_exec;
  return kind;
}

}  // namespace tocsin::daemon
