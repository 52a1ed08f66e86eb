// The same for every kind that keeps connections.
#pragma once

#include "src/idle_limit.hpp"

namespace tocsin::probes::redis {

using probes::IdleLimit;

}  // namespace tocsin::probes::redis
