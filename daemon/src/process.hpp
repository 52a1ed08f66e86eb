// The process: `tocsin run`. Makes the rooms, hands values from one to the next, reloads, stops.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "src/log.hpp"

namespace tocsin::daemon {

struct RunOptions {
  std::string config = "/etc/tocsin/tocsin.yml";
  std::optional<std::string> listen;    // over web.listen
  std::optional<std::string> data_dir;  // over storage.path and $STATE_DIRECTORY
  std::optional<std::string> socket;    // over $RUNTIME_DIRECTORY/tocsin.sock
  Level log_level = Level::info;
  std::map<std::string, std::string> environment;
};

/// Runs until SIGTERM or SIGINT. 0 after an orderly stop, 1 if it cannot start (said on standard error).
[[nodiscard]] int run(const RunOptions& options);

}  // namespace tocsin::daemon
