// Child processes: an argv (never a shell), a declared environment, an own process group, bounds on time and output.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/core/result.hpp"
#include "tocsin/net/loop.hpp"

namespace tocsin::net {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up in the PATH of `environment` if it has no slash
  std::vector<std::pair<std::string, std::string>> environment;  // all of it; nothing is inherited
  std::string working_directory = "/";
  std::string input;                            // written to its standard input, which is then closed
  std::size_t max_output = 1024 * 1024;         // of each of stdout and stderr; past it the rest is read and dropped
  std::chrono::milliseconds kill_after{5'000};  // between TERM and KILL to the group, once the deadline has passed
};

struct ProcessExit {
  int status = 0;             // exit status; -1 if it ended by a signal
  std::optional<int> signal;  // the signal that ended it
  bool timed_out = false;     // the deadline passed, the group was ended
  bool output_cut = false;    // stdout or stderr was longer than max_output
  std::string out;
  std::string err;
  std::chrono::nanoseconds took{0};
};

/// Runs it to its end. A command that cannot be started (missing, not executable) is a Failure. File descriptors of
/// ours are closed in it; its process group is ended (TERM, then KILL) at the deadline or when the coroutine is
/// cancelled, and nothing of the group is left behind when it exits by itself.
[[nodiscard]] Task<core::Result<ProcessExit>> run_process(ProcessSpec spec, core::Deadline deadline);

}  // namespace tocsin::net
