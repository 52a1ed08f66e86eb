// One alert as Alertmanager's API v2 takes it. No sockets and no clock here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"
#include "tocsin/core/time.hpp"

namespace tocsin::alerts {

/// Written once, and shared by the queues of all destinations.
struct Message {
  core::Labels labels;     // with external labels: what Alertmanager tells alerts apart by
  std::uint64_t hash = 0;  // of these
  core::Labels own;        // without: what the ledger tells them apart by
  core::AlertChange::Kind kind = core::AlertChange::Kind::firing;
  core::TimePoint at;
  std::uint64_t number = 0;
  std::string json;
};
using MessagePtr = std::shared_ptr<const Message>;

/// The alert's labels, and external labels where the alert has none of that name.
[[nodiscard]] core::Labels with_external(core::Labels labels, const core::Labels& external);
/// Where Alertmanager's readers can look at the expression.
[[nodiscard]] std::string generator_url(std::string_view external_url, std::string_view expression);
/// Labels as a JSON object, at the end of `out`.
void write_labels(std::string& out, const core::Labels& labels);
[[nodiscard]] std::string quoted(std::string_view text);
/// A firing alert ends at its valid_until, one that is resolved when it was.
[[nodiscard]] MessagePtr make_message(const core::AlertChange& change, const core::Labels& external,
                                      std::string_view external_url);
/// The body of a POST: a list of them.
[[nodiscard]] std::string make_body(std::span<const MessagePtr> messages);

}  // namespace tocsin::alerts
