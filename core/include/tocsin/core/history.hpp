// What happened, for people who ask afterwards.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::core {

enum class HistoryKind {
  alert,        // an alert became pending, firing, resolved, gone, unknown
  delivery,     // an Alertmanager (or the fallback) took it, refused it, or it was dropped
  suppression,  // an action was not taken because of a silence, an inhibition, maintenance, ...
  daemon,       // start, stop, reload, a configuration that was refused, state set aside, cut off from the network
};
[[nodiscard]] std::string_view to_string(HistoryKind kind);
[[nodiscard]] std::optional<HistoryKind> history_kind(std::string_view name);

struct HistoryRecord {
  TimePoint at;
  HistoryKind kind = HistoryKind::alert;
  std::string event;    // "firing", "delivered", "reload", ...
  std::string subject;  // the alert's name, the action's, or empty
  Labels labels;        // of the alert
  std::string detail;   // in words; no secrets
};

}  // namespace tocsin::core
