// What a server says it is, and which questions suit it.
#pragma once

#include <string_view>

#include "redis/question.hpp"

namespace tocsin::probes::redis {

/// What INFO says when a connection is new; none of it changes while the server runs.
struct Server {
  unsigned version = 0;  // 7.0.15 is 700; 0 where it does not say
  unsigned valkey = 0;   // the same of valkey_version
  bool dragonfly = false;
  bool sentinel = false;
  bool cluster = false;          // cluster_enabled
  bool cluster_in_info = false;  // INFO has the fields of CLUSTER INFO already (Valkey 9.1)
  bool operator==(const Server&) const = default;
};

[[nodiscard]] Server describe(std::string_view info);
/// Whether a server of this kind and version has the command. A server that does not say its version is asked nothing
/// but INFO.
[[nodiscard]] bool suits(Question question, const Server& server);

}  // namespace tocsin::probes::redis
