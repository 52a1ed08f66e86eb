// GET /api/v1/tocsin/history: what happened.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/json.hpp"
#include "tocsin/core/history.hpp"
#include "tocsin/core/result.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/state/ledger.hpp"

namespace tocsin::daemon {

using HistorySource = std::function<core::Result<std::vector<core::HistoryRecord>>(const state::HistoryQuery&)>;

/// Parameters: since and until (a time, or a duration before `now`), kind, subject, limit; format=text for a terminal.
/// Newest first. May block.
[[nodiscard]] net::ServerResponse api_history(const net::ServerRequest& request, const HistorySource& source,
                                              core::TimePoint now);
void write_record(JsonWriter& json, const core::HistoryRecord& record);
/// A time, or a duration before `now`.
[[nodiscard]] std::optional<core::TimePoint> parse_moment(const std::string& text, core::TimePoint now);
/// One line for each record, oldest first.
[[nodiscard]] std::string history_text(const std::vector<core::HistoryRecord>& records);

}  // namespace tocsin::daemon
