// Check programs: an argv (never a shell), run in an environment of its own; its exit status is the answer, as Nagios
// plugins give it, and what it prints may be metrics.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/observation.hpp"
#include "tocsin/core/secret.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/probes/prober.hpp"
#include "tocsin/probes/scrape_rules.hpp"

namespace tocsin::probes {

struct ExecOptions {
  std::vector<std::string> argv;
  /// All of it, beside PATH, HOME and LANG; nothing is inherited. Values from files are read for each probe.
  std::vector<std::pair<std::string, core::SecretSource>> environment;
  std::string working_directory = "/";
  std::vector<int> good_status{0};       // anything else is Outcome::unexpected
  bool metrics = false;                  // what it prints is Prometheus's text format
  std::size_t max_output = 1024 * 1024;  // bytes of stdout; with `metrics`, more is Outcome::limit
  ScrapeRules rules;
  std::size_t max_series = 10'000;
};

/// The program gets TERM so long before the deadline that KILL can follow in time. One that neither of them ends (it
/// hangs in the kernel) is not started again before it has gone.
[[nodiscard]] std::unique_ptr<Prober> make_exec_prober(net::Executor executor, Identity identity, ExecOptions options);
[[nodiscard]] std::span<const core::MetricMeta> exec_metadata();

}  // namespace tocsin::probes
