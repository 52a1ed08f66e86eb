#include "src/one_probe.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "src/loaded.hpp"
#include "src/make_prober.hpp"
#include "tocsin/core/duration.hpp"
#include "tocsin/daemon/config/config.hpp"

namespace tocsin::daemon {
namespace {

net::Task<void> probe_into(probes::Prober& prober, core::Duration timeout, core::Observation& observation) {
  probes::ProbeStart start;
  start.at = std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now());
  start.deadline = std::chrono::steady_clock::now() + timeout;
  start.fresh = true;
  observation = co_await prober.probe(start);
  prober.close();
}

core::Observation probe_now(const TargetConfig& target) {
  net::BlockingPool pool(1);
  net::Connector connector(pool);
  probes::PushBox pushes;  // what jobs reported, the daemon alone knows
  core::Observation observation;
  observation.outcome = core::Outcome::internal;
  net::Loop loop([&observation](const std::string&, const std::string& what) { observation.detail = what; });
  const auto prober = make_prober({connector, &pool, &pushes}, loop.executor(), 0, target);
  loop.spawn("probe", probe_into(*prober, target.timeout, observation));
  loop.run_until_idle();
  return observation;
}

void print(const TargetConfig& target, const core::Observation& observation) {
  fmt::print("# {} {}: {}{}{} in {:.1f} ms\n", target.job, target.display, to_string(observation.outcome),
             observation.good() ? "" : fmt::format(" while in phase {}", to_string(observation.phase)),
             observation.detail.empty() ? "" : ": " + observation.detail,
             std::chrono::duration<double, std::milli>(observation.took).count());
  std::vector<const core::Labels*> names;
  for (const core::NewSeries& series : observation.batch.fresh) {
    if (series.slot >= names.size()) names.resize(series.slot + 1, nullptr);
    names[series.slot] = &series.labels;
  }
  for (const core::Row& row : observation.batch.rows) {
    if (row.slot < names.size() && names[row.slot] != nullptr)
      fmt::print("{} {}\n", names[row.slot]->to_string(), core::format_value(row.value));
  }
}

bool is_url(const std::string& text) {
  const auto end = text.find("://");
  return end != std::string::npos && text.find('/') > end;
}

std::optional<Config> read_config(const OneProbeOptions& options, core::Diagnostics& diagnostics) {
  if (is_url(options.job) && !options.config_named && ::access(options.config.c_str(), R_OK) != 0) return Config{};
  LoadOptions load;
  load.environment = options.environment;
  return load_config(options.config, load, pack_names(), diagnostics);
}

/// The targets of a job, or the one of them that is named.
std::vector<TargetConfig> targets_of(const std::string& name, const Config& config) {
  const auto slash = name.find('/');
  const std::string job = name.substr(0, slash);
  const std::string instance = slash == std::string::npos ? "" : name.substr(slash + 1);
  std::vector<TargetConfig> found;
  for (const TargetConfig& target : config.targets) {
    if (target.job == job && (instance.empty() || target.labels.get("instance") == instance)) found.push_back(target);
  }
  return found;
}

/// A URL as it is configured; one that is not, by the defaults.
core::Result<TargetConfig> target_at(const std::string& url, const Config& config) {
  auto made = make_target(config.global, url);
  if (!made) return made.error();
  for (const TargetConfig& target : config.targets) {
    if (target.kind == made->kind && target.display == made->display) return target;
  }
  return made;
}

}  // namespace

int probe_once(const OneProbeOptions& options) {
  core::Diagnostics diagnostics;
  const auto config = read_config(options, diagnostics);
  std::fputs(diagnostics.render().c_str(), stderr);
  if (!config) return 1;
  std::vector<TargetConfig> targets;
  if (is_url(options.job)) {
    auto target = target_at(options.job, *config);
    if (!target) {
      fmt::print(stderr, "{}\n", target.error().detail);
      return 1;
    }
    targets.push_back(std::move(*target));
  } else {
    targets = targets_of(options.job, *config);
  }
  bool well = true;
  for (const TargetConfig& target : targets) {
    const core::Observation observation = probe_now(target);
    print(target, observation);
    well = well && observation.good();
  }
  if (targets.empty()) {
    fmt::print(stderr, "no target '{}' in {} (write JOB or JOB/INSTANCE as configured, or a URL)\n", options.job,
               options.config);
    return 1;
  }
  return well ? 0 : 1;
}

}  // namespace tocsin::daemon
