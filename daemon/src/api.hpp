// Prometheus's HTTP API, as JSON text made of values: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/exposition.hpp"
#include "src/judge.hpp"
#include "src/lane.hpp"
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
/// All values of a parameter that may come several times, as `name` or `name[]`.
[[nodiscard]] std::vector<std::string> api_values(const net::ServerRequest& request, std::string_view name);
/// A float of seconds since the epoch, or RFC 3339.
[[nodiscard]] std::optional<core::TimePoint> parse_api_time(std::string_view text);

/// GET or POST /api/v1/query.
[[nodiscard]] net::ServerResponse api_query(const net::ServerRequest& request, const store::View& view,
                                            core::TimePoint now);
/// GET or POST /api/v1/query_range: at most 11,000 steps.
[[nodiscard]] net::ServerResponse api_query_range(const net::ServerRequest& request, const store::View& view);
/// GET or POST /api/v1/series, /labels; GET /api/v1/label/<name>/values: of the series that match[] picks, ended ones
/// included as long as samples of them are kept (`start` and `end` make no difference). `limit` bounds the answer.
[[nodiscard]] net::ServerResponse api_series(const net::ServerRequest& request, const store::View& view);
[[nodiscard]] net::ServerResponse api_labels(const net::ServerRequest& request, const store::View& view);
[[nodiscard]] net::ServerResponse api_label_values(const net::ServerRequest& request, std::string_view name,
                                                   const store::View& view);
/// GET /api/v1/metadata: parameters metric and limit.
[[nodiscard]] net::ServerResponse api_metadata(const net::ServerRequest& request, const Metadata& metadata);
[[nodiscard]] net::ServerResponse api_alerts(const GroupStatuses& groups);
/// Filters: type=alert|record, rule_name[], rule_group[], file[].
[[nodiscard]] net::ServerResponse api_rules(const net::ServerRequest& request, const GroupStatuses& groups);
[[nodiscard]] net::ServerResponse api_targets(const std::vector<TargetStatus>& targets);
[[nodiscard]] net::ServerResponse api_build_info();

}  // namespace tocsin::daemon
