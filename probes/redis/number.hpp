// Numbers as Redis writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::probes::redis {

/// Reads the number that [from, to) begins with; returns where it ends, or null if there is none (or it does not fit).
[[nodiscard]] const char* read_number(const char* from, const char* to, double& value);
/// The value of a text that is one number from end to end.
[[nodiscard]] std::optional<double> whole_number(std::string_view text);

}  // namespace tocsin::probes::redis
