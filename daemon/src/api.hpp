// Prometheus's HTTP API, as JSON text made of values: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "src/judge.hpp"
#include "src/lane.hpp"
#include "tocsin/actions/action.hpp"
#include "tocsin/core/time.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/rules/promql/engine.hpp"

namespace tocsin::daemon {

/// What one API call answers.
[[nodiscard]] net::ServerResponse api_success(std::string data);
/// `type` is Prometheus's errorType: bad_data 400, execution 422, timeout 503, canceled 499, internal 500, not_found
/// 404.
[[nodiscard]] net::ServerResponse api_error(std::string_view type, std::string_view message);

/// A parameter of the query or of a form that was posted; empty if there is none.
[[nodiscard]] std::string api_parameter(const net::ServerRequest& request, std::string_view name);
/// A float of seconds since the epoch, or RFC 3339.
[[nodiscard]] std::optional<core::TimePoint> parse_api_time(std::string_view text);

/// GET or POST /api/v1/query.
[[nodiscard]] net::ServerResponse api_query(const net::ServerRequest& request, const store::View& view,
                                            core::TimePoint now);
[[nodiscard]] net::ServerResponse api_alerts(const GroupStatuses& groups);
/// Filters: type=alert|record, rule_name[], rule_group[], file[].
[[nodiscard]] net::ServerResponse api_rules(const net::ServerRequest& request, const GroupStatuses& groups);
[[nodiscard]] net::ServerResponse api_targets(const std::vector<TargetStatus>& targets);
[[nodiscard]] net::ServerResponse api_actions(const std::vector<actions::ActionStatus>& actions,
                                              const std::vector<core::ActionRecord>& recent);
[[nodiscard]] net::ServerResponse api_build_info();

}  // namespace tocsin::daemon
