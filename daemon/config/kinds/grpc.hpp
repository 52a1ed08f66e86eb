// The keys of a job that asks for the health of gRPC services.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/kinds/http.hpp"

namespace tocsin::daemon::model {

struct GrpcKeys {
  std::optional<std::string> service;
  bool tls = false;  // what a module of blackbox_exporter says of targets without a scheme
  std::string authority;
  std::vector<std::pair<std::string, Header>> metadata;
};

}  // namespace tocsin::daemon::model
