// Files that the configuration names.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tocsin::daemon {

/// The text of a file of at most 16 MiB.
[[nodiscard]] std::optional<std::string> read_file(const std::string& path);
/// The files that patterns name (`*`, `?`, `[`), sorted, each once, at most 10,000.
[[nodiscard]] std::vector<std::string> matching_files(const std::vector<std::string>& patterns);

}  // namespace tocsin::daemon
