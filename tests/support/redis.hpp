// How a redis-server for one test is started: it keeps nothing, and is reached on the loopback alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace tocsin::test {

[[nodiscard]] inline std::vector<std::string> redis_command(std::uint16_t port, const TempDir& dir,
                                                            const std::vector<std::string>& options = {}) {
  std::vector<std::string> argv{"redis-server", "--bind", "127.0.0.1", "--daemonize", "no", "--save", ""};
  argv.insert(argv.end(), {"--port", std::to_string(port), "--dir", dir.path(), "--repl-diskless-sync-delay", "0"});
  argv.insert(argv.end(), options.begin(), options.end());
  return argv;
}

}  // namespace tocsin::test
