// A systemd unit as systemd reads it: the file and what is dropped in beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tocsin::daemon {

struct UnitText {
  std::string path;  // of the unit
  std::string text;  // its own, then that of its drop-ins in the order in which they count
};

/// The first of these units that is there, with the `*.conf` files of all the folders, sorted by their names.
[[nodiscard]] std::optional<UnitText> read_unit(const std::vector<std::string>& units,
                                                const std::vector<std::string>& drop_in_folders);

/// The one that runs tocsin on this machine, where there is one.
[[nodiscard]] std::optional<UnitText> read_own_unit();

}  // namespace tocsin::daemon
