// What of the program's files stays in memory.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tocsin::daemon {

/// A range of the process's addresses.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool operator==(const Mapping&) const = default;
};

/// Of /proc/self/smaps (proc(5)): the ranges that are mapped from files, cannot be written, and have not one page of
/// their own (what the linker has relocated must stay). Whatever is let go of them comes back from the file.
[[nodiscard]] std::vector<Mapping> clean_mappings(std::string_view smaps);

/// Lets go of code and constants that starting needed, some megabytes of them; what is needed again comes back from the
/// page cache. Any thread.
void let_go_of_start();

}  // namespace tocsin::daemon
