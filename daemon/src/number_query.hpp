// One number by PromQL, for actions that divide by it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "tocsin/core/time.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

/// The number, or why there is none.
using NumberAnswer = std::pair<std::optional<double>, std::string>;
[[nodiscard]] NumberAnswer query_one_number(const store::View& view, const std::string& expression, core::TimePoint at);

}  // namespace tocsin::daemon
