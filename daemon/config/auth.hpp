// How one proves who one is over HTTP: sections that several others have.
#pragma once

#include <string>

#include "tocsin/core/fields.hpp"
#include "tocsin/core/secret.hpp"

namespace tocsin::daemon::model {

struct BasicAuth {
  std::string user;
  core::SecretSource password;
  core::Place place;
};

struct Authorization {
  std::string type = "Bearer";
  core::SecretSource credentials;
  core::Place place;
};

}  // namespace tocsin::daemon::model
