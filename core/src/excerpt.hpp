// The line of a file that a diagnostic shows.
#pragma once

#include <span>
#include <string>

#include "tocsin/core/source.hpp"

namespace tocsin::core {

/// The line at `at` and a caret under its column, each behind two spaces and ended by a newline. Empty where there is
/// no such line. `secrets` are columns of that line at which a secret begins.
[[nodiscard]] std::string excerpt(const SourceFile& file, Position at, std::span<const std::size_t> secrets);

}  // namespace tocsin::core
