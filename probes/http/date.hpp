// Dates as HTTP headers write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::probes::http {

/// Seconds since the epoch of `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37
/// 1994`.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace tocsin::probes::http
