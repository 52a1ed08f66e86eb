// The tables that an action is made of.
#pragma once

#include "config/actions.hpp"
#include "tocsin/actions/argument.hpp"
#include "tocsin/core/fields.hpp"

namespace tocsin::daemon {

// How far, how often, and when not (action_bounds.cpp).
[[nodiscard]] core::Section<actions::CountSpec> count_table();
[[nodiscard]] core::Section<model::Down> down_table();
[[nodiscard]] core::Section<model::Stabilization> stabilization_table();
[[nodiscard]] core::Section<model::Cooldown> cooldown_table();
[[nodiscard]] core::Section<model::Limits> limits_table();
[[nodiscard]] core::Section<model::Verify> verify_table();
[[nodiscard]] core::Section<model::Breaker> breaker_table();
[[nodiscard]] core::Section<model::Approve> approve_table();
/// What is wrong with the rungs of a ladder.
[[nodiscard]] std::optional<std::string> ladder_problem(const std::vector<std::string>& ladder);

// How the platform is asked and told (action_calls.cpp).
[[nodiscard]] core::Section<model::Read> read_table();
[[nodiscard]] core::Section<model::Set> set_table();
[[nodiscard]] core::Section<model::Kubernetes> kubernetes_table();
[[nodiscard]] core::Type<std::vector<std::pair<std::string, model::Header>>> environment();

// Ready-made pairs of calls (recipes.cpp).
[[nodiscard]] core::Section<model::Recipe> recipe_table();

/// The alert's name and matchers, as they are written.
[[nodiscard]] core::Type<model::When> when();
[[nodiscard]] std::string to_string(const model::When& when);

/// What may fill a placeholder: the executor refuses anything else, so better say it now.
using actions::may_be_argument;
inline constexpr std::string_view argument_rule = "(letters, digits and ._:/@+-, 128 at most, no - first)";

}  // namespace tocsin::daemon
