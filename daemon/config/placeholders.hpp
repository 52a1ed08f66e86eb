// What stands in braces in the calls of an action, checked before anything is filled in.
#pragma once

#include "load.hpp"

namespace tocsin::daemon {

/// Unknown placeholders, labels without a list of what they may be, placeholders where none may stand, and a `set` that
/// does not say what the new value is.
void check_placeholders(const model::Action& action, const Loading& loading);

}  // namespace tocsin::daemon
