// Manual pages, made of the same descriptions that the command line and the configuration's parser use.
#pragma once

#include <string>
#include <string_view>

#include "src/command_outline.hpp"

namespace tocsin::daemon {

/// tocsin(1).
[[nodiscard]] std::string command_manual(const OutlinedCommand& program);

/// tocsin.yml(5), of what config_markdown() gives.
[[nodiscard]] std::string config_manual(std::string_view markdown);

}  // namespace tocsin::daemon
