// GET /api/v1/tocsin/explain: why an alert fires, or why it does not.
#pragma once

#include <memory>
#include <vector>

#include "src/api_history.hpp"
#include "src/judge.hpp"
#include "tocsin/net/http.hpp"
#include "tocsin/rules/rule_file.hpp"
#include "tocsin/store/store.hpp"

namespace tocsin::daemon {

using GroupSpecs = std::shared_ptr<const std::vector<rules::GroupSpec>>;

/// What an explanation rests on.
struct ExplainSources {
  GroupSpecs groups;
  GroupStatuses statuses;  // of the same groups, as they are now
  store::View view;
  HistorySource history;
};

/// Parameters: alert (its name; a recording rule's too), at (a time, or a duration before `now`); format=text for a
/// terminal. Every rule of that name, in the order of the groups, and the last transitions of its alerts. May block.
[[nodiscard]] net::ServerResponse api_explain(const net::ServerRequest& request, const ExplainSources& sources,
                                              core::TimePoint now);

}  // namespace tocsin::daemon
