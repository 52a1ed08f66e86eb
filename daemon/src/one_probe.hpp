// `tocsin probe`: one probe as configured, its phases and its metrics, now.
#pragma once

#include <map>
#include <string>

namespace tocsin::daemon {

struct OneProbeOptions {
  std::string job;  // JOB or JOB/INSTANCE
  std::string config = "/etc/tocsin/tocsin.yml";
  std::map<std::string, std::string> environment;
};
/// 0 if every target that was named is well, else 1.
[[nodiscard]] int probe_once(const OneProbeOptions& options);

}  // namespace tocsin::daemon
