// What people type.
#pragma once

namespace tocsin::daemon {

/// Exit codes: 0 good, 1 the thing checked is bad or the command failed, 2 wrong usage, 3 lints under --lint-fatal.
[[nodiscard]] int command_line(int argc, char** argv);

}  // namespace tocsin::daemon
