// Actions outside of a configuration: tests of rules may have them in place.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tocsin/actions/spec.hpp"
#include "tocsin/core/source.hpp"
#include "tocsin/core/yaml.hpp"

namespace tocsin::daemon {

/// Of a document that has the sections `actions`, `guard` and `maintenance` of a configuration. Files of secrets need
/// not be there. Nothing if `diagnostics` has errors.
[[nodiscard]] std::optional<actions::Settings> read_inline_actions(
    const core::YamlDocument& document, const std::map<std::string, std::string>& environment,
    core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
