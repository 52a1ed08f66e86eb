// Alerts of which nobody is told: those that began to fire in a window of maintenance with `alerts: false`, for as long
// as it lasts. What people know of already they go on hearing of, else Alertmanager would call it resolved. What still
// fires when the window is over is told then.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "tocsin/core/alert.hpp"
#include "tocsin/daemon/config/maintenance.hpp"

namespace tocsin::daemon {

/// From any thread.
class Mutes {
 public:
  void set(const std::vector<MaintenanceWindow>& windows);
  /// By the change's own time: asked twice of one change it says the same.
  [[nodiscard]] bool withheld(const core::AlertChange& change) const;
  /// Without those that are withheld.
  [[nodiscard]] std::vector<core::AlertChange> audible(const std::vector<core::AlertChange>& changes) const;

 private:
  using Windows = std::vector<MaintenanceWindow>;
  [[nodiscard]] std::shared_ptr<const Windows> windows() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Windows> windows_;  // those that mute; null: none
};

}  // namespace tocsin::daemon
