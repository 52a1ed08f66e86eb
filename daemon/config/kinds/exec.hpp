// The keys of a job that runs check programs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/kinds/http.hpp"

namespace tocsin::daemon::model {

struct ExecKeys {
  std::vector<std::string> command;
  std::vector<std::pair<std::string, Header>> env;  // values in place or in a file
  std::optional<std::string> working_directory;
  std::vector<int> good_status;
  std::optional<bool> metrics;
};

}  // namespace tocsin::daemon::model
