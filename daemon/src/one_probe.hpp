// `tocsin probe`: one probe as configured, its phases and its metrics, now.
#pragma once

#include <map>
#include <string>

namespace tocsin::daemon {

struct OneProbeOptions {
  std::string job;  // JOB, JOB/INSTANCE or a URL
  std::string config = "/etc/tocsin/tocsin.yml";
  bool config_named = false;  // a URL needs none, so the usual one may be missing
  std::map<std::string, std::string> environment;
};
/// 0 if every target that was named is well, else 1.
[[nodiscard]] int probe_once(const OneProbeOptions& options);

}  // namespace tocsin::daemon
