// Starting a child process with nothing of ours in it but what is declared.
#pragma once

#include <sys/types.h>

#include "tocsin/net/process.hpp"
#include "unique_fd.hpp"

namespace tocsin::net {

/// A child that runs, as the leader of a session and a process group of its own.
struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd in, out, err;  // our ends, non-blocking
};

[[nodiscard]] core::Result<Spawned> spawn_process(const ProcessSpec& spec);

}  // namespace tocsin::net
