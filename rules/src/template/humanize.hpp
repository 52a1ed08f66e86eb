// Numbers for people, as Prometheus's templates write them.
#pragma once

#include <optional>
#include <string>

namespace tocsin::rules::tmpl {

[[nodiscard]] std::string humanize(double value);             // 1.234k
[[nodiscard]] std::string humanize1024(double value);         // 1.5Mi
[[nodiscard]] std::string humanize_duration(double seconds);  // 1h 2m 3s
[[nodiscard]] std::string humanize_percentage(double ratio);  // 12.34%
/// Nothing where the number is no time that nanoseconds since 1970 can hold.
[[nodiscard]] std::optional<std::string> humanize_timestamp(double seconds);  // 2022-01-25 12:36:43 +0000 UTC

}  // namespace tocsin::rules::tmpl
