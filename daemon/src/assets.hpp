// The status page's template and style, from dashboards/status.
#pragma once

#include <span>
#include <string_view>

namespace tocsin::daemon {

struct Asset {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] std::span<const Asset> status_assets();

}  // namespace tocsin::daemon
