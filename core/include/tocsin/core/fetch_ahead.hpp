// Memory that is needed soon (docs/decisions/0023).
#pragma once

#include <algorithm>
#include <cstddef>

namespace tocsin::core {

/// Asks for `size` bytes, 4 KiB of them at most: what thousands of targets have in turn is not in the processor's
/// caches any more, and to miss it line by line takes far longer than to wait for all of it at a time.
inline void fetch_ahead(const void* memory, std::size_t size) {
  constexpr std::size_t line = 64;
  constexpr std::size_t most = 4096;
  for (std::size_t at = 0; at < std::min(size, most); at += line) {
    __builtin_prefetch(static_cast<const char*>(memory) + at);
  }
}

}  // namespace tocsin::core
