// Chance, for masks and identifiers.
#pragma once

#include <span>

namespace tocsin::net {

/// Bytes that nobody can foretell.
void fill_random(std::span<char> bytes);

}  // namespace tocsin::net
