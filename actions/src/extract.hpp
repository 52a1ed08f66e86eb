// Takes one value out of what a platform said.
#pragma once

#include <string>
#include <string_view>

#include "tocsin/actions/spec.hpp"
#include "tocsin/core/result.hpp"

namespace tocsin::actions {

/// One line of at most 256 bytes, never empty; or why there is none.
[[nodiscard]] core::Result<std::string> extract(const Extract& how, std::string_view output);

}  // namespace tocsin::actions
