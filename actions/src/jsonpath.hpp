// The small part of JSONPath that names one value: $.a[0].b and $['a key'][0]. No wildcards, filters or slices.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tocsin/core/result.hpp"

namespace tocsin::actions {

using PathStep = std::variant<std::string, std::size_t>;  // a key, or a place in an array

/// At most 64 steps.
[[nodiscard]] core::Result<std::vector<PathStep>> parse_path(std::string_view expression);
/// The value at that path, or null where there is none.
[[nodiscard]] const boost::json::value* find(const boost::json::value& root, const std::vector<PathStep>& path);

}  // namespace tocsin::actions
