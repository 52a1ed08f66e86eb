#include "src/one_probe.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <vector>

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

}  // namespace

int probe_once(const OneProbeOptions& options) {
  core::Diagnostics diagnostics;
  LoadOptions load;
  load.environment = options.environment;
  const auto config = load_config(options.config, load, {"http", "redis", "tocsin"}, diagnostics);
  std::fputs(diagnostics.render().c_str(), stderr);
  if (!config) return 1;
  const auto slash = options.job.find('/');
  const std::string job = options.job.substr(0, slash);
  const std::string instance = slash == std::string::npos ? "" : options.job.substr(slash + 1);
  bool found = false, well = true;
  for (const TargetConfig& target : config->targets) {
    if (target.job != job || (!instance.empty() && target.labels.get("instance") != instance)) continue;
    found = true;
    const core::Observation observation = probe_now(target);
    print(target, observation);
    well = well && observation.good();
  }
  if (!found) {
    fmt::print(stderr, "no target '{}' in {} (write JOB or JOB/INSTANCE as configured)\n", options.job, options.config);
    return 1;
  }
  return well ? 0 : 1;
}

}  // namespace tocsin::daemon
