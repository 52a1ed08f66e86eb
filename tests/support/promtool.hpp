// Prometheus's own tool, where it is installed: the judge of what we read and compute.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace tocsin::test {

struct PromtoolResult {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};

[[nodiscard]] inline bool has_promtool() { return access("/usr/bin/promtool", X_OK) == 0; }

[[nodiscard]] inline PromtoolResult promtool(const std::vector<std::string>& arguments) {
  std::string command = "/usr/bin/promtool";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  PromtoolResult result;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) result.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace tocsin::test
