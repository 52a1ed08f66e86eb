// Steps from the model to a Config.
#pragma once

#include <string>
#include <vector>

#include "model.hpp"

namespace tocsin::daemon {

/// What all steps share.
struct Loading {
  const LoadOptions& options;
  core::Diagnostics& diagnostics;

  void error(const core::Place& place, core::Position at, std::string message) const {
    diagnostics.error(place.file, at, std::move(message));
  }
  /// What only the service has may be missing where it is not run.
  void missing(const core::Place& place, core::Position at, std::string message) const;
  /// Checks that a secret's file can be read now.
  void check_secret(const core::SecretSource& secret, const core::Place& place, std::string_view key) const;
  void check_tls(const std::optional<net::TlsOptions>& tls, const core::Place& place) const;
};

/// The files that a pattern names, sorted. A name without `*`, `?` or `[` must exist; a pattern may match nothing (a
/// warning).
[[nodiscard]] std::vector<std::string> expand(const core::Located<std::string>& pattern, core::FieldReader& reader);

/// The targets of one probe section.
void add_targets(const model::Probe& probe, const GlobalConfig& global, const Loading& loading,
                 std::vector<TargetConfig>& into);

[[nodiscard]] JobConfig make_job(const model::Probe& probe);

[[nodiscard]] std::optional<alerts::AlertmanagerOptions> make_alertmanager(const model::Alertmanager& section,
                                                                           const Loading& loading);
[[nodiscard]] std::optional<alerts::FallbackOptions> make_fallback(const model::Fallback& section_of,
                                                                   const Loading& loading);
[[nodiscard]] std::optional<alerts::HeartbeatOptions> make_heartbeat(const model::Heartbeat& section_of,
                                                                     const Loading& loading);
/// Who may use the port (web_config.cpp).
[[nodiscard]] WebUsers read_web_users(const std::string& path, const core::Place& root, const Loading& loading);
[[nodiscard]] model::Fallback section_for(const alerts::FallbackOptions& options);
[[nodiscard]] model::Heartbeat section_for(const alerts::HeartbeatOptions& options);
/// `data_folder`: where commands may keep what they must; empty: there is none.
[[nodiscard]] actions::ActionSpec make_action(const model::Action& section, const std::string& data_folder,
                                              const Loading& loading);
[[nodiscard]] model::Action section_for(const actions::ActionSpec& spec);
/// Actions on one target that would work against each other.
void check_conflicts(const std::vector<model::Action>& actions, const Loading& loading);
[[nodiscard]] MaintenanceWindow make_maintenance(const model::Maintenance& section);
[[nodiscard]] model::Maintenance section_for(const MaintenanceWindow& window);

}  // namespace tocsin::daemon
