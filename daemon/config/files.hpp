// Files that the configuration names.
#pragma once

#include <optional>
#include <string>

namespace tocsin::daemon {

/// The text of a file of at most 16 MiB.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);

}  // namespace tocsin::daemon
