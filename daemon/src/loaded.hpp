// Everything that a start or a reload reads from files: the configuration and the rules.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/core/source.hpp"
#include "tocsin/daemon/config/config.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

struct Loaded {
  Config config;
  std::vector<rules::GroupSpec> groups;
  [[nodiscard]] std::size_t rule_count() const;
  /// How far back the rules and actions read, an instant selector as far as `lookback_delta`.
  [[nodiscard]] core::Duration look_back(core::Duration lookback_delta) const;
  /// How long samples must be kept for these rules: the longest look-back, at least 30 minutes, unless the
  /// configuration says.
  [[nodiscard]] core::Duration retention() const;
  /// What the store may take.
  [[nodiscard]] store::Limits store_limits() const;
};

/// Of the packs that the binary has.
[[nodiscard]] std::vector<std::string> pack_names();

/// Reads a configuration with all that it names. Nothing if `diagnostics` has errors.
[[nodiscard]] std::optional<Loaded> load_everything(const std::string& path, const LoadOptions& options,
                                                    core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
