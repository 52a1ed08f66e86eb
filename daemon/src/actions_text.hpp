// Actions for somebody at a terminal at 3 a.m.: what waits for a person comes with the command that does it. Pure.
#pragma once

#include <string>
#include <vector>

#include "tocsin/actions/machine.hpp"
#include "tocsin/core/journal.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::daemon {

/// All that is known of actions at a moment.
struct ActionsView {
  core::TimePoint now;
  std::vector<actions::ActionStatus> actions;
  std::vector<actions::Pause> pauses;
  std::vector<core::ActionRecord> recent;  // newest first
};

/// How an action stands, in a few words: "waits for approval", "stopped after failures", "effective", ...
[[nodiscard]] std::string action_state(const actions::ActionStatus& action);
/// "2 -> 4", or empty.
[[nodiscard]] std::string change_text(const std::string& from, const std::string& to);
/// What is paused, a sentence each: "All actions are paused until 2026-...".
[[nodiscard]] std::vector<std::string> pause_sentences(const std::vector<actions::Pause>& pauses);
/// The command that lifts it.
[[nodiscard]] std::string resume_command(const actions::Pause& pause);

/// `tocsin actions list`: one line an action, then what waits for a person.
[[nodiscard]] std::string list_text(const ActionsView& view);
/// `tocsin actions show`: one action (`view` has it alone) and its rows, newest last.
[[nodiscard]] std::string show_text(const ActionsView& view);
/// `tocsin actions plan`.
[[nodiscard]] std::string plan_text(const std::vector<actions::Plan>& plans);

}  // namespace tocsin::daemon
