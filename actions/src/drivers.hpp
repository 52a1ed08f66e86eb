// The ways to a platform: a command, a request, Kubernetes. Each fills in the placeholders, makes one call within a
// deadline and says what came of it; none decides anything.
#pragma once

#include "tocsin/actions/machine.hpp"
#include "tocsin/actions/spec.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/loop.hpp"
#include "tocsin/net/stream.hpp"

namespace tocsin::actions {

/// Reads the present value. `labels` are the alert's, for placeholders. A failure's detail is for people, redacted.
/// The connector must outlive the call.
[[nodiscard]] net::Task<core::Result<Reading>> read_target(net::Connector& connector, Spec spec, core::Labels labels,
                                                           core::Deadline deadline);

/// Makes the change that was permitted, once.
[[nodiscard]] net::Task<CallEnd> make_change(net::Connector& connector, Spec spec, Permit permit,
                                             core::Deadline deadline);

}  // namespace tocsin::actions
