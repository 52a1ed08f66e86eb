// What `check` says of actions beside the rules that ask for them. Pure.
#pragma once

#include "src/loaded.hpp"
#include "tocsin/core/source.hpp"

namespace tocsin::daemon {

/// Errors: an action that would act, or judge what it did, before its rule can have forgotten what was before; PromQL
/// that is none. Warnings: alerts that no rule defines, targets that somebody else scales, `auto` without a limit, and
/// actions on one target of which only some would let it shrink.
void check_actions(const Loaded& loaded, core::Diagnostics& diagnostics);

}  // namespace tocsin::daemon
