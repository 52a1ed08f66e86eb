// The keys of a job that reports its end itself.
#pragma once

#include <optional>

#include "tocsin/core/secret.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::daemon::model {

struct PushKeys {
  std::optional<core::Duration> expect_every;
  core::SecretSource token;
};

}  // namespace tocsin::daemon::model
