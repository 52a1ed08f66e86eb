// The page at `/`: plain HTML, readable without scripts, for somebody at 3 a.m.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/judge.hpp"
#include "src/lane.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/alerts/notifier.hpp"

namespace tocsin::daemon {

struct PageData {
  core::TimePoint now;
  std::vector<TargetStatus> targets;
  GroupStatuses groups;
  std::vector<actions::ActionStatus> actions;
  std::vector<actions::Pause> pauses;
  std::vector<core::ActionRecord> recent;  // of actions, newest first
  std::vector<alerts::DestinationStatus> destinations;
  std::vector<std::string> troubles;  // of tocsin itself, a sentence each
  std::optional<core::TimePoint> config_loaded;
  core::TimePoint started;
};
[[nodiscard]] std::string status_page(const PageData& data);

/// `<`, `>`, `&`, `"` and `'` as entities.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace tocsin::daemon
