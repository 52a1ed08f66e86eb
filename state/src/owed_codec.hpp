// What is owed, as bytes of a row: a version, then the fields in order. Pure; what is not such bytes is said so.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"

namespace tocsin::state {

/// Equal labels have equal bytes, others have others: fit for a key.
[[nodiscard]] std::string encode(const core::Labels& labels);
[[nodiscard]] std::optional<core::Labels> decode_labels(std::string_view bytes);

/// Without the number, which has a column of its own.
[[nodiscard]] std::string encode(const core::AlertChange& change);
[[nodiscard]] std::optional<core::AlertChange> decode_change(std::string_view bytes);

}  // namespace tocsin::state
