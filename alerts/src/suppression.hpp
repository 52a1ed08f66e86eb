// Whether an Alertmanager keeps an alert from people: the question, and what its answer means. No sockets here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tocsin/core/alert.hpp"
#include "tocsin/core/labels.hpp"

namespace tocsin::alerts {

/// Path and query, behind the prefix, that ask for this alert (and perhaps for some more; the answer's reader compares
/// labels).
[[nodiscard]] std::string suppression_target(const core::Labels& labels);
/// What one Alertmanager answered about the alert with exactly these labels.
[[nodiscard]] core::Suppression read_suppression(std::string_view body, const core::Labels& labels);
/// What all of them together say. None at all: nobody keeps anything.
[[nodiscard]] core::Suppression combine(std::span<const core::Suppression> answers);

}  // namespace tocsin::alerts
