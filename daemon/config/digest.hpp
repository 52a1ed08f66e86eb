// What tells whether something is configured as it was before.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {

/// SHA-256 over these parts, each with its length, in hex: equal lists of parts alone give equal digests.
[[nodiscard]] std::string digest_of(std::initializer_list<std::string_view> parts);
/// Of a section as it is written; one of its keys may be left out. Secrets count, and cannot be had from it.
[[nodiscard]] std::string digest_of(const core::YamlNode& node, std::string_view left_out);

}  // namespace tocsin::daemon
