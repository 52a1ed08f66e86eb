// Completion for shells: scripts that need nothing but the shell itself.
#pragma once

#include <string>
#include <string_view>

#include "src/command_outline.hpp"

namespace tocsin::daemon {

/// The script for "bash", "zsh" or "fish".
[[nodiscard]] std::string completion(const OutlinedCommand& program, std::string_view shell);

}  // namespace tocsin::daemon
