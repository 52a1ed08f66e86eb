// What a peer says, as the value of a label.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::probes {

inline constexpr std::size_t max_label_bytes = 256;

/// Valid UTF-8 (other bytes become '?'), at most 256 bytes.
[[nodiscard]] std::string label_text(std::string_view text);

}  // namespace tocsin::probes
