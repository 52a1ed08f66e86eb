// Actions over the HTTP interface: how they stand, and what would be done now. Pure.
#pragma once

#include <vector>

#include "src/actions_text.hpp"
#include "tocsin/net/http.hpp"

namespace tocsin::daemon {

/// GET /api/v1/tocsin/actions: how they stand and their newest rows. `action` picks one, `format=text` is for a
/// terminal.
[[nodiscard]] net::ServerResponse api_actions(const net::ServerRequest& request, ActionsView view);
/// GET /api/v1/tocsin/actions/plan: the same parameters.
[[nodiscard]] net::ServerResponse api_plan(const net::ServerRequest& request, std::vector<actions::Plan> plans);

}  // namespace tocsin::daemon
